from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from backbench.artefacts.artefact import Artefact
from backbench.measuring.gate import gate
from backbench.runtimes.eager import Eager

Made = Callable[..., Artefact]


def test_bf16_is_executed_and_within_its_own_tolerance(artefact: Made) -> None:
    made, runtime = artefact("eager"), Eager(precision="bf16")
    assert runtime.gate(made) == "bf16"
    with runtime.open(made, "cpu", 1) as session:
        assert session.executed()["precision"] == "bf16"
        logits = session.predict(made.load_inputs()[:64])
        found = gate(session, made.load_inputs()[:64], made.load_reference()[:64], "bf16", 16, trained=False)
    assert found.passed
    assert np.abs(logits - made.load_reference()[:64]).max() > 1e-5  # it did round


def test_channels_last_is_another_layout_of_the_same_network(artefact: Made) -> None:
    made = artefact("eager", input="1x3x12x10")
    with Eager(channels_last=True).open(made, "cpu", 1) as session:
        assert session.executed()["channels_last"]
        batch = session.upload(made.load_inputs()[:4])
        assert batch.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_allclose(session.predict(made.load_inputs()[:4]), made.load_reference()[:4], atol=1e-4)
    with Eager().open(made, "cpu", 1) as session:
        assert not session.executed()["channels_last"]


def test_it_computes_with_the_threads_it_was_given(artefact: Made) -> None:
    with Eager().open(artefact("eager"), "cpu", 2) as session:
        assert session.executed()["threads"] == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_on_cuda_fp32_is_fp32(artefact: Made, precision: str) -> None:
    made, runtime = artefact("eager"), Eager.model_validate({"precision": precision})
    with runtime.open(made, "cuda", 1) as session:
        assert session.executed()["device"] == "cuda:0"
        found = gate(session, made.load_inputs(), made.load_reference(), precision, 64, trained=False)
    assert found.passed
    assert not torch.backends.cudnn.allow_tf32
