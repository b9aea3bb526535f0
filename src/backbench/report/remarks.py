"""What a table's numbers stand on: what short names leave out, what nobody could measure, host, grade, protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backbench.report.rows import Row, number_in
from backbench.report.section import Section
from backbench.report.units import millions, plain_name


def remarks(section: Section) -> list[str]:
    """What the short names leave out, and what was not measured or not counted."""
    return [
        *(f"In every row, {line}." for line in section.names.legend()),
        *unmeasured(section),
        *uncounted(section),
        *(disputes(row) for row in section.measured if isinstance(row.record.cost.get("disputed"), Mapping)),
    ]


def unmeasured(section: Section) -> Iterator[str]:
    """Energy, throughput and memory have a reason where they have no value."""
    for name, value in (("energy", "energy"), ("throughput", "throughput"), ("peak_memory", "peak memory")):
        missing = [row for row in section.measured if row.middle(name) is None]
        for reason in sorted({reason for row in missing if (reason := row.reason(name))}):
            yield f"No {value}: {plain_name(reason.removeprefix(f'{value}: '), 240).rstrip('.')}."


def uncounted(section: Section) -> Iterator[str]:
    """Operators, and whole counters, that are missing from the MACs."""
    found = [row.record.cost.get("uncounted") for row in section.measured]
    names = {plain_name(name, 40) for listed in found if isinstance(listed, (list, tuple)) for name in listed}
    if names:
        yield f"Operators that count for no MACs: {', '.join(sorted(names))}."
    reasons = {plain_name(reason, 240) for row in section.measured if (reason := row.record.cost.get("reason"))}
    yield from (f"MACs by one counter only: {reason.rstrip('.')}." for reason in sorted(reasons))


def disputes(row: Row) -> str:
    """Both counts by operator, where the two counters disagree."""
    sides = row.record.cost["disputed"].items()
    said = [f"{plain_name(name, 30)} counts {by_operator(by)}" for name, by in sides if isinstance(by, Mapping)]
    return f"#{row.number}: its MACs are disputed, by operator: {'; '.join(said)}."


def by_operator(counts: Mapping[str, object]) -> str:
    known = {name: count for name in counts if (count := number_in(counts, name)) is not None}
    return ", ".join(f"{plain_name(name, 40)} {millions(count)} M" for name, count in known.items())


def conditions(section: Section) -> list[str]:
    """Dataset, host, software, grade and protocol: of the first measured row; what differs is said among the doubts."""
    row = (section.measured or section.rows)[0]
    host = dict(row.record.host)
    if size := number_in(host, "ram"):
        host["ram"] = f"{size / 1e9:.1f} GB"
    packages, checksum = host.get("packages"), section.group.alike.checksum
    lines = [
        f"Dataset: {plain_name(section.group.alike.dataset or row.cell.dataset)}",
        f"Host: {facts(host, ('cpu', 'isa', 'logical_cpus', 'ram', 'gpu', 'kernel', 'python'))}" if host else "",
        f"Packages: {facts(packages, tuple(sorted(packages)))}" if isinstance(packages, Mapping) else "",
        *grades(section),
        f"Protocol: {facts(row.record.protocol, tuple(row.record.protocol))}" if row.record.protocol else "",
    ]
    lines[0] += f" (sha256 {plain_name(checksum[:12])})" if checksum else ""
    return [line for line in lines if line]


def facts(data: Mapping[str, object], keys: tuple[str, ...]) -> str:
    """`cpu X, logical cpus 4, …`; what is not known is left out."""
    shown = {key: data[key] for key in keys if data.get(key) not in (None, [], "")}
    return ", ".join(f"{plain_name(key, 40).replace('_', ' ')} {fact(value)}" for key, value in shown.items())


def fact(value: object) -> str:
    return plain_name(" ".join(map(str, value)) if isinstance(value, (list, tuple)) else value, 80)


def grades(section: Section) -> list[str]:
    """The hosts' grades with their reasons; of reasons that differ in a number only, the first."""
    found: dict[str, dict[str, str]] = {}
    for row in section.measured:
        if row.record.conditions:
            reasons = found.setdefault(row.record.conditions.grade, {})
            for why in row.record.conditions.grade_reasons:
                reasons.setdefault(why.partition(":")[0], plain_name(why, 200))
    return [
        f"Host grade {grade}: {'; '.join(reasons.values()) or 'no reservation'}"
        for grade, reasons in sorted(found.items())
    ]
