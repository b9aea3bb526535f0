"""What every registered runtime keeps, those that a user's package adds included."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.errors import BackbenchError, Skip
from backbench.measuring.gate import gate
from backbench.runtimes import REGISTRY
from backbench.runtimes.runtime import Runtime
from backbench.spec.choice import Choice
from prepared_artefacts import NETWORK, PRUNE, TRANSFORMER

Made = Callable[..., Artefact]
SMALL = "vit_mini:dim=16,depth=1,heads=2,mlp=1"
COMPILING = ("compile", "aotinductor")  # these call a C++ compiler: one small network must do
CASES = [
    (name, model, technique)
    for name in REGISTRY.names()
    for model, technique in (
        [(SMALL, PRUNE)] if name in COMPILING else [(m, t) for m in (NETWORK, TRANSFORMER) for t in ("none", PRUNE)]
    )
]


@pytest.fixture(params=REGISTRY.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def runtime(name: str) -> Runtime:
    found = REGISTRY.build(Choice(name=name))
    if reason := found.missing():
        pytest.skip(reason)
    return found


@pytest.fixture
def made(name: str, artefact: Made) -> Artefact:
    return artefact(name, model=SMALL) if name in COMPILING else artefact(name)


@pytest.mark.parametrize(("name", "model", "technique"), CASES)
def test_outputs_are_those_of_eager(name: str, runtime: Runtime, artefact: Made, model: str, technique: str) -> None:
    made = artefact(name, technique=technique, model=model)
    with runtime.open(made, "cpu", 1) as session:
        found = gate(session, made.load_inputs()[:64], made.load_reference()[:64], runtime.gate(made), batch=5)
    assert found.passed


def test_logits_do_not_depend_on_the_batch(runtime: Runtime, made: Artefact) -> None:
    batch = made.load_inputs()[:5]
    with runtime.open(made, "cpu", 1) as session:
        whole = session.predict(batch)
        single = np.concatenate([session.predict(image[None]) for image in batch])
    assert whole.dtype == np.float32
    assert whole.shape == (5, made.num_classes)
    np.testing.assert_allclose(whole, single, rtol=1e-3, atol=1e-4)


def test_the_same_again(runtime: Runtime, made: Artefact) -> None:
    batch = made.load_inputs()[:5]
    before = batch.copy()
    with runtime.open(made, "cpu", 1) as session:
        np.testing.assert_array_equal(session.predict(batch), session.predict(batch))
    np.testing.assert_array_equal(batch, before)


def test_upload_run_and_download_are_predict(runtime: Runtime, made: Artefact) -> None:
    batch = made.load_inputs()[:5]
    with runtime.open(made, "cpu", 1) as session:
        apart = session.download(session.run(session.upload(batch)))
        np.testing.assert_array_equal(apart, session.predict(batch))


def test_a_closed_session_refuses(runtime: Runtime, made: Artefact) -> None:
    with runtime.open(made, "cpu", 1) as session:
        batch = session.upload(made.load_inputs()[:1])
    with pytest.raises(BackbenchError, match="closed"):
        session.run(batch)
    session.close()  # closing twice is no error


def test_a_block_that_fails_closes(runtime: Runtime, made: Artefact) -> None:
    with pytest.raises(ZeroDivisionError), runtime.open(made, "cpu", 1) as session:  # noqa: PT012
        batch = session.upload(made.load_inputs()[:1])
        raise ZeroDivisionError
    with pytest.raises(BackbenchError, match="closed"):
        session.run(batch)


def test_it_says_what_it_executed(runtime: Runtime, made: Artefact) -> None:
    with runtime.open(made, "cpu", 1) as session:
        session.compile((1, *made.input[1:]))
        assert session.executed()["precision"] == "fp32"


def test_a_device_that_is_not_here_is_skipped(name: str, runtime: Runtime, made: Artefact) -> None:
    import torch

    if name == "fake":
        pytest.skip("the fake runtime computes nowhere")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(Skip, match="cuda"):
        runtime.open(made, "cuda", 1)
