"""The gate: no timing of outputs that are wrong (rule 4). The runtime's logits against eager fp32 on real inputs.

Errors are relative to the scale of the reference, its largest absolute logit: an absolute bound would pass any
network with small logits. Agreement of the arg-max is required where the head was trained; an untrained head's logits
lie so close that rounding decides, and there the errors alone decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.errors import UnknownName
from backbench.models.own import routed
from backbench.records.schema import Gate
from backbench.runtimes.runtime import Runtime, Session

LOST = 1e9  # the error of outputs that are no numbers; a record holds no infinity


@dataclass(frozen=True)
class Tolerance:
    """Least share of equal arg-max, largest error ÷ scale, least mean cosine."""

    agreement: float
    max_error: float
    cosine: float


TABLE = {
    # Another order of summation: 5e-6 was the largest seen in ONNX exports of twelve networks.
    "fp32": Tolerance(agreement=0.99, max_error=1e-3, cosine=0.9999),
    # 8 bits of mantissa through some fifty layers.
    "bf16": Tolerance(agreement=0.97, max_error=0.1, cosine=0.999),
    # Rounded weights and activations move logits for good; what it costs in accuracy is measured, not assumed.
    "int8": Tolerance(agreement=0.9, max_error=0.5, cosine=0.97),
    # Rounding sends an image to another child at times, and classes that are not visited lie as far down as the scale
    # reaches: the largest error only tells that one route changed. See docs/adr/0009.
    "bf16-routed": Tolerance(agreement=0.97, max_error=math.inf, cosine=0.99),
    "int8-routed": Tolerance(agreement=0.9, max_error=math.inf, cosine=0.97),
}


def row_of(runtime: Runtime, artefact: Artefact) -> str:
    """The runtime's row of the table; where rounding may change a network's route, the row for that."""
    row = runtime.gate(artefact)
    return f"{row}-routed" if f"{row}-routed" in TABLE and routed(artefact.model) else row


def gate(
    session: Session,
    inputs: NDArray[np.float32],
    reference: NDArray[np.float32],
    row: str,
    batch: int,
    trained: bool = True,
) -> Gate:
    """Inputs N × C × H × W and reference N × classes; `row` names the tolerance. Raises UnknownName."""
    if row not in TABLE:
        raise UnknownName("tolerance", row, TABLE)
    logits = predict_all(session, inputs, batch)
    return compare(logits, reference, row, trained)


def compare(logits: NDArray[np.float32], reference: NDArray[np.float32], row: str, trained: bool = True) -> Gate:
    """Other shapes, or numbers that are none, are outputs that are wrong, and no crash."""
    if logits.shape != reference.shape or not np.isfinite(logits).all():
        return Gate(
            n=len(reference), agreement=0.0, max_error=LOST, mean_error=LOST, cosine=0.0, tolerance=row, passed=False
        )
    agreement = float((logits.argmax(axis=1) == reference.argmax(axis=1)).mean())
    errors = np.abs(logits.astype(np.float64) - reference) / max(float(np.abs(reference).max()), 1e-30)
    found = Gate(
        n=len(reference),
        agreement=agreement,
        max_error=float(errors.max()),
        mean_error=float(errors.mean()),
        cosine=cosine(logits, reference),
        tolerance=row,
        passed=False,
    )
    return found.model_copy(update={"passed": not list(misses(found, trained))})


def cosine(logits: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """The mean over images of the cosine between the two rows of logits."""
    left, right = logits.astype(np.float64), reference.astype(np.float64)
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    equal = (left == right).all(axis=1)
    return float(np.where(equal, 1.0, (left * right).sum(axis=1) / np.maximum(lengths, 1e-300)).mean())


def misses(found: Gate, trained: bool = True) -> Iterator[str]:
    """What is outside the tolerance, each with its value and its bound."""
    bound = TABLE[found.tolerance]
    if trained and found.agreement < bound.agreement:
        yield f"arg-max agreement {found.agreement:.1%} (at least {bound.agreement:.0%})"
    if found.max_error > bound.max_error:
        yield f"largest error {found.max_error:.2g} of the reference's scale (at most {bound.max_error:g})"
    if found.cosine < bound.cosine:
        yield f"cosine {found.cosine:.4f} (at least {bound.cosine:g})"


def predict_all(session: Session, inputs: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
    """N × classes, in whole batches: the last is filled up with the first inputs, whose outputs are left out."""
    parts = []
    for start in range(0, len(inputs), batch):
        part = inputs[start : start + batch]
        filled = (
            part
            if len(part) == batch
            else np.concatenate([part, np.resize(inputs, (batch - len(part), *part.shape[1:]))])
        )
        parts.append(session.predict(filled)[: len(part)])
    return np.concatenate(parts)
