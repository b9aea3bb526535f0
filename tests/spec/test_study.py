"""Studies: expansion, exclusions, overrides, and every complaint at once."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbench.errors import BackbenchError, Skip, SpecError, UnknownName, UsageError
from backbench.spec.cell import Cell, read_input
from backbench.spec.choice import Choice, parse_chain
from backbench.spec.study import expand, json_schema, overridden, parse_study, read_study, study_of

TEXT = """
name: sweep
fixed: {dataset: digits, recipe: small, seed: 0, device: cpu, threads: 2, batch: 1, protocol: standard}
axes:
  model: [a, b]
  technique: [none, "prune:ratio=0.5+finetune", "quantize"]
  runtime: [eager, "onnxruntime:precision=fp32"]
exclude:
  - {where: {technique: quantize, runtime: eager}, reason: "int8 eager is a reference graph"}
baseline: {technique: none, runtime: eager}
"""


def known(value: Any) -> Choice:
    choice = Choice.model_validate(value)
    if choice.name not in ("a", "b", "digits", "eager", "onnxruntime"):
        raise UnknownName("model", choice.name, ["a", "b"])
    return choice


def no_onnx_for_b(cell: Cell) -> Cell:
    if cell.model.name == "b" and cell.runtime.name == "onnxruntime":
        raise Skip("b has an operator that ONNX lacks")
    return cell


RESOLVE = {name: lambda value: value for name in Cell.model_fields} | {
    "model": known,
    "dataset": known,
    "runtime": known,
    "technique": parse_chain,
    "input": read_input,
    "cell": no_onnx_for_b,
}


def test_cells_come_in_the_order_of_the_axes() -> None:
    planned = expand(parse_study(TEXT), RESOLVE)
    labels = [plan.cell.label for plan in planned]
    assert len(labels) == 12
    assert labels[:3] == [
        "a · none · eager",
        "a · none · onnxruntime:precision=fp32",
        "a · prune:ratio=0.5+finetune · eager",
    ]
    assert len({plan.cell.id for plan in planned}) == 12


def test_what_is_left_out_keeps_its_reason() -> None:
    planned = expand(parse_study(TEXT), RESOLVE)
    reasons = {plan.cell.label: plan.skip for plan in planned if plan.skip}
    assert reasons["a · quantize · eager"] == "excluded by the study: int8 eager is a reference graph"
    assert reasons["b · none · onnxruntime:precision=fp32"] == "b has an operator that ONNX lacks"
    assert len(reasons) == 5


INCLUDING = TEXT + "include: [{model: tree, weights: pretrained, recipe: null, technique: [none, quantize]}]\n"


def test_what_is_included_takes_the_rest_from_the_study() -> None:
    planned = expand(parse_study(INCLUDING), {**RESOLVE, "model": Choice.model_validate})
    added = [plan for plan in planned if plan.cell.model.name == "tree"]
    assert len(planned) == 16
    assert planned[12:] == added
    assert [plan.cell.label for plan in added if not plan.skip] == [
        "tree · none · eager",
        "tree · none · onnxruntime:precision=fp32",
        "tree · quantize · onnxruntime:precision=fp32",
    ]
    assert {(plan.cell.recipe, plan.cell.weights, plan.cell.threads) for plan in added} == {(None, "pretrained", 2)}


@pytest.mark.parametrize(
    ("override", "models"),
    [
        ("axes.model=[a]", {"a"}),
        ("axes.model=[a, tree]", {"a", "tree"}),
        ("fixed.model=b", {"b"}),
        ("fixed.recipe=long", {"a", "b", "tree"}),
        ("axes.runtime=[eager]", {"a", "b", "tree"}),
        ("include=[]", {"a", "b"}),
    ],
)
def test_who_names_an_axis_asks_for_nothing_else_along_it(override: str, models: set[str]) -> None:
    planned = expand(parse_study(INCLUDING, overrides=[override]), {**RESOLVE, "model": Choice.model_validate})
    assert {plan.cell.model.name for plan in planned} == models


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("[{modl: a}]", "include[0]: unknown field 'modl'"),
        ("[{model: []}]", "include[0].model: an empty list means no cell"),
        ("[{}]", "include.0"),
        ("[{model: a, technique: none}]", "2 cells are named twice"),
    ],
)
def test_an_entry_that_means_nothing_is_refused(include: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        expand(parse_study(TEXT + f"include: {include}\n"), RESOLVE)
    assert said in str(caught.value)


def test_the_protocol_is_the_studys_and_not_the_cells() -> None:
    study = parse_study(TEXT)
    assert study.protocol == "standard"
    quick = parse_study(TEXT, overrides=["fixed.protocol=quick"])
    assert [plan.cell.id for plan in expand(study, RESOLVE)] == [plan.cell.id for plan in expand(quick, RESOLVE)]


def test_overrides_replace_axes_and_fixed_values() -> None:
    study = parse_study(TEXT, overrides=["axes.model=[a]", "fixed.runtime=eager", "fixed.batch=8"])
    assert study.axes["model"] == ["a"]
    assert "runtime" not in study.axes
    assert {plan.cell.batch for plan in expand(study, RESOLVE)} == {8}


def test_a_list_in_where_means_any_of_its_values() -> None:
    text = TEXT.replace(
        "technique: quantize, runtime: eager}", "technique: [quantize, prune], model: [b], runtime: eager}"
    )
    left_out = [plan.cell.label for plan in expand(parse_study(text), RESOLVE) if "excluded" in str(plan.skip)]
    assert left_out == ["b · prune:ratio=0.5+finetune · eager", "b · quantize · eager"]


def test_an_empty_list_in_where_is_a_complaint() -> None:
    with pytest.raises(SpecError, match=r"exclude\[0\].where.model: an empty list means no cell"):
        parse_study(TEXT.replace("technique: quantize, runtime: eager}", "model: []}"))


@pytest.mark.parametrize("override", ["axes.model", "=1", "name.x=1", "axes.model=[a"])
def test_bad_overrides(override: str) -> None:
    with pytest.raises(UsageError):
        parse_study(TEXT, overrides=[override])


def test_every_complaint_at_once() -> None:
    text = (
        "fixed: {dataset: digits, tread: 2}\naxes: {model: [c, d], bacth: [1]}\nexclude: [{where: {x: 1}, reason: r}]\n"
    )
    with pytest.raises(SpecError) as error:
        parse_study(text)
    assert len(error.value.complaints) == 3
    assert "did you mean 'threads'" in str(error.value)
    with pytest.raises(SpecError) as error:
        expand(parse_study("fixed: {dataset: digitz}\naxes: {model: [c, d]}"), RESOLVE)
    assert len(error.value.complaints) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "a: [",
        "name: x",
        "axes: {model: []}",
        "fixed: {model: a}\nfixed: {model: b}",
        "name: '../x'",
        "{" * 5000,
    ],
)
def test_what_is_no_study_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        parse_study(text)


def test_a_cell_named_twice_is_refused() -> None:
    with pytest.raises(SpecError, match="named twice"):
        expand(study_of({"fixed": {"dataset": "digits"}, "axes": {"model": ["a", "a"]}}), RESOLVE)


def test_too_many_cells_are_refused_before_they_are_made() -> None:
    axes = {"model": ["a"], "seed": list(range(1000)), "batch": list(range(1, 1000))}
    with pytest.raises(SpecError, match="999000 cells"):
        expand(study_of({"fixed": {"dataset": "digits"}, "axes": axes}), RESOLVE)


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_study(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        read_study(tmp_path / "binary.yaml")


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.text(alphabet="fixedaxes:model[]{}, \n-'\"&*!0.1", max_size=120)))
def test_any_text_is_a_study_or_a_sentence(text: str) -> None:
    with contextlib.suppress(BackbenchError):  # anything else is a crash
        expand(parse_study(text), RESOLVE)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*Cell.model_fields, "name", "x"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("name", "fixed", "axes", "exclude", "baseline", "metrics", "budget"), plain)
    )
)
def test_any_data_is_a_study_or_a_sentence(data: dict[str, Any]) -> None:
    with contextlib.suppress(BackbenchError):
        expand(study_of(data), RESOLVE)


def test_the_schema_knows_every_field() -> None:
    schema = json_schema()
    assert set(schema["properties"]["axes"]["properties"]) == set(Cell.model_fields)
    assert overridden({"fixed": {"a": 1}}, "fixed.b=2") == {"fixed": {"a": 1, "b": 2}}
