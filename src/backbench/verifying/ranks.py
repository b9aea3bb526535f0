"""Which cell is faster than which: what of a timing should hold on another host, where its milliseconds do not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from backbench.records.schema import Record
from backbench.statistics.compare import Verdict, simultaneous, verdict
from backbench.verifying.finding import Finding
from backbench.verifying.latency import medians

DECIDED = ("faster", "slower")
Pair = tuple[Record, Record]  # the record, and the cell measured again


def check_ranks(pairs: Sequence[Pair]) -> Finding | None:
    """One finding over all pairs of cells; None where fewer than two cells have a latency on both sides.

    It fails where two cells stand in the opposite order, decided on both sides (±2 %, Holm over the pairs of each side); it
    passes where every order that the records decide is decided the same way again.
    """
    known = [pair for pair in pairs if medians(pair[0]) and medians(pair[1])]
    couples = list(combinations(range(len(known)), 2))
    if not couples:
        return None
    then, now = (orders([pair[side] for pair in known], couples) for side in (0, 1))
    decided = [place for place, order in enumerate(then) if order in DECIDED]
    turned = [place for place in decided if now[place] in DECIDED and now[place] != then[place]]
    if turned:
        return Finding(
            "ranks", "latency", "fail", "; ".join(sentence(known, couples[place], then[place]) for place in turned)
        )
    held = [place for place in decided if now[place] == then[place]]
    detail = f"{len(held)} of {len(decided)} decided orders hold, none is turned round ({len(couples)} pairs of cells)"
    return Finding("ranks", "latency", "pass" if len(held) == len(decided) else "can't tell", detail)


def orders(records: Sequence[Record], couples: Sequence[tuple[int, int]]) -> list[Verdict]:
    """Of each couple: whether the second is faster than the first, by the rounds that they share."""
    middles = [medians(record) for record in records]
    shared = [couple for couple in couples if middles[couple[0]].keys() & middles[couple[1]].keys()]
    ratios = simultaneous([(middles[first], middles[second]) for first, second in shared])
    known = dict(zip(shared, map(verdict, ratios), strict=True))
    return [known.get(couple, "can't tell") for couple in couples]


def sentence(known: Sequence[Pair], couple: tuple[int, int], order: Verdict) -> str:
    first, second = (known[place][0].cell.label for place in couple)
    opposite = "slower" if order == "faster" else "faster"
    return f"{second} was {order} than {first} and is {opposite} now"
