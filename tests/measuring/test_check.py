"""The gate and the accuracy, through the fake runtime on real digits."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artefact_builder import fake_cell, make_artefact
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from backbench.data import load_dataset
from backbench.errors import DataError, UnknownName
from backbench.measuring.check import CheckJob, CheckResult, check
from backbench.measuring.gate import LOST, TABLE, compare, gate, predict_all, row_of
from backbench.runtimes.fake import Fake, fake_logits
from backbench.settings import Settings
from backbench.spec.choice import Choice


def run(folder: Path, runtime: str = "fake", allow_untrained: bool = False, **fields: Any) -> CheckResult:
    make_artefact(folder, **fields)
    job = CheckJob(
        artefact=folder, cell=fake_cell(runtime, batch=5), settings=Settings(allow_untrained=allow_untrained)
    )
    return check(job)


def test_the_reference_itself_passes_and_its_accuracy_is_that_of_its_logits(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.gate.passed
    assert (result.gate.n, result.gate.agreement, result.gate.max_error, result.gate.cosine) == (32, 1.0, 0.0, 1.0)
    assert result.gate_sentence() == "within the fp32 tolerance on 32 real inputs"
    assert result.predictions is not None
    test = load_dataset(Choice(name="digits"), Settings()).test
    preprocessing = make_artefact(tmp_path).preprocessing
    logits = np.stack([fake_logits(image, 10) for image in preprocessing(test.images.array())])
    assert result.predictions.correct().tolist() == (logits.argmax(axis=1) == test.labels).tolist()
    assert CheckResult.model_validate(result.model_dump(mode="json")) == result


def test_every_look_at_the_test_part_is_counted(tmp_path: Path) -> None:
    counts = [run(tmp_path, training={"evaluations_on_test": 3}).predictions for _ in range(2)]
    assert [found.test_evaluations for found in counts if found] == [4, 5]


def test_other_outputs_miss_the_gate_and_have_no_accuracy(tmp_path: Path) -> None:
    result = run(tmp_path, "fake:error=2")
    assert not result.gate.passed
    assert result.predictions is None
    assert result.gate_sentence().startswith("the outputs are not the reference's: arg-max agreement 0.0%")


def test_a_small_error_within_the_tolerance_passes(tmp_path: Path) -> None:
    assert run(tmp_path, "fake:error=0.0005").gate.passed
    assert run(tmp_path, "fake:error=0.01").gate_sentence() == (
        "the outputs are not the reference's: largest error 0.01 of the reference's scale (at most 0.001);"
        " the fp32 tolerance on 32 real inputs"
    )


def test_a_head_that_was_never_trained_has_no_accuracy_unless_asked_for(tmp_path: Path) -> None:
    refused = run(tmp_path, trained=False)
    assert refused.predictions is None
    assert refused.reason == "the head was never trained on this dataset"
    allowed = run(tmp_path, trained=False, allow_untrained=True)
    assert allowed.predictions is not None
    assert [warn.code for warn in allowed.warnings] == ["chance"]


def test_no_accuracy_is_told_of_images_that_published_networks_learnt_from(tmp_path: Path) -> None:
    digits, names = load_digits(), ("imagenet-sample", "of-my-own")
    for name, part, place in product(names, ("train", "test"), range(20)):
        folder = tmp_path / name / part / str(digits.target[place])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[place] * 15.9375).astype(np.uint8)).save(folder / f"{place}.png")
    make_artefact(tmp_path / "artefact")
    found = {}
    for name in names:
        cell = fake_cell(dataset=name, batch=5)
        found[name] = check(CheckJob(artefact=tmp_path / "artefact", cell=cell, settings=Settings(data_root=tmp_path)))
    assert found["imagenet-sample"].gate.passed
    assert found["imagenet-sample"].predictions is None
    assert str(found["imagenet-sample"].reason).startswith("published networks have learnt from these images")
    assert found["of-my-own"].predictions is not None


def test_other_classes_than_the_head_s_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "artefact"
    make_artefact(folder)
    with pytest.raises(DataError, match="dataset 'digits' has 10 classes, the artefact's head 7"):
        run(folder, num_classes=7)


def test_whole_batches_only_and_no_output_lost(tmp_path: Path) -> None:
    artefact = make_artefact(tmp_path, n=7)
    session = Fake().open(artefact, "cpu", 1)
    seen: list[int] = []
    upload = session.upload
    session.upload = lambda batch: seen.append(len(batch)) or upload(batch)  # type: ignore[method-assign,func-returns-value]
    for batch in (1, 3, 7, 16):
        logits = predict_all(session, artefact.load_inputs(), batch)
        np.testing.assert_array_equal(logits, artefact.load_reference())
        assert set(seen) == {batch}
        seen.clear()


def test_an_unknown_row_is_named(tmp_path: Path) -> None:
    artefact = make_artefact(tmp_path)
    with pytest.raises(UnknownName, match="unknown tolerance 'fp23'; did you mean 'fp32'"):
        gate(Fake().open(artefact, "cpu", 1), artefact.load_inputs(), artefact.load_reference(), "fp23", 1)


def test_outputs_that_are_no_numbers_or_of_another_shape_fail_and_stay_data() -> None:
    reference = np.eye(4, dtype=np.float32)
    for logits in (reference * np.float32("nan"), reference[:, :3]):
        found = compare(logits, reference, "int8")
        assert not found.passed
        assert found.max_error == LOST


def test_an_untrained_head_is_held_to_its_errors_alone() -> None:
    reference = np.tile(np.float32([1.0, 1.0 - 1e-6]), (8, 1))
    swapped = reference[:, ::-1].copy()
    assert not compare(swapped, reference, "fp32").passed
    assert compare(swapped, reference, "fp32", trained=False).passed


@pytest.mark.parametrize("row", ["bf16", "int8"])
def test_one_changed_route_in_sixty_four_passes_where_routes_may_change(row: str) -> None:
    reference = np.full((64, 10), -20.0, dtype=np.float32)
    reference[:, :3] = [-0.7, -0.8, -20.0]
    logits = reference.copy()
    logits[0, 1:3] = [-20.0, -0.8]
    assert not compare(logits, reference, row).passed
    assert compare(logits, reference, f"{row}-routed").passed
    wrong = np.roll(reference, 3, axis=1)
    assert not compare(wrong, reference, f"{row}-routed").passed


def test_the_row_is_the_runtime_s_unless_routes_may_change(tmp_path: Path) -> None:
    int8 = make_artefact(tmp_path, evidence={"quantized": True})
    tree = int8.model_copy(update={"model": Choice(name="trunk")})
    fp32 = tree.model_copy(update={"evidence": {}})
    assert [row_of(Fake(), made) for made in (int8, tree, fp32)] == ["int8", "int8-routed", "fp32"]


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 99), row=st.sampled_from(sorted(TABLE)))
def test_the_gate_knows_no_unit(scale: float, seed: int, row: str) -> None:
    """Logits ten times as large, with ten times the error, are the same case."""
    random = np.random.RandomState(seed)
    reference = random.standard_normal((16, 5)).astype(np.float32)
    logits = reference + (0.01 * random.standard_normal((16, 5))).astype(np.float32)
    factor = np.float32(2.0 ** round(np.log2(scale)))
    one, other = compare(logits, reference, row), compare(logits * factor, reference * factor, row)
    assert one.passed == other.passed
    assert other.max_error == pytest.approx(one.max_error)
