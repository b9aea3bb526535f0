"""Every doubt about a number, in one place: its condition, the evidence and what would remedy it.

Each function reads a record's raw values and returns a Warn or None; `of_record` asks them all. The one doubt that no
record shows by itself, an accuracy by chance, is said by the check.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from backbench.records.environment import saturates
from backbench.records.schema import Record, Sample, Warn
from backbench.statistics.intervals import latency_summary

CACHE = 0.10  # same-sample against distinct-sample latency (rule 5)
FLUSH = 0.05  # flush-to-zero off against on (rule 5)
OVERRUN, UNDERUSE = 1.1, 0.5  # CPU-seconds ÷ wall ÷ threads (rule 8)
OVERHEAD = 0.01  # an empty call's share of a call
MOSTLY = 0.5  # share of the time in integer kernels under which a network is quantized on paper
FEW = 5  # processes: under it a t interval says little
SPELLINGS = {"f32": "fp32", "f16": "fp16", "float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}


def of_record(record: Record) -> list[Warn]:
    """All warnings that the record's own values give rise to."""
    return [warn for check in CHECKS if (warn := check(record)) is not None]


def latencies(record: Record) -> tuple[Sample, ...]:
    measured = record.measurements.get("latency")
    return measured.samples if measured else ()


def known(record: Record, name: str) -> list[Any]:
    """This entry of each latency sample that has it."""
    return [sample.data[name] for sample in latencies(record) if sample.data.get(name) is not None]


def regime(name: str, code: str, text: str, remedy: str) -> Callable[[Record], Warn | None]:
    """A check whether the series of any process was classified so."""

    def check(record: Record) -> Warn | None:
        rounds = [sample.round for sample in latencies(record) if sample.data.get("regime") == name]
        if not rounds:
            return None
        of = len(latencies(record))
        evidence = {"rounds": rounds, "processes": of}
        return Warn(code=code, message=f"{text} in {len(rounds)} of {of} processes", evidence=evidence, remedy=remedy)

    return check


unsteady = regime("unsteady", "unsteady", "latency moved between levels", "quiet the machine, or measure longer")
warming = regime("warming", "warming", "latency was still falling while it was timed", "a longer warm-up (standard)")
slowing = regime(
    "slowing", "slowing", "latency rose while it was timed", "look for heat, power limits, other processes"
)


def foreign_cpu(record: Record) -> Warn | None:
    """Other processes took more than the protocol allows, and the round was kept for want of a better one."""
    shares = record.conditions.foreign if record.conditions else ()
    allowed = record.protocol.get("foreign_share", 1.0)
    if not shares or max(shares) <= allowed:
        return None
    return Warn(
        code="foreign-cpu",
        message=f"other processes took up to {max(shares):.0%} of the processors (at most {allowed:.0%} is allowed)",
        evidence={"foreign": list(shares)},
        remedy="end other programs and measure again",
    )


def canary_drift(record: Record) -> Warn | None:
    drift = record.conditions.canary_drift if record.conditions else None
    allowed = record.protocol.get("canary_drift", 1.0)
    if drift is None or drift <= allowed:
        return None
    return Warn(
        code="canary-drift",
        message=f"a fixed load changed its speed by {drift:.1%} over the rounds (at most {allowed:.0%} is allowed)",
        evidence={"canary": list(record.conditions.canary) if record.conditions else []},
        remedy="compare cells of the same rounds only; their ratios are paired",
    )


def voided_rounds(record: Record) -> Warn | None:
    voided = record.conditions.voided_rounds if record.conditions else 0
    if not voided:
        return None
    message = f"stretches of the study's rounds that were voided and repeated: {voided}"
    remedy = "a quieter machine"
    if record.cell.threads > 1:  # a provider may put two virtual processors on one physical core
        remedy += "; on a virtual one `--threads 1`, which needs no two processors at once"
    return Warn(code="voided-rounds", message=message, evidence={"voided": voided}, remedy=remedy)


