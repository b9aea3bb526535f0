"""torchao's route: int8 weights as parameters, ranges in the notes, and the same network when it is rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.cost import module_parameters
from backbench.data import load_dataset
from backbench.errors import WeightsError
from backbench.models.build import build, default_preprocessing
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.techniques.quantize_dynamic import QuantizeDynamic
from backbench.techniques.quantize_static import QuantizeStatic
from backbench.techniques.routes import pt2e
from backbench.techniques.technique import Context
from prepared_artefacts import TRANSFORMER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
Made = Callable[..., Artefact]


@pytest.fixture(scope="module")
def context(shared_cache: Path) -> Context:
    pytest.importorskip("torchao")
    dataset = load_dataset(Choice(name="digits"), Settings(cache=shared_cache))
    return Context(dataset, default_preprocessing(Choice(name="resnet20"), dataset), seed=0)


def network(model: str = "resnet20", seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(Choice.parse(model), num_classes=10, in_channels=1, input_size=(8, 8)).eval()


@pytest.mark.parametrize("model", ["resnet20", "mobilenetv2_small", TRANSFORMER])
def test_static_weights_are_int8_and_the_outputs_near(context: Context, model: str) -> None:
    mine, plain = replace(context, notes={}), network(model)
    converted = QuantizeStatic(calibration=32, route="torchao").apply(plain, mine)
    kinds = {tensor.dtype for tensor in converted.parameters() if tensor.dim() > 1}
    assert torch.int8 in kinds
    assert mine.notes["quantize_nodes"] > 4
    facts, before = module_parameters(converted), module_parameters(plain)
    assert facts["weights_bytes"] < 0.5 * before["weights_bytes"]
    assert facts["subnormal"] == before["subnormal"]
    batch = torch.from_numpy(context.preprocessing(context.dataset.test.images.read(np.arange(8))))
    with torch.no_grad():
        error = (converted.eval()(batch) - plain(batch)).abs().max() / plain(batch).abs().max()
    assert 0 < float(error) < 0.5


@pytest.mark.parametrize(("technique", "model"), [
    (QuantizeStatic(calibration=32, route="torchao"), "resnet20"),
    (QuantizeDynamic(route="torchao"), TRANSFORMER),
])  # fmt: skip
def test_it_is_rebuilt_from_notes_and_weights(
    context: Context, technique: QuantizeStatic | QuantizeDynamic, model: str
) -> None:
    mine = replace(context, notes={})
    converted = technique.apply(network(model), mine)
    rebuilt = technique.rebuild(network(model, seed=1), mine.notes)
    rebuilt.load_state_dict(converted.state_dict(), strict=True)
    batch = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(rebuilt(batch), converted(batch))


def test_ranges_of_another_graph_are_refused(context: Context) -> None:
    mine = replace(context, notes={})
    QuantizeStatic(calibration=8, route="torchao").apply(network(), mine)
    with pytest.raises(WeightsError, match="another version of torch or torchao"):
        pt2e.rebuilt(network(), {**mine.notes, "ranges": mine.notes["ranges"][:-1]}, dynamic=False, reduce_range=False)


def test_the_artefact_is_small_and_its_reference_is_the_fp32_network(artefact: Made) -> None:
    plain, made = artefact("eager"), artefact("eager", technique="quantize_static:calibration=32,route=torchao")
    np.testing.assert_array_equal(made.load_reference(), plain.load_reference())
    assert made.bytes < 0.4 * plain.bytes
    (step,) = made.evidence["steps"]
    assert (step["verdicts"]["smaller_file"], step["verdicts"]["fewer_macs"]) == ("yes", "no")
    assert step["shapes_changed"] == {}
