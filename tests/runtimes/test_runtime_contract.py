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


@pytest.fixture(params=REGISTRY.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def runtime(name: str) -> Runtime:
    found = REGISTRY.build(Choice(name=name))
    if reason := found.missing():
        pytest.skip(reason)
    return found


@pytest.mark.parametrize("model", [NETWORK, TRANSFORMER])
@pytest.mark.parametrize("technique", ["none", PRUNE])
def test_outputs_are_those_of_eager(name: str, runtime: Runtime, artefact: Made, model: str, technique: str) -> None:
    made = artefact(name, technique=technique, model=model)
    with runtime.open(made, "cpu", 1) as session:
        found = gate(session, made.load_inputs()[:64], made.load_reference()[:64], runtime.gate(made), batch=16)
    assert found.passed


def test_logits_do_not_depend_on_the_batch(name: str, runtime: Runtime, artefact: Made) -> None:
    made = artefact(name)
    batch = made.load_inputs()[:5]
    with runtime.open(made, "cpu", 1) as session:
        whole = session.predict(batch)
        single = np.concatenate([session.predict(image[None]) for image in batch])
    assert whole.dtype == np.float32
    assert whole.shape == (5, made.num_classes)
    np.testing.assert_allclose(whole, single, rtol=1e-3, atol=1e-4)


def test_the_same_again(name: str, runtime: Runtime, artefact: Made) -> None:
    made = artefact(name)
    batch = made.load_inputs()[:4]
    before = batch.copy()
    with runtime.open(made, "cpu", 1) as session:
        np.testing.assert_array_equal(session.predict(batch), session.predict(batch))
    np.testing.assert_array_equal(batch, before)


def test_upload_run_and_download_are_predict(name: str, runtime: Runtime, artefact: Made) -> None:
    made = artefact(name)
    batch = made.load_inputs()[:4]
    with runtime.open(made, "cpu", 1) as session:
        apart = session.download(session.run(session.upload(batch)))
        np.testing.assert_array_equal(apart, session.predict(batch))


def test_a_closed_session_refuses(name: str, runtime: Runtime, artefact: Made) -> None:
    made = artefact(name)
    with runtime.open(made, "cpu", 1) as session:
        batch = session.upload(made.load_inputs()[:1])
    with pytest.raises(BackbenchError, match="closed"):
        session.run(batch)
    session.close()  # closing twice is no error


def test_a_block_that_fails_closes(name: str, runtime: Runtime, artefact: Made) -> None:
    made = artefact(name)
    with pytest.raises(ZeroDivisionError), runtime.open(made, "cpu", 1) as session:  # noqa: PT012
        batch = session.upload(made.load_inputs()[:1])
        raise ZeroDivisionError
    with pytest.raises(BackbenchError, match="closed"):
        session.run(batch)


def test_it_says_what_it_executed(name: str, runtime: Runtime, artefact: Made) -> None:
    with runtime.open(artefact(name), "cpu", 1) as session:
        assert session.executed()["precision"] == "fp32"


def test_a_device_that_is_not_here_is_skipped(name: str, runtime: Runtime, artefact: Made) -> None:
    import torch

    if name == "fake":
        pytest.skip("the fake runtime computes nowhere")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(Skip, match="cuda"):
        runtime.open(artefact(name), "cuda", 1)
