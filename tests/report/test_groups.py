"""Like conditions stand together, unlike ones apart, the newest record of a cell first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backbench.records.schema import Record
from backbench.report.groups import differences, group, mixed
from backbench.report.reading import Found
from records_builder import DATASET, HOST, make_cell, make_record, make_refused


def found(*records: Record, folder: str = "run") -> list[Found]:
    return [Found(record, Path(folder, f"{place}.json"), Path(folder)) for place, record in enumerate(records)]


OTHER = make_cell("resnet56")


def test_like_conditions_make_one_group() -> None:
    groups = group(found(make_record(), make_record(OTHER)))
    assert [len(each.found) for each in groups] == [2]
    title = "Digits (8×8) · input 32×32 · batch 1 · cpu (Imaginary CPU 3.0 GHz) · 2 threads · boundary model · protocol quick"
    assert groups[0].title == title


@pytest.mark.parametrize(
    ("name", "cell", "fields"),
    [
        ("dataset", {}, {"inputs": {"dataset": {**DATASET, "title": "Digits (JPEG)"}}}),
        ("checksum", {}, {"inputs": {"dataset": {**DATASET, "sha256": "0" * 64}}}),
        ("host", {}, {"host": {**HOST, "cpu": "Other CPU"}}),
        ("threads", {"threads": 4}, {}),
        ("batch", {"batch": 8}, {}),
        ("boundary", {"boundary": "host"}, {}),
        ("input", {"input": "1x3x64x64"}, {}),
        ("protocol", {}, {"protocol": {"name": "standard"}}),
        ("device", {"device": "cuda"}, {"host": {**HOST, "gpu": "Imaginary GPU"}}),
    ],
)
def test_unlike_conditions_are_kept_apart(name: str, cell: dict[str, Any], fields: dict[str, Any]) -> None:
    groups = group(found(make_record(), make_record(make_cell("resnet56", **cell), **fields)))
    assert len(groups) == 2
    assert name in differences(groups)


def test_a_cell_that_never_ran_joins_the_table_of_its_study() -> None:
    refused = make_refused("failed", "out of memory", OTHER)
    groups = group(found(refused, make_record()))
    assert [len(each.found) for each in groups] == [2]
    assert groups[0].alike.dataset == "Digits (8×8)"
    assert len(group(found(make_record(), make_refused("failed", "no", make_cell(dataset="cifar10"))))) == 2


def test_the_newest_record_of_a_cell_is_shown_and_the_older_ones_are_named() -> None:
    old = make_record(created_utc="2026-11-20T10:00:00+00:00")
    new = make_record(created_utc="2026-11-21T10:00:00+00:00")
    only = group([*found(new, folder="a"), *found(old, folder="b")])[0]
    assert [item.record for item in only.found] == [new]
    assert [item.record for item in only.superseded] == [old]


def test_mixed_versions_are_found() -> None:
    other = {**HOST, "packages": {"numpy": "2.1.0", "onnxruntime": "1.31.0"}}
    assert mixed(found(make_record(), make_record(OTHER, host=other))) == {"numpy": ["2.0.0", "2.1.0"]}
    assert mixed(found(make_record(), make_record(OTHER))) == {}
