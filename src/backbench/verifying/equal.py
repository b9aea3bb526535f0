"""A cell that was measured again, held against its record.

On the same host and packages: artefact, accuracy, cost, executed precision, and latency, by the ratio of the two (new ÷
record) with Welch's interval: the rounds of two runs are no pairs. It passes where the 95 % interval lies inside 1 ± 5 %,
fails where the interval at 95 % over all cells (Bonferroni) is clear of it, and can't be told else: a wide interval is no
pass. On another host, or with other packages, everything but time.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.store import DATA
from backbench.errors import BackbenchError
from backbench.records.schema import Record
from backbench.report.reading import unpacked
from backbench.report.rows import number_in
from backbench.statistics.accuracy import mcnemar
from backbench.verifying.facts import files_of, part, text, training_of
from backbench.verifying.finding import Finding, Verdict
from backbench.verifying.latency import changed, latency, same_host, within

MARGIN = 1.0  # percentage points of accuracy


def held_against(old: Record, new: Record, cells: int) -> list[Finding]:
    """What of `old` holds for `new`; `cells` are decided together."""
    name = f"{old.cell_id} ({old.cell.label})"
    if new.status != "ok":
        verdict: Verdict = "fail" if new.status == "failed" else "can't tell"
        return [Finding("cell", name, verdict, f"{new.status} when it was measured again: {new.reason}")]
    checks = (
        artefact(name, old, new), accuracy(name, old, new), cost(name, old, new), precision(name, old, new),
        latency(name, old, new, cells),
    )  # fmt: skip
    return [finding for finding in checks if finding is not None]


def artefact(name: str, old: Record, new: Record) -> Finding:
    """Equal ids mean equal content that went in, and equal tools. Else: what differs, and whether it may."""
    mine, theirs = text(old.artefact, "id"), text(new.artefact, "id")
    if mine == theirs:
        return Finding("artefact", name, "pass", f"{mine} again")
    if deployed(old) and deployed(old) == deployed(new):
        return Finding(
            "artefact", name, "pass", f"the files of {mine} byte by byte (an exported file has an id of its own)"
        )
    versions = changed(part(old.inputs, "versions"), part(new.inputs, "versions"))
    if versions:
        return Finding(
            "artefact", name, "not checked", f"made with other versions ({versions}): compared by what it does"
        )
    differs = [part for part in ("weights", "dataset", "preprocessing") if old.inputs.get(part) != new.inputs.get(part)]
    training = training_of(old)
    if differs == ["weights"] and training and not (training.get("deterministic") and same_host(old, new)):
        detail = "trained again to other weights; only --deterministic promises the same, and on one machine"
        return Finding("artefact", name, "can't tell", detail)
    detail = f"{mine} became {theirs}: {', '.join(differs) or 'options or code'} differ"
    return Finding("artefact", name, "fail", detail)


def deployed(record: Record) -> set[str]:
    """SHA-256 of the files that are shipped."""
    return {sha256 for name, sha256 in files_of(record) if name.endswith(DATA)}


def accuracy(name: str, old: Record, new: Record) -> Finding | None:
    """Equal predictions, or a paired difference inside ±1 point. None where the record has no accuracy."""
    if old.predictions is None:
        return None
    if new.predictions is None:
        return Finding("accuracy", name, "can't tell", "there are no predictions this time")
    (mine, labels), (theirs, others) = predictions(old), predictions(new)
    if not np.array_equal(labels, others):
        return Finding("accuracy", name, "fail", "the test labels are others")
    same = int((mine == theirs).sum())
    if same == len(labels):
        bits = "logits bit by bit" if old.predictions.logits_sha256 == new.predictions.logits_sha256 else "arg-max"
        return Finding("accuracy", name, "pass", f"all {same} predictions again ({bits})")
    found = mcnemar(mine == labels, theirs == labels)
    detail = f"{found.pp:+.2f} pp [{found.low:+.2f}, {found.high:+.2f}], {same} of {found.n} predictions equal"
    return Finding("accuracy", name, within(found.low, found.high, found.low, found.high, -MARGIN, MARGIN), detail)


def predictions(record: Record) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Arg-max and label of every test image. Raises BackbenchError where the record's are none."""
    found = record.predictions
    assert found is not None
    try:
        return unpacked(found.predicted, found.n), unpacked(found.labels, found.n)
    except (ValueError, zlib.error):
        named = record.record_id[:16]
        raise BackbenchError(f"record {named}: its predictions are not those of {found.n} images") from None


def cost(name: str, old: Record, new: Record) -> Finding:
    """MACs, parameters and bytes are exact; bytes may differ where the tools that write files do."""
    mine, theirs = counted(old), counted(new)
    versions = changed(part(old.inputs, "versions"), part(new.inputs, "versions"))
    names = [key for key in mine if not (versions and key == "bytes")]
    differ = [f"{key} {mine[key]:,} → {theirs.get(key, 0):,}" for key in names if mine[key] != theirs.get(key)]
    if differ:
        return Finding("cost", name, "fail", "; ".join(differ))
    return Finding("cost", name, "pass", ", ".join(f"{key} {mine[key]:,}" for key in names) or "nothing was counted")


def counted(record: Record) -> dict[str, int]:
    counters, parameters = part(record.cost, "counters"), part(record.artefact, "parameters")
    found = {f"MACs ({counter})": number_in(counters, counter) for counter in counters}
    found |= {"parameters": number_in(parameters, "stored"), "non-zero": number_in(parameters, "nonzero")}
    found["bytes"] = number_in(record.artefact, "bytes")
    return {name: int(count) for name, count in found.items() if count is not None}


def precision(name: str, old: Record, new: Record) -> Finding | None:
    """What the runtime says that it executed. None where the record does not say."""
    mine, theirs = old.executed.get("precision"), new.executed.get("precision")
    if mine is None:
        return None
    verdict: Verdict = "pass" if mine == theirs else "fail"
    return Finding("precision", name, verdict, f"{mine} again" if mine == theirs else f"{mine} then, {theirs} now")
