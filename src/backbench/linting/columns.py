"""What a column is about, by the words of its title: the metric, the unit, which side of a comparison, which device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from backbench.linting.numbers import plain
from backbench.linting.units import Unit, factor_of

Kind = Literal[
    "latency", "throughput", "accuracy", "top5", "error", "error5", "parameters", "nonzero", "macs", "flops", "size", "memory",
    "batch", "input", "difference", "ratio", "other",
]  # fmt: skip
Side = Literal["base", "new", ""]

DERIVED: tuple[tuple[str, Kind], ...] = (
    (r"speed[ -]?ups?\b|\bfaster\b|\bslower\b|\brelative\b|\bvs\b|compression|reduction", "ratio"),
    (r"(?<!pruning )(?<!sparsity )(?<!sharing )(?<!mlp )(?<!width )\bratio\b", "ratio"),
    (
        r"Δ|\bdelta\b|\bdiff(erence)?\b|\bdrop\b|\bgain\b|degradation|\bchange\b|improvement|acc\w*\.? loss",
        "difference",
    ),
)
# The first that fits decides, so the narrower ones stand first.
METRICS: tuple[tuple[str, Kind], ...] = (
    (r"\bacc\w*\b.*\b(images|count|correct|low|high|std)\b", "other"),
    (r"\b(train|training|epochs?|compile|compilation|load(ing)?|build|export|cold|start(up)?|search|setup)\b.*\btime", "other"),
    (r"\bmacts\b|activations|\bmap\b|miou|\bf1\b|recall|energy|power|joule|watt|temperature|interval|flops?/s|\bops?/s", "other"),
    (r"sparsity|prun\w* ?ratio|pruning rate|threshold|learning rate|\blr\b|epochs?|bits?\b|\blayers\b|crop", "other"),
    (r"batch|\bbs\b(?!\s*=)", "batch"),
    (r"im(a)?g(e)?s? ?(size|res)|resolution|input ?(size|shape|res)|\bres\b|\bpixels\b", "input"),
    (r"\bfps\b|throughput|\bqps\b|(samples?|im(a)?g(e)?s?|images?|frames?) ?(per|/) ?s", "throughput"),
    (r"latenc|\btime\b|\brun ?time\b|\bdelay\b|duration|\bms\b|milliseconds|\binference \(?(s|ms)\b", "latency"),
    (r"top[ -]?@?5[ -]?err|acc@?5 err", "error5"),
    (r"top[ -]?@?5|acc@5|\bacc5\b", "top5"),
    (r"\berr(or)?\b", "error"),
    (r"\bacc(uracy)?\b|top[ -]?@?1|acc@1|\bacc1\b", "accuracy"),
    (r"non-?zero|\bnnz\b", "nonzero"),
    (r"param|#p\b|# ?weights", "parameters"),
    (r"macs?\b|multiply|mult-?adds?|madds", "macs"),
    (r"flop", "flops"),
    (r"memory|\bram\b|footprint|\bmem\b|\bvram\b", "memory"),
    (r"(model|file|disk|weights?|checkpoint|onnx|network) ?size|size.*\b(on disk|[kmg]i?b)\b|\bsize\b(?!.*pixel)", "size"),
)  # fmt: skip
BASE = r"\b(base(line)?|orig(inal)?|before|dense|fp ?32|float(32)?|full precision|unpruned|uncompressed|unquantized|teacher)\b"
NEW = r"\b(pruned|after|new|quanti[sz]ed|int ?8|compressed|optimi[sz]ed|sparse|student|fine-?tuned|distilled)\b"
DEVICE = re.compile(
    r"\b(cpu|gpu|cuda|tpu|npu|xeon|i[3579]-\w+|ryzen|epyc|(?:rtx|gtx|titan)[ -]?\w*|\d{4} ?ti|[vapthl]\d{2,3}|jetson\w*|"
    r"orin|nano|raspberry ?pi ?\d?|rpi ?\d?|pixel ?\d|iphone ?\w*|snapdragon|cortex-?\w*|m[1-4]|mcu|stm32\w*|esp32)\b"
)
EXPECTED = {
    "latency": "time", "size": "bytes", "memory": "bytes", "parameters": "count", "nonzero": "count", "macs": "count",
    "flops": "count", "accuracy": "percent", "top5": "percent", "error": "percent", "error5": "percent",
    "throughput": "rate",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """`unit`: None where the title names none; `device`: a device that the title names; `about`: the metric that a
    derived column (a difference, a ratio) names.
    """

    number: int
    title: str
    kind: Kind | None
    unit: Unit | None = None
    unit_text: str = ""
    side: Side = ""
    device: str = ""
    about: Kind | None = None

    @property
    def derived(self) -> bool:
        return self.kind in ("difference", "ratio")

    @property
    def result(self) -> bool:
        """Whether it holds what was measured or counted, and not what was set."""
        return self.kind not in (None, "other", "batch", "input")


def understand(number: int, title: str) -> Column:
    """By words alone; what the cells' own units say is asked for where they are read."""
    words = plain(title).replace("_", " ").strip()
    lowered = words.lower()
    metric = first(METRICS, lowered)
    derived = first(DERIVED, lowered)
    kind = derived or metric
    unit, text = unit_in(words, "" if derived else EXPECTED.get(str(kind), ""))
    return Column(
        number, words, kind, unit, text, side_of(lowered), device_of(lowered), metric if derived else None
    )  # fmt: skip


def first(table: tuple[tuple[str, Kind], ...], text: str) -> Kind | None:
    return next((kind for pattern, kind in table if re.search(pattern, text, re.IGNORECASE)), None)


def unit_in(title: str, expected: str) -> tuple[Unit | None, str]:
    """The unit in brackets, else the last word that is one; only one of the expected dimension, where there is one."""
    bracketed = re.findall(r"[(\[]([^()\[\]]{1,20})[)\]]", title)
    words = [word.strip("()[],:") for word in title.split()]
    spelled = [word.replace("-", "") for word in words if len(word) > 1 or word == "%"]
    for text in [*bracketed, *(part for item in bracketed for part in item.split(",")), *reversed(spelled)]:
        unit = factor_of(text)
        if unit and (not expected or unit.dimension == expected) and prefixed(text, unit):
            return unit, text.strip()
    return None, ""


def prefixed(text: str, unit: Unit) -> bool:
    """Whether "FLOPs" or "params" says how many; alone they say what, and nothing about the scale."""
    return unit.dimension != "count" or unit.factor != 1.0 or text.strip().lower() in ("", "1")


def side_of(text: str) -> Side:
    return "base" if re.search(BASE, text) else "new" if re.search(NEW, text) else ""


def device_of(text: str) -> str:
    found = DEVICE.search(text)
    return found[0].replace(" ", "") if found else ""
