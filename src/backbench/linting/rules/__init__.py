"""The rules by name. Each takes the document and its readings and yields findings; none knows of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from backbench.linting.document import Document
from backbench.linting.finding import Finding
from backbench.linting.reading import Reading
from backbench.linting.rules import (
    accuracies,
    baseline_rows,
    claims,
    compression,
    conditions,
    costs,
    derived,
    labels,
    memory,
    parameters,
    rates,
    sizes,
    times,
)

Rule = Callable[[Document, Sequence[Reading]], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "difference": derived.rule,
    "baseline-row": baseline_rows.rule,
    "rate": rates.rule,
    "accuracy": accuracies.rule,
    "chance": accuracies.chance,
    "parameters": parameters.rule,
    "macs": costs.rule,
    "macs-across-tables": costs.across_tables,
    "macs-or-flops": costs.naming,
    "size": sizes.rule,
    "bytes-per-parameter": sizes.bytes_per_parameter,
    "quantized-larger": compression.quantized_larger,
    "unchanged": compression.unchanged,
    "protocol": compression.protocol,
    "memory-of-weights": memory.rule,
    "time-unit": times.unit,
    "mixed-units": times.mixed_units,
    "identical-times": times.identical,
    "label": labels.twice,
    "wrong-name": labels.wrong_name,
    "claim": claims.faster,
    "unmeasured-claim": claims.unmeasured,
    "device": conditions.devices,
    "batch": conditions.batches,
    "threads": conditions.threads,
}
