"""Weights in and out of files, and every file that must be refused with one sentence."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from backbench.data.preprocessing import Preprocessing
from backbench.errors import UsageError, WeightsError
from backbench.models.build import build, load_given, load_weights, save_weights
from backbench.spec.choice import Choice
from backbench.spec.weights_file import weights_file


def small(classes: int = 10, width: int = 4, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    choice = Choice(name="resnet20", options={"width": width})
    return build(choice, num_classes=classes, in_channels=1, input_size=(8, 8))


class Shared(nn.Module):
    """Two names for one tensor, and one tensor that is a part of another."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("whole", torch.arange(6.0))
        self.register_buffer("part", self.get_buffer("whole")[2:4])


def equal(a: nn.Module, b: nn.Module) -> bool:
    one, other = a.state_dict(), b.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("wrap", ["plain", "state_dict", "model", "module."])
def test_reads_checkpoints_as_training_scripts_leave_them(tmp_path: Path, wrap: str) -> None:
    model, other = small(seed=1), small(seed=2)
    state: dict[str, Any] = dict(model.state_dict())
    forms = {"plain": state, "module.": {f"module.{key}": value for key, value in state.items()}}
    torch.save(forms.get(wrap, {wrap: state, "epoch": 3}), tmp_path / "w.pth")
    told = load_weights(other, tmp_path / "w.pth")
    assert equal(model, other)
    assert told["tensors"] == len(state)
    assert len(told["sha256"]) == 64


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_stored_half_precision_is_cast(tmp_path: Path, kind: torch.dtype) -> None:
    model, other = small(seed=1), small(seed=2)
    state = {key: value.to(kind) if value.is_floating_point() else value for key, value in model.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    assert {tensor.dtype for tensor in other.parameters()} == {torch.float32}
    assert torch.equal(other.state_dict()["fc.weight"], model.state_dict()["fc.weight"].to(kind).float())


def test_shared_tensors_are_stored_once(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, other = Shared(), Shared()
    save_weights(model, tmp_path / "new" / "w.safetensors")
    assert "second.weight" not in load_file(tmp_path / "new" / "w.safetensors")
    load_weights(other, tmp_path / "new" / "w.safetensors")
    assert equal(model, other)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["w.safetensors"]


def refused(model: nn.Module, path: Path, sentence: str, **how: bool) -> str:
    """The message; and the network is as it was."""
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(WeightsError, match=sentence) as caught:
        load_weights(model, path, **how)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_network_is_refused_with_the_first_keys(tmp_path: Path) -> None:
    save_weights(nn.Sequential(nn.Linear(2, 2)), tmp_path / "w.safetensors")
    text = refused(small(), tmp_path / "w.safetensors", "the weights of another network")
    assert "missing in the file (" in text
    assert "2 unknown to the network (0.bias, 0.weight)" in text
    refused(small(), tmp_path / "w.safetensors", "no key is the same", strict=False)


def test_another_width_is_refused_with_its_shapes(tmp_path: Path) -> None:
    save_weights(small(width=8), tmp_path / "w.safetensors")
    refused(small(width=4), tmp_path / "w.safetensors", r"shapes differ, first 'bn1.bias': \(8,\) in the file, \(4,\)")


def test_another_number_of_classes_is_said_so(tmp_path: Path) -> None:
    save_weights(small(classes=100), tmp_path / "w.safetensors")
    for strict in (True, False):
        refused(small(classes=10), tmp_path / "w.safetensors", "is for 100 classes, the network has 10", strict=strict)


def test_quantized_numbers_are_not_taken_for_weights(tmp_path: Path) -> None:
    state = {key: value.to(torch.int8) if value.dim() == 4 else value for key, value in small().state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    refused(small(), tmp_path / "w.safetensors", "is stored as torch.int8")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".pt":
        torch.save(small().state_dict(), path)
    else:
        save_weights(small(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(small(), path, "is truncated or no")


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_malicious_file_runs_nothing(tmp_path: Path, form: str) -> None:
    content = {"state_dict": small().state_dict(), "extra": Malicious(tmp_path / "owned")}
    if form == "torch":
        torch.save(content, tmp_path / "w.pt")
    else:
        (tmp_path / "w.pt").write_bytes(pickle.dumps(content))
    refused(small(), tmp_path / "w.pt", r"holds more than tensors and was not opened|is truncated or no weights file")
    assert not (tmp_path / "owned").exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    refused(small(), tmp_path / "w.pt", r"holds more than tensors.*state_dict")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [([1, 2], "holds a list, not a state dict"), ({}, "not a state dict"), ({"a": "b"}, "'a' is a str, not a tensor")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object, sentence: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    refused(small(), tmp_path / "w.pt", sentence)


def test_a_missing_file_and_another_kind_are_refused(tmp_path: Path) -> None:
    refused(small(), tmp_path / "none.pt", "there is no weights file")
    (tmp_path / "w.h5").write_bytes(b"")
    refused(small(), tmp_path / "w.h5", "weights are .safetensors, .pt, .pth, .bin files")


def test_a_file_without_batch_norms_counters_is_whole(tmp_path: Path) -> None:
    model, other = small(seed=1), small(seed=2)
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    assert equal(model, other)


def test_folded_weights_load_only_when_the_user_says_so(tmp_path: Path) -> None:
    model, other = small(seed=1), small(seed=2)
    save_file({key: value for key, value in model.state_dict().items() if "bn2" not in key}, tmp_path / "w.safetensors")
    refused(other, tmp_path / "w.safetensors", r"missing in the file \(layer1.0.bn2.bias, ")
    told = load_weights(other, tmp_path / "w.safetensors", strict=False)
    assert "layer1.0.bn2.bias" in told["missing"]
    assert torch.equal(other.state_dict()["fc.weight"], model.state_dict()["fc.weight"])


def test_squeezenets_published_weights_load_as_they_are(test_data: Path) -> None:
    choice = Choice.parse("torchvision:squeezenet1_1")
    model = build(choice, num_classes=1000, in_channels=3, input_size=(224, 224))
    told = load_weights(model, test_data / "weights" / "squeezenet1_1-torchvision-fp16.safetensors")
    assert told["missing"] == told["unexpected"] == []
    ten = build(choice, num_classes=10, in_channels=3, input_size=(224, 224))
    refused(ten, test_data / "weights" / "squeezenet1_1-torchvision-fp16.safetensors", "is for 1000 classes")


@pytest.mark.parametrize(
    ("text", "file", "mean", "std", "least"),
    [
        (
            "torchvision:squeezenet1_1",
            "squeezenet1_1-torchvision-fp16.safetensors",
            (0.485, 0.456, 0.406),
            (0.229, 0.224, 0.225),
            0.5,
        ),
        (
            "mobilenetv2_100:pad_type=same",
            "mobilenetv2_100-tf2hub-dequant-fp16.safetensors",
            (0.5, 0.5, 0.5),
            (0.5, 0.5, 0.5),
            0.7,
        ),
    ],
)
def test_published_weights_recognise_photographs(
    test_data: Path, text: str, file: str, mean: tuple[float, ...], std: tuple[float, ...], least: float
) -> None:
    images, labels = photographs(test_data / "imagenet-sample" / "sample.parquet")
    model = build(Choice.parse(text), num_classes=1000, in_channels=3, input_size=(224, 224))
    load_weights(model, test_data / "weights" / file)
    prepared = Preprocessing(size=(224, 224), crop=224 / 256, mean=mean, std=std)(images)
    with torch.no_grad():
        right = (model(torch.from_numpy(prepared)).argmax(1).numpy() == labels).mean()
    assert right >= least


def photographs(file: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Every fortieth of the sample's 1,000 images, and its ImageNet class."""
    table = pyarrow.parquet.read_table(file).take(list(range(0, 1000, 40)))
    stored = [Image.open(io.BytesIO(item["bytes"])).convert("RGB") for item in table["image"].to_pylist()]
    return [np.asarray(image) for image in stored], np.asarray(table["label"].to_pylist())


def stored(tmp_path: Path, state: dict[str, torch.Tensor], how: str = "") -> Any:
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "w.safetensors")
    return weights_file(str(tmp_path / "w.safetensors") + how)


def test_a_batch_norm_that_was_folded_away_is_left_as_built(tmp_path: Path) -> None:
    model, other = small(seed=1), small(seed=2)
    state = {key: value for key, value in model.state_dict().items() if "bn1" not in key}
    with pytest.raises(WeightsError, match="missing in the file"):
        load_given(other, stored(tmp_path, state))
    told = load_given(other, stored(tmp_path, state, ":strict=false"))
    assert told["tensors"] == len(state)
    assert torch.equal(other.state_dict()["fc.weight"], model.state_dict()["fc.weight"])


def test_other_names_in_the_same_order(tmp_path: Path) -> None:
    model, other = small(seed=1), small(seed=2)
    torch.save({f"layer_{place}": value for place, value in enumerate(model.state_dict().values())}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="another network"):
        load_weights(other, tmp_path / "w.pt")
    without_counters = {key: value for key, value in model.state_dict().items() if "num_batches" not in key}
    torch.save(dict(zip("abcdefghijklmnopqrstuvwxyz", without_counters.values(), strict=False)), tmp_path / "few.pt")
    with pytest.raises(WeightsError, match="the order can't tell them"):
        load_given(other, weights_file(f"{tmp_path / 'few.pt'}:match=order"))  # type: ignore[arg-type]
    named = {f"layer_{place:03}": value for place, value in enumerate(without_counters.values())}
    torch.save(named, tmp_path / "all.pt")
    load_given(other, weights_file(f"{tmp_path / 'all.pt'}:match=order"))  # type: ignore[arg-type]
    assert torch.equal(other.state_dict()["fc.weight"], model.state_dict()["fc.weight"])


def test_a_head_for_other_classes_is_left_out_where_that_is_said(tmp_path: Path) -> None:
    model, other = small(seed=1), small(classes=7, seed=2)
    with pytest.raises(WeightsError, match="is for 10 classes, the network has 7"):
        load_given(other, stored(tmp_path, model.state_dict()))
    before = other.state_dict()["fc.weight"].clone()
    load_given(other, stored(tmp_path, model.state_dict(), ":head=new"))
    assert torch.equal(other.state_dict()["fc.weight"], before)
    assert torch.equal(other.state_dict()["conv1.weight"], model.state_dict()["conv1.weight"])
    with pytest.raises(WeightsError, match="leave it out"):
        load_given(small(), stored(tmp_path, model.state_dict(), ":head=new"))


def test_what_is_said_of_a_file_is_checked(tmp_path: Path) -> None:
    given = stored(tmp_path, small().state_dict(), ":mean=0.485/0.456/0.406,std=0.5")
    assert (given.mean, given.std, given.how()) == ((0.485, 0.456, 0.406), (0.5,), {})
    assert [weights_file(text) for text in (None, "random", "pretrained")] == [None] * 3
    with pytest.raises(UsageError, match="did you mean 'strict'"):
        weights_file(f"{given.path}:strikt=false")
    with pytest.raises(UsageError, match="mean"):
        weights_file(f"{given.path}:mean=grey")
