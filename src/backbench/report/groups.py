"""Records side by side only where their conditions are alike; otherwise apart, each group headed by its conditions.

Alike: dataset (title and checksum), input size, device, the host's processor and the thread budget, batch, boundary
and protocol. A cell that was measured more than once stands in its group once, with its newest record; the others are
counted and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from backbench.report.reading import Found
from backbench.report.units import plain_name

MAX_TEXT = 1000  # characters of a title that are told apart


@dataclass(frozen=True)
class Alike:
    """What must be equal for two rows to stand in one table. None: not known (the cell never ran that far)."""

    dataset: str | None
    checksum: str | None
    input: str | None
    device: str
    host: str | None
    threads: int
    batch: int
    boundary: str
    protocol: str | None

    def agrees(self, other: Alike) -> bool:
        """Whether all that both know is equal."""
        pairs = ((getattr(self, item.name), getattr(other, item.name)) for item in fields(self))
        return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)

    @property
    def complete(self) -> bool:
        return all(getattr(self, item.name) is not None for item in fields(self))


@dataclass
class Group:
    """Records of one table, in the order in which they were found."""

    alike: Alike
    found: list[Found] = field(default_factory=list)
    superseded: list[Found] = field(default_factory=list)  # older records of cells that stand in `found`

    @property
    def title(self) -> str:
        known = self.alike
        parts = (
            plain_name(known.dataset or "dataset not read"),
            f"input {known.input}" if known.input else "",
            f"batch {known.batch}",
            f"{known.device} ({plain_name(known.host)})" if known.host else known.device,
            f"{known.threads} thread{'s' if known.threads > 1 else ''}",
            f"boundary {known.boundary}",
            f"protocol {plain_name(known.protocol)}" if known.protocol else "",
        )
        return " · ".join(part for part in parts if part)


def group(found: Sequence[Found]) -> list[Group]:
    """The records in as few groups as their conditions allow, in the order of their first records.

    A record that knows less (skipped or failed early) joins the first group that it does not contradict and whose
    dataset has its cell's name.
    """
    groups: list[Group] = []
    whole: dict[Alike, Group] = {}
    known = [(item, conditions(item)) for item in found]
    for item, alike in sorted(known, key=lambda pair: not pair[1].complete):  # stable: the complete ones first
        home = whole.get(alike) if alike.complete else None
        home = home or next((each for each in groups if _belongs(item, alike, each)), None)
        if home is None:
            home = Group(alike)
            groups.append(home)
            whole[alike] = home
        home.found.append(item)
    place = {id(item): number for number, item in enumerate(found)}
    for each in groups:
        _keep_newest(each, place)
    return sorted(groups, key=lambda each: place[id(each.found[0])])


def conditions(item: Found) -> Alike:
    record, cell = item.record, item.record.cell
    dataset = part(record.inputs, "dataset")
    return Alike(
        dataset=_text(dataset.get("title")),
        checksum=_text(dataset.get("sha256")),
        input=_input(item),
        device=cell.device,
        host=_host(item),
        threads=cell.threads,
        batch=cell.batch,
        boundary=cell.boundary,
        protocol=_text(record.protocol.get("name")),
    )


def differences(groups: Sequence[Group]) -> list[str]:
    """Which conditions keep the groups apart, named for a person."""
    names = [item.name for item in fields(Alike)]
    return [name for name in names if len({getattr(each.alike, name) for each in groups}) > 1]


def mixed(found: Iterable[Found]) -> dict[str, list[str]]:
    """What differs inside one group though it may move a number: versions of packages, Python and the kernel."""
    hosts = {repr(item.record.host): item.record.host for item in found}  # thousands of records have one
    seen: dict[str, set[str]] = {}
    for host in hosts.values():
        packages = part(host, "packages")
        for name, value in {**packages, "python": host.get("python"), "kernel": host.get("kernel")}.items():
            if value is not None:
                seen.setdefault(plain_name(name), set()).add(plain_name(value))
    return {name: sorted(values) for name, values in sorted(seen.items()) if len(values) > 1}


def _belongs(item: Found, mine: Alike, group: Group) -> bool:
    if mine.complete and group.alike.complete:
        return mine == group.alike
    # What was never read can't be compared: then the dataset's name decides.
    return mine.agrees(group.alike) and item.record.cell.dataset == group.found[0].record.cell.dataset


def _keep_newest(group: Group, place: dict[int, int]) -> None:
    newest: dict[str, Found] = {}
    for item in group.found:
        held = newest.get(item.record.cell_id)
        if held is None or item.record.created_utc > held.record.created_utc:
            newest[item.record.cell_id] = item
    kept = {id(item) for item in newest.values()}
    group.superseded = [item for item in group.found if id(item) not in kept]
    group.found = sorted(newest.values(), key=lambda item: place[id(item)])


def _host(item: Found) -> str | None:
    """The processor that measured: the GPU's name where the device is one."""
    host = item.record.host
    name = host.get("gpu") if item.record.cell.device != "cpu" else host.get("cpu")
    return _text(name)


def _input(item: Found) -> str | None:
    """Height × width as in the preprocessing that was applied."""
    if item.record.cell.input:
        return "×".join(map(str, item.record.cell.input[2:]))
    size = part(item.record.inputs, "preprocessing").get("size")
    return "×".join(plain_name(side) for side in size) if isinstance(size, (list, tuple)) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:MAX_TEXT]


def part(data: object, key: str) -> Mapping[str, Any]:
    """The mapping at `key` of free data, or an empty one: what a file says there may be anything."""
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if isinstance(value, Mapping) else {}
