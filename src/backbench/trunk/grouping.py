"""Threshold grouping (Goel et al. 2020): classes i < j are similar when likelihood[i][j] > volatility ÷ n. No torch.

Groups are the connected components, in the order of their first member. The published rule looks at the upper triangle
alone; with `both`, at the mean of both (an error of i for j counts as one of j for i).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Groups = tuple[tuple[int, ...], ...]
Likelihood = NDArray[np.float64]


def group(likelihood: Likelihood, volatility: float, *, both: bool = False) -> Groups:
    """The groups of an n × n likelihood. Higher volatility, fewer merges. Raises ValueError where it is not square."""
    similar = pairs(likelihood, both) > volatility / len(likelihood)
    owner = list(range(len(likelihood)))
    for one, two in zip(*np.nonzero(similar), strict=True):
        kept, dropped = sorted((owner[int(one)], owner[int(two)]))
        owner = [kept if place == dropped else place for place in owner]
    return tuple(tuple(i for i, place in enumerate(owner) if place == first) for first in sorted(set(owner)))


def pairs(likelihood: Likelihood, both: bool) -> Likelihood:
    """The likelihood that counts for each pair i < j; zero elsewhere."""
    if likelihood.ndim != 2 or likelihood.shape[0] != likelihood.shape[1]:
        raise ValueError(f"a likelihood is n × n, not {' × '.join(map(str, likelihood.shape))}")
    return np.triu((likelihood + likelihood.T) / 2 if both else likelihood, 1)


def sweep(likelihood: Likelihood, volatilities: list[float], *, both: bool = False) -> dict[float, Groups]:
    """The groups at each volatility, from one saved likelihood: nothing is trained."""
    return {volatility: group(likelihood, volatility, both=both) for volatility in volatilities}


def distinct(likelihood: Likelihood, *, both: bool = False) -> Iterator[tuple[float, Groups]]:
    """Every grouping that any volatility gives, from all merged to none, each with a volatility that gives it.

    The grouping changes only at n × a pair's likelihood; between two of those every volatility is the same.
    """
    edges = np.unique(pairs(likelihood, both)) * len(likelihood)
    middles = [*((edges[1:] + edges[:-1]) / 2), float(edges[-1]) * 1.01 + 1e-12]
    last: Groups | None = None
    for volatility in middles:
        found = group(likelihood, float(volatility), both=both)
        if found != last:
            yield float(volatility), found
        last = found


def trivial(groups: Groups) -> bool:
    """Whether everything or nothing was merged: either way the node stays flat."""
    return len(groups) == 1 or all(len(members) == 1 for members in groups)
