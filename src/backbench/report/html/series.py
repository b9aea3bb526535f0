"""A record's latency samples as a page draws them: at most 500 points of each kind, extremes kept, and a histogram."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.records.schema import Measurement, Sample

MAX_TIMED = 500  # plotted points of one record, all processes together
MAX_WARMUP = 200
BINS = 40
Array = NDArray[np.float64]


def series(measurement: Measurement | None) -> dict[str, Any] | None:
    """Processes in order, in ms, and the distribution of all timed calls; None where nothing was timed."""
    samples = [sample for sample in (measurement.samples if measurement else ()) if sample.values]
    if not samples:
        return None
    each = max(2, MAX_TIMED // len(samples)), max(2, MAX_WARMUP // len(samples))
    timed = np.concatenate([np.asarray(sample.values, np.float64) for sample in samples]) * 1e3
    return {"processes": [process(sample, *each) for sample in samples], "histogram": histogram(timed)}


def process(sample: Sample, quota: int, quota_warmup: int) -> dict[str, Any]:
    """`fences`: Tukey's, beyond which a call is an outlier; it is drawn apart and never left out."""
    values, warm = np.asarray(sample.values, np.float64) * 1e3, warmup(sample) * 1e3
    ordered = np.sort(values)
    low, high = fences(ordered, 1.5)
    return {
        "round": sample.round,
        "median": rounded(quantile(ordered, 0.5)),
        "fences": [rounded(low), rounded(high)],
        "outliers": len(ordered) - int(np.searchsorted(ordered, high, "right") - np.searchsorted(ordered, low)),
        "warm": points(warm, quota_warmup),
        "timed": points(values, quota),
    }


def warmup(sample: Sample) -> Array:
    """The seconds of the warm-up calls, as far as the record's free data are numbers."""
    found = sample.data.get("warmup")
    numbers = found if isinstance(found, (list, tuple)) else []
    kept = [value for value in numbers if isinstance(value, float) and abs(value) < 1e6]
    return np.asarray(kept, np.float64)


def fences(ordered: Array, reach: float) -> tuple[float, float]:
    """`reach` interquartile ranges below the first and above the third quartile of sorted values."""
    first, third = quantile(ordered, 0.25), quantile(ordered, 0.75)
    return first - reach * (third - first), third + reach * (third - first)


def quantile(ordered: Array, share: float) -> float:
    """Linear between neighbours, as numpy's; of sorted values, since a page needs a dozen of them."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    return low + (place - below) * (high - low)


def points(values: Array, quota: int) -> dict[str, Any]:
    """`x`: the numbers of the calls where not all of the `n` are shown; `y`: ms."""
    places = chosen(values, quota)
    shown = values if places is None else values[places]
    return {
        "n": len(values),
        "x": None if places is None else places.tolist(),
        "y": [rounded(value) for value in shown.tolist()],
    }


def chosen(values: Array, quota: int) -> NDArray[np.int64] | None:
    """Where the least and the largest call of each of quota ÷ 2 equal stretches stand; None where all calls fit."""
    if len(values) <= quota:
        return None
    size = -(-len(values) // max(1, quota // 2))
    rows = -(-len(values) // size)
    stretches = np.pad(values, (0, rows * size - len(values)), mode="edge").reshape(rows, size)
    starts = np.arange(rows) * size
    ends = np.concatenate([starts + stretches.argmin(axis=1), starts + stretches.argmax(axis=1)])
    return np.unique(np.minimum(ends, len(values) - 1))


def histogram(values: Array) -> dict[str, Any]:
    """Bins from the least call to Tukey's far fence; `above` counts the calls beyond it."""
    ordered = np.sort(values)
    low, most = float(ordered[0]), float(ordered[-1])
    high = min(most, fences(ordered, 3.0)[1])
    edges = np.linspace(low, high, BINS + 1)
    places = np.searchsorted(ordered, edges, "left")
    places[-1] = np.searchsorted(ordered, high, "right")
    return {
        "low": rounded(low),
        "high": rounded(high),
        "counts": np.diff(places).tolist() if high > low else [int(places[-1])],
        "above": len(ordered) - int(places[-1]),
        "most": rounded(most),
        "median": rounded(quantile(ordered, 0.5)),
    }


def rounded(value: float) -> float:
    """Four significant digits, as many as are printed."""
    return float(f"{value:.4g}")
