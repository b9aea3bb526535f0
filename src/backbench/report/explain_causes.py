"""Why a verdict is what it is, and what would change it: one function a cause, each with its condition.

Quantization: what share of the time its integer kernels have, and which float operator has the rest. Masks: zeros that nobody skips.
A record's own warnings (subnormal weights, another precision than was asked for) come along with their remedies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backbench.report.explain_verdicts import UNKNOWN, Case, accuracy, speed
from backbench.report.rows import number_in
from backbench.report.units import digits, millions, percent, plain_name

MOSTLY = 0.5  # share of the time in integer kernels under which the rest explains the speed
CODES = ("subnormal", "precision", "float-time", "thread-overrun")  # warnings that explain a verdict


@dataclass(frozen=True)
class Cause:
    """What holds, and what to do about it ("" where nothing is to be done)."""

    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text}." + (f" Remedy: {self.remedy}." if self.remedy else "")


def causes(case: Case) -> list[Cause]:
    """Everything that explains this row's verdicts, each once."""
    found = [cause for ask in CAUSES if (cause := ask(case)) is not None]
    said = {cause.text for cause in found}
    return found + [cause for cause in from_warnings(case) if cause.text not in said]


def untouched(case: Case) -> Cause | None:
    if case.row.cell.technique:
        return None
    return Cause("no technique was applied: this is the network that others are held against")


def no_parent(case: Case) -> Cause | None:
    if case.base is not None or not case.row.cell.technique:
        return None
    return Cause(
        "the same cell without its techniques was not measured in this folder, so speed and accuracy can't be told",
        "run both in one study: axes.technique [none, …]",
    )


def masks(case: Case) -> Cause | None:
    """Zeros without a removal; rounding makes some too, and nobody takes those for pruning."""
    before, after = case.quantities["nonzero"]
    if not any(name.startswith("prune") for name in names(case)):
        return None
    if case.changed("nonzero") != "yes" or case.changed("stored") == "yes" or before is None or after is None:
        return None
    return Cause(
        f"masks remove nothing: {millions(before - after)} M weights more are zero, and all are stored and multiplied as before",
        "prune_channels removes channels, and with them parameters, bytes and MACs",
    )


def bits(case: Case) -> Cause | None:
    if not lowered(case) or case.changed("stored") == "yes":
        return None
    return Cause(
        "fewer bits a number remove no parameter and no MAC: they make the file smaller and the kernels cheaper"
    )


def stored_only(case: Case) -> Cause | None:
    if "weights_half" not in names(case) or speed(case).answer == "yes":
        return None
    return Cause(
        "16 bits are how the weights are stored; the runtime widens them and computes as before",
        "the runtime's own precision option (bf16, fp16) decides what is computed in",
    )


def float_time(case: Case) -> Cause | None:
    """Where the time of a quantized network goes that is not in integer kernels."""
    share = number_in(case.row.record.executed, "integer_share")
    if not quantized(case) or share is None or share >= MOSTLY or speed(case).answer == "yes":
        return None
    where = largest_float(case)
    rest = f"; {where}" if where else ""
    return Cause(
        f"{percent(share, 0)} % of the time is in integer kernels{rest}",
        "quantize_static reaches convolutions too" if "quantize_dynamic" in names(case)
        else "another runtime or route may have integer kernels for these operators; else leave this network unquantized",
    )  # fmt: skip


def largest_float(case: Case) -> str:
    """`63 % is in fp32 Resize`: the kernel kind that is not an integer one and has the most time."""
    kinds = case.row.record.executed.get("time_by_kernel")
    if not isinstance(kinds, Mapping):
        return ""
    known = {str(name): seconds for name in kinds if (seconds := number_in(kinds, name)) is not None}
    floats = {name: seconds for name, seconds in known.items() if not name.startswith("int8 ")}
    total = sum(known.values())
    if not floats or total <= 0:
        return ""
    name = max(floats, key=lambda each: floats[each])
    return f"{percent(floats[name] / total, 0)} % is in {plain_name(name, 60)}"


def no_integers(case: Case) -> Cause | None:
    """Quantized on paper."""
    count = number_in(case.row.record.executed, "integer_operators")
    if not quantized(case) or count is None or count > 0:
        return None
    return Cause(
        "no integer operator was executed: the quantized graph was computed in floating point",
        "a runtime that fuses these operators (onnxruntime with U8S8, openvino), and optimization=all",
    )


def small_network(case: Case) -> Cause | None:
    """Integer kernels that don't pay."""
    share, answer = number_in(case.row.record.executed, "integer_share"), speed(case).answer
    if not quantized(case) or share is None or share < MOSTLY or answer in ("yes", UNKNOWN):
        return None
    return Cause(
        f"{percent(share, 0)} % of the time is in integer kernels, and they are no faster than the float ones on this host "
        "for layers of this size",
        "a larger batch or network, or a processor with VNNI or AMX (`backbench doctor` says what this one has)",
    )


def wide(case: Case) -> Cause | None:
    if case.versus is None or case.versus.ratio is None or speed(case).answer != UNKNOWN:
        return None
    ratio = case.versus.ratio
    return Cause(
        f"the interval of the ratio reaches from {digits(ratio.low, 3)} to {digits(ratio.high, 3)}, over the ±2 % that count as the same",
        "more rounds (protocol standard) on a quieter machine",
    )


def lost_accuracy(case: Case) -> Cause | None:
    """What usually wins accuracy back, by the technique that cost it."""
    if not accuracy(case).answer.startswith("lost"):
        return None
    known = [REMEDIES[name] for name in reversed(names(case)) if name in REMEDIES]
    return Cause("the accuracy fell by more than chance explains", known[0]) if known else None


def undecided_accuracy(case: Case) -> Cause | None:
    found = case.versus.difference if case.versus else None
    if found is None or accuracy(case).answer != UNKNOWN:
        return None
    return Cause(f"{found.n:,} test images are too few to exclude a loss of 1 pp", "a larger test part, or more seeds")


REMEDIES = {
    "quantize_static": "more calibration images, route=nncf (bias correction), method=percentile, or quantize_aware before it",
    "quantize_dynamic": "per_channel=true, or quantize_static",
    "weights_half": "dtype=fp16 keeps three bits more than bf16",
    "prune_channels": "a smaller ratio, or finetune behind it",
    "prune_structured": "a smaller amount, or finetune behind it",
    "prune_unstructured": "a smaller amount, or finetune behind it",
    "finetune": "a longer recipe, or a teacher (distill)",
}
CAUSES: tuple[Callable[[Case], Cause | None], ...] = (
    untouched,
    no_parent,
    masks,
    bits,
    stored_only,
    no_integers,
    float_time,
    small_network,
    wide,
    lost_accuracy,
    undecided_accuracy,
)


def from_warnings(case: Case) -> list[Cause]:
    """The record's own doubts that bear on a verdict."""
    warnings = [warn for warn in case.row.record.warnings if warn.code in CODES]
    return [
        Cause(plain_name(warn.message, 300).rstrip("."), plain_name(warn.remedy, 300).rstrip(".")) for warn in warnings
    ]


def names(case: Case) -> list[str]:
    return [part.name for part in case.row.cell.technique]


def quantized(case: Case) -> bool:
    return any("quantize" in name for name in names(case))


def lowered(case: Case) -> bool:
    return quantized(case) or "weights_half" in names(case)
