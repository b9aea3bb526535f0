"""A record by what a person has at hand: its file, or the beginning of its id or of its cell's id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import isfile
from pathlib import Path

from backbench.errors import UsageError
from backbench.report.folders import find_records, records_in
from backbench.report.reading import Found

LEAST = 4  # digits of an id
MAX_NAMED = 8


def lookup(target: str, folders: Sequence[Path]) -> Found:
    """The one record that `target` names. Raises UsageError where there is none, or more than one."""
    if isfile(target):  # pathlib's raises where a name is too long to be one
        return records_in([Path(target)])[0]
    if not re.fullmatch(rf"[0-9a-f]{{{LEAST},64}}", target):
        raise UsageError(
            f"{target[:80]!r}: neither a record file nor the beginning of an id ({LEAST} digits of 0-9 and a-f or more)"
        )
    found = [item for item in find_records(folders) if names(item, target)]
    if not found:
        searched = ", ".join(map(str, folders)) or "no folder"
        raise UsageError(f"{target}: no record or cell of this id in {searched} (--in FOLDER says where to look)")
    # A cell that was measured twice stands for its newest record.
    if len({item.record.cell_id for item in found}) > 1:
        listed = ", ".join(f"{item.record.cell_id} ({item.record.cell.label})" for item in found[:MAX_NAMED])
        raise UsageError(f"{target}: {len(found)} records begin so: {listed}; give more digits")
    return max(found, key=lambda item: item.record.created_utc)


def names(item: Found, target: str) -> bool:
    return item.record.record_id.startswith(target) or item.record.cell_id.startswith(target)