def anti_cache(record: Record) -> Warn | None:
    """One and the same input is answered faster, or slower, than distinct ones."""
    ratios = [
        median(sample.data["repeated"]) / median(sample.values)
        for sample in latencies(record)
        if sample.data.get("repeated") and median(sample.values) > 0
    ]
    if not ratios or abs(median(ratios) - 1) <= CACHE:
        return None
    return Warn(
        code="anti-cache",
        message=f"the same input again takes {median(ratios):.2f} × the time of distinct inputs",
        evidence={"same_over_distinct": ratios},
        remedy="look for cached outputs, or for a path that depends on the input",
    )


def thread_overrun(record: Record) -> Warn | None:
    shares = known(record, "cpu_share")
    if not shares or median(shares) <= OVERRUN:
        return None
    return Warn(
        code="thread-overrun",
        message=f"the runtime used {median(shares):.2f} × its budget of {record.cell.threads} threads",
        evidence={"cpu_share": shares},
        remedy="the comparison is not one of equal threads: look at the runtime's own thread options",
    )


def thread_underuse(record: Record) -> Warn | None:
    """Only where several threads were to be used on a processor: on a GPU the processor waits."""
    shares = known(record, "cpu_share")
    if not shares or record.cell.threads < 2 or record.cell.device != "cpu" or median(shares) >= UNDERUSE:
        return None
    return Warn(
        code="thread-underuse",
        message=f"of {record.cell.threads} threads {median(shares) * record.cell.threads:.1f} were busy",
        evidence={"cpu_share": shares},
        remedy="a smaller number of threads may be as fast",
    )


def subnormal(record: Record) -> Warn | None:
    pairs = [(found["off"], found["on"]) for found in known(record, "flushed") if found["on"] > 0]
    if not pairs or median(off / on for off, on in pairs) <= 1 + FLUSH:
        return None
    gain = median(off / on for off, on in pairs)
    parameters = (record.artefact or {}).get("parameters") or {}
    share = parameters.get("subnormal", 0) / max(1, parameters.get("stored", 0))
    return Warn(
        code="subnormal",
        message=f"{share:.2%} of the weights are subnormal: {gain:.2f} × slower without flush-to-zero",
        evidence={
            "off_over_on": [off / on for off, on in pairs],
            "artefact": parameters,
        },
        remedy="set weights under 1.2e-38 to zero; they decide nothing",
    )


def few_processes(record: Record) -> Warn | None:
    count = len(latencies(record))
    if count == 0 or count >= FEW:
        return None
    message = f"{count} process{'es' if count > 1 else ''}: an interval over so few says little"
    return Warn(code="few-processes", message=message, evidence={"processes": count}, remedy="measure at least 5")


def wide(record: Record) -> Warn | None:
    """The stop rule's target was not reached."""
    samples = [sample.values for sample in latencies(record) if sample.values]
    target = record.protocol.get("half_width")
    if len(samples) < 2 or target is None or record.protocol.get("name") == "quick":
        return None
    reached = latency_summary(samples).half_width
    if reached <= target:
        return None
    message = f"the interval is ±{reached:.1%}, not ±{target:.0%}"
    return Warn(
        code="wide",
        message=message,
        evidence={"half_width": min(reached, 1e9)},
        remedy="more processes, or a quieter machine",
    )


def overhead(record: Record) -> Warn | None:
    shares = [
        sample.data["overhead"] / median(sample.values)
        for sample in latencies(record)
        if sample.data.get("overhead") and median(sample.values) > 0
    ]
    if not shares or median(shares) <= OVERHEAD:
        return None
    message = f"an empty call is {median(shares):.1%} of the latency"
    return Warn(code="overhead", message=message, evidence={"overhead": shares}, remedy="a larger batch")


def disputed_macs(record: Record) -> Warn | None:
    if not record.cost.get("disputed"):
        return None
    evidence = {"counters": record.cost.get("counters"), "disputed": record.cost["disputed"]}
    message = "two counters of MACs disagree by over 1 %"
    return Warn(code="disputed-macs", message=message, evidence=evidence, remedy="see the operators that are named")


