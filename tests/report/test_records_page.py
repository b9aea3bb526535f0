"""docs/records.md names every field of the record's model, in its order, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from backbench.measuring import REGISTRY
from backbench.records.schema import (
    SCHEMA_VERSION,
    Conditions,
    Gate,
    Measurement,
    Predictions,
    Record,
    Sample,
    Warn,
)
from backbench.spec.cell import Cell

PAGE = Path(__file__).parents[2] / "docs" / "records.md"
MODELS = {
    "Record": Record,
    "Cell": Cell,
    "Measurement": Measurement,
    "Sample": Sample,
    "Predictions": Predictions,
    "Gate": Gate,
    "Conditions": Conditions,
    "Warning": Warn,
}
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_the_page_has_a_section_for_each_model() -> None:
    assert list(SECTIONS) == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_every_field_is_documented(name: str) -> None:
    model: type[BaseModel] = MODELS[name]
    (table, *_) = SECTIONS[name].split("\n\n| metric |")
    assert first_column(table) == list(model.model_fields)


def test_every_metric_that_takes_samples_is_documented() -> None:
    sampled = {name for name in REGISTRY.names() if REGISTRY.get(name).stage == "sample"}
    assert set(first_column(SECTIONS["Sample"].split("\n\n| metric |")[1])) == sampled


def test_the_version_is_the_schemas() -> None:
    assert f"Schema version: {SCHEMA_VERSION}." in PAGE.read_text(encoding="utf-8")
