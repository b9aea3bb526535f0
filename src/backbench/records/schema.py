"""The record: everything that is known of one measured cell, raw values only.

Medians, intervals, ratios, accuracies and verdicts are functions of records (`backbench.statistics`,
`backbench.report`): what can be
computed is computed on reading, so a better statistic never needs a new measurement.

Schema history
    1  2026-11  first version
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from backbench.spec.cell import Cell, canonical

SCHEMA_VERSION = 1


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Warn(Frozen):
    """A doubt about a number: what holds, the evidence for it, what would remedy it."""

    code: str
    message: str
    evidence: dict[str, Any] = Field(default_factory=dict)
    remedy: str = ""


class Sample(Frozen):
    """What one fresh process measured. `data` holds what the metric keeps beside its values."""

    round: int
    values: tuple[float, ...]
    data: dict[str, Any] = Field(default_factory=dict)


class Measurement(Frozen):
    """One metric's raw samples, in base units (seconds, bytes, joules). No samples: `reason` says why.

    latency      values: seconds of each timed call, in order; data: warmup (seconds each), first, load, compile,
                 imported, overhead (an empty call), regime, cpu_share (CPU-seconds ÷ wall ÷ threads), foreign, repeated (same-
                 sample seconds)
    throughput   one sample a process and batch; values: seconds of each call; data: batch
    peak_memory  values: one rise of the peak resident set over the size before loading (bytes); data: absolute
    energy       values: joules an image; data: source
    """

    unit: str
    samples: tuple[Sample, ...] = ()
    reason: str | None = None
    conditions: dict[str, Any] = Field(default_factory=dict)


class Predictions(Frozen):
    """The arg-max of every test image and its label, each packed as base64(zlib(uint16 little-endian))."""

    n: int
    predicted: str
    labels: str
    top5_correct: int | None = None
    logits_sha256: str
    test_evaluations: int  # how often this artefact was evaluated on the test part so far

    @classmethod
    def of(cls, logits: NDArray[np.float32], labels: NDArray[np.int64], test_evaluations: int) -> Predictions:
        """From logits N × classes and labels N."""
        order = np.argsort(-logits, axis=1, kind="stable")[:, :5]
        return cls(
            n=len(labels),
            predicted=pack(order[:, 0]),
            labels=pack(labels),
            top5_correct=int((order == labels[:, None]).any(axis=1).sum()) if logits.shape[1] > 20 else None,
            logits_sha256=hashlib.sha256(np.ascontiguousarray(logits, np.float32).tobytes()).hexdigest(),
            test_evaluations=test_evaluations,
        )

    def correct(self) -> NDArray[np.bool_]:
        """For each test image, in the dataset's order, whether the prediction is its label."""
        return np.equal(unpack(self.predicted), unpack(self.labels))


class Gate(Frozen):
    """The runtime's outputs against eager fp32 on real inputs."""

    n: int
    agreement: float  # share of equal arg-max
    max_error: float
    mean_error: float
    cosine: float
    tolerance: str
    passed: bool


class Conditions(Frozen):
    """How quiet the machine was while this cell was measured."""

    grade: Literal["A", "B", "C", "D"]
    grade_reasons: tuple[str, ...] = ()
    load: float | None = None
    foreign: tuple[float, ...] = ()  # share of the processors that others took, per round kept
    canary: tuple[float, ...] = ()  # seconds of the fixed load, before and after each sample's stretch of its round
    canary_drift: float | None = None
    voided_rounds: int = 0  # stretches of rounds; a short round is one


class Record(Frozen):
    """One cell, measured. `record_id` is the SHA-256 of everything else in it."""

    schema_version: int = SCHEMA_VERSION
    record_id: str = ""
    created_utc: str
    tool: dict[str, Any]  # name, version, commit, dirty
    study: str
    cell_id: str
    cell: Cell
    protocol: dict[str, Any]  # every value of the plan that was followed
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None
    # weights sha256, dataset {name, title, sha256, n}, preprocessing, versions
    inputs: dict[str, Any] = Field(default_factory=dict)
    # id, format, bytes, files, opset, input, trained, training,
    # parameters {stored, nonzero, trainable, subnormal, weights_bytes}
    artefact: dict[str, Any] | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)
    cost: dict[str, Any] = Field(default_factory=dict)  # counters {name: MACs}, uncounted, disputed
    gate: Gate | None = None
    predictions: Predictions | None = None
    measurements: dict[str, Measurement] = Field(default_factory=dict)
    executed: dict[str, Any] = Field(default_factory=dict)  # read back from the runtime
    host: dict[str, Any] = Field(default_factory=dict)
    conditions: Conditions | None = None
    warnings: tuple[Warn, ...] = ()

    def sealed(self) -> Record:
        """The same record with its id filled in."""
        return self.model_copy(update={"record_id": self.content_hash()})

    def content_hash(self) -> str:
        """What `record_id` must be; another value means that the record was changed."""
        content = self.model_dump(mode="json", exclude={"record_id"})
        return hashlib.sha256(canonical(content).encode()).hexdigest()


def pack(values: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(np.asarray(values, "<u2").tobytes(), 9)).decode()


def unpack(text: str) -> NDArray[np.uint16]:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<u2").astype(np.uint16)