def precision(record: Record) -> Warn | None:
    """What was executed is not what was asked for: by the runtime's option, or by a quantizing technique."""
    asked = str(record.cell.runtime.options.get("precision", "auto"))
    asked = SPELLINGS.get(asked, asked)
    executed = str(record.executed.get("precision", ""))
    if asked == "auto":
        asked = "int8" if any("quantize" in part.name for part in record.cell.technique) else executed
    if not executed or asked in executed:
        return None
    message = f"{asked} was asked for, {executed} was executed"
    return Warn(
        code="precision", message=message, evidence=record.executed, remedy="see the runtime's precision option"
    )


def float_time(record: Record) -> Warn | None:
    """Quantized, and most of the time is not in integer kernels all the same."""
    share, kernels = record.executed.get("integer_share"), record.executed.get("time_by_kernel")
    if not isinstance(share, (int, float)) or not isinstance(kernels, dict) or share >= MOSTLY or not kernels:
        return None
    if not any("quantize" in part.name for part in record.cell.technique):
        return None  # weights stored in fewer bits were never meant for integer kernels
    floats = {name: seconds for name, seconds in kernels.items() if not name.startswith("int8 ")}
    first = max(floats, key=lambda name: float(floats[name]))
    part = float(floats[first]) / sum(map(float, kernels.values()))
    return Warn(
        code="float-time",
        message=f"{share:.0%} of the time is in integer kernels; {part:.0%} is in {first}",
        evidence={"integer_share": share, "time_by_kernel": kernels},
        remedy="another technique, route or runtime that has integer kernels for these operators",
    )


def saturation(record: Record) -> Warn | None:
    """Full 8-bit products on a processor that adds them in 16 bits: the outputs are not those of another processor."""
    if "int8" not in str(record.executed.get("precision", "")) or not saturates(record.host):
        return None
    if any(part.options.get("reduce_range") for part in record.cell.technique):
        return None
    return Warn(
        code="saturation",
        message="weights of 8 bits on a processor whose sums of 8-bit products saturate",
        evidence={"isa": record.host.get("isa"), "gate": record.gate.model_dump() if record.gate else None},
        remedy="reduce_range=true of the quantizing technique, or a processor with VNNI or AMX",
    )


def masks(record: Record) -> Warn | None:
    """Weights were set to zero, and nothing was removed behind that."""
    steps = [step for step in record.evidence.get("steps", ()) if step.get("notes", {}).get("masks")]
    if not steps:
        return None
    last = steps[-1]["child"]
    zero = 1 - last["nonzero"] / last["stored"]
    return Warn(
        code="masks",
        message=f"masks remove nothing: {zero:.0%} of the parameters are zero, and all are stored and multiplied",
        evidence={"stored": last["stored"], "nonzero": last["nonzero"]},
        remedy="prune_channels removes channels, and with them parameters, bytes and MACs",
    )


def lost_by_training(record: Record) -> Warn | None:
    """A training inside the chain whose best epoch is worse on validation than what it began with."""
    trainings = [step.get("notes", {}).get("training") or {} for step in record.evidence.get("steps", ())]
    pairs = [(found.get("validation_before"), found.get("validation_accuracy")) for found in trainings]
    worse = [(before, after) for before, after in pairs if before is not None and after is not None and after < before]
    if not worse:
        return None
    before, after = worse[0]
    return Warn(
        code="lost-by-training",
        message=f"training in the chain lowered the accuracy on validation from {before:.1%} to {after:.1%}",
        evidence={"before_and_after": [list(pair) for pair in worse]},
        remedy="a recipe that was made for this dataset: a lower learning rate, augmentation that fits the images",
    )


def chance(classes: int) -> Warn:
    """An accuracy of a head that was never trained on this dataset (recorded on demand only)."""
    return Warn(
        code="chance",
        message=f"the head was never trained on this dataset: this accuracy is chance (1 in {classes})",
        evidence={"classes": classes},
        remedy="name a recipe, or give weights that were trained on it",
    )


CHECKS: tuple[Callable[[Record], Warn | None], ...] = (
    unsteady,
    warming,
    slowing,
    foreign_cpu,
    canary_drift,
    voided_rounds,
    anti_cache,
    thread_overrun,
    thread_underuse,
    subnormal,
    few_processes,
    wide,
    overhead,
    disputed_macs,
    precision,
    float_time,
    saturation,
    masks,
    lost_by_training,
)
