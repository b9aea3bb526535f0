"""Networks by name from every source: names, sizes, channels, published counts, preprocessing, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from backbench.data.dataset import Dataset, Split
from backbench.errors import UnknownName, UsageError, WeightsError
from backbench.models import REGISTRY
from backbench.models.build import build, check_model, default_preprocessing
from backbench.models.installed import timm_names, timm_tags, torchvision_names
from backbench.spec.choice import Choice

NETWORK = """
from torch import nn
def tiny(num_classes, in_channels, width=4):
    stem = nn.Conv2d(in_channels, width, 3)
    return nn.Sequential(stem, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))
def sized(input_size, **others):
    return nn.Linear(input_size[0] * input_size[1], others["num_classes"])
def text():
    return "no network"


def lazy(num_classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))

def lazy_after_three(num_classes):
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.LazyLinear(num_classes))
"""


class NoImages:
    def __len__(self) -> int:
        return 0


def dataset(channels: int = 3, size: tuple[int, int] | None = (32, 32)) -> Dataset:
    part = Split(NoImages(), np.zeros(0, np.int64))  # type: ignore[arg-type]
    mean, std = (0.1, 0.2, 0.3)[:channels], (0.4, 0.5, 0.6)[:channels]
    return Dataset("d", "D", ("a", "b"), part, part, part, channels, size, mean, std, "", "raw", {})


def parameters(text: str, classes: int, side: int = 224, channels: int = 3) -> int:
    with torch.device("meta"):
        model = build(Choice.parse(text), num_classes=classes, in_channels=channels, input_size=(side, side))
    return sum(tensor.numel() for tensor in model.parameters())


def test_names_are_the_libraries_own() -> None:
    import timm
    import torchvision

    assert list(timm_names()) == sorted(timm.list_models())
    theirs = torchvision.models.list_models(module=torchvision.models)
    assert sorted(torchvision_names()) == sorted(f"torchvision:{name}" for name in theirs)
    assert {"resnet50.a1_in1k", "vit_base_patch16_224.augreg_in1k"} <= timm_tags()


def test_own_names_shadow_nothing() -> None:
    assert not set(REGISTRY.names()) & set(timm_names())


def test_names_import_no_torch() -> None:
    script = (
        "import sys; from backbench.models.build import check_model, names; from backbench.spec.choice import Choice\n"
        "assert 'resnet20' in names() and 'resnet50' not in names() and 'resnet50' in names(all=True)\n"
        "[check_model(Choice.parse(n)) for n in ('resnet20:width=8', 'resnet50.a1_in1k', 'torchvision:resnet18')]\n"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("mobilenetv2_100", 3_504_872),
        ("legacy_xception", 22_855_952),
        ("torchvision:resnet18", 11_689_512),
        ("torchvision:squeezenet1_1", 1_235_496),
        ("resnet50.a1_in1k", 25_557_032),
    ],
)
def test_imagenet_networks_have_the_published_parameters(text: str, expected: int) -> None:
    assert parameters(text, 1000) == expected


@pytest.mark.parametrize(
    ("text", "side", "expected"),
    [
        ("convnext_large", 224, 196_245_706),
        ("efficientnet_b4", 224, 17_566_546),
        ("swin_large_patch4_window7_224", 224, 195_010_846),
        ("vit_large_patch16_224", 224, 303_311_882),
        ("mobilenetv4_conv_large", 224, 31_322_674),
        ("resnet152d", 224, 58_183_530),
        ("resnext101_32x8d", 224, 86_762_826),
    ],
)
def test_ten_class_networks_have_the_published_parameters(text: str, side: int, expected: int) -> None:
    assert parameters(text, 10, side) == expected


@pytest.mark.parametrize(
    ("text", "channels", "side"),
    [
        ("test_resnet", 1, 32),
        ("test_vit", 1, 32),
        ("test_convnext", 3, 64),
        ("torchvision:squeezenet1_1", 1, 32),
        ("torchvision:shufflenet_v2_x0_5", 3, 32),
    ],
)
def test_takes_the_datasets_shape_and_gives_its_classes(text: str, channels: int, side: int) -> None:
    torch.manual_seed(0)
    model = build(Choice.parse(text), num_classes=7, in_channels=channels, input_size=(side, side))
    assert not model.training
    with torch.no_grad():
        assert model(torch.randn(2, channels, side, side)).shape == (2, 7)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "vit_b_16", "swin_t", "densenet121", "efficientnet_b0"])
def test_torchvision_networks_take_grey_images(name: str) -> None:
    assert parameters(f"torchvision:{name}", 10, channels=1) < parameters(f"torchvision:{name}", 10)


def test_a_grey_filter_answers_as_the_colour_filter_to_a_grey_copy() -> None:
    from backbench.models.torchvision_models import take_channels

    torch.manual_seed(0)
    colour = nn.Sequential(nn.Conv2d(3, 4, 3))
    image = torch.randn(1, 1, 8, 8)
    expected = colour(image.expand(1, 3, 8, 8))
    take_channels(colour, 1)
    torch.testing.assert_close(colour(image), expected)


def test_options_reach_the_librarys_constructor() -> None:
    same = build(Choice.parse("mobilenetv2_100:pad_type=same"), num_classes=2, in_channels=3, input_size=(32, 32))
    assert type(same.get_submodule("conv_stem")).__name__ == "Conv2dSame"
    wide = Choice.parse("torchvision:squeezenet1_1:dropout=0.1")
    dropout = build(wide, num_classes=2, in_channels=3, input_size=(32, 32)).get_submodule("classifier.0")
    assert isinstance(dropout, nn.Dropout)
    assert dropout.p == 0.1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("resnet5O", "did you mean .*'resnet50'"),
        ("resnet2", "did you mean"),
        ("resnet50.a1_in2k", "did you mean 'resnet50.a1_in1k'"),
        ("torchvision:resnet19", "did you mean 'torchvision:resnet1"),
        ("qqqqqqqqqq", "`backbench list models`"),
    ],
)
def test_an_unknown_name_gets_its_nearest_match(text: str, sentence: str) -> None:
    with pytest.raises(UnknownName, match=sentence):
        check_model(Choice.parse(text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("resnet20:depth=3", "unknown option 'depth'"),
        ("resnet18:no_such_option=1", "no_such_option"),
        ("torchvision:resnet18:no_such_option=1", "no_such_option"),
        ("resnet18:num_classes=3", "follows from the dataset"),
        ("torchvision:resnet18:weights=DEFAULT", "follows from the dataset"),
        ("hf-hub:nothing", "hf-hub:ORGANISATION/NAME"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_runs(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_model(Choice.parse(text))


def test_an_own_family_has_no_published_weights() -> None:
    with pytest.raises(WeightsError, match="'resnet20' has no published weights"):
        build(Choice.parse("resnet20"), num_classes=2, in_channels=3, input_size=(8, 8), pretrained=True)


def test_a_size_that_a_network_can_not_take_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="torchvision:vit_b_16"):
        build(Choice.parse("torchvision:vit_b_16"), num_classes=2, in_channels=3, input_size=(30, 30))


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's in the current directory; its name is this test's own."""
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_users_function_is_a_network(own_code: str) -> None:
    choice = Choice.parse(f"{own_code}:tiny:width=6")
    path = list(sys.path)
    check_model(choice)
    model = build(choice, num_classes=3, in_channels=1, input_size=(8, 8))
    assert not model.training
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert model.get_submodule("0").out_channels == 6
    assert sys.path == path


def test_a_users_function_gets_what_it_takes(own_code: str) -> None:
    model = build(Choice.parse(f"{own_code}:sized"), num_classes=3, in_channels=1, input_size=(4, 5))
    assert isinstance(model, nn.Linear)
    assert (model.in_features, model.out_features) == (20, 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{module}:tinny", "has no function 'tinny'; did you mean 'tiny'"),
        ("{module}:tiny:depth=3", "takes no option 'depth'; allowed: num_classes, in_channels, width"),
        ("no.such.module_here:tiny", "importing 'no.such.module_here' failed: ModuleNotFoundError"),
    ],
)
def test_a_wrong_reference_is_refused_before_anything_runs(own_code: str, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_model(Choice.parse(text.format(module=own_code)))


def test_a_module_that_breaks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_broken.py").write_text("raise ZeroDivisionError('by zero')")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="importing 'own_broken' failed: ZeroDivisionError: by zero"):
        check_model(Choice.parse("own_broken:f"))


def test_lazy_layers_get_their_sizes(own_code: str) -> None:
    model = build(Choice.parse(f"{own_code}:lazy"), num_classes=3, in_channels=1, input_size=(4, 5))
    assert {name: tuple(weight.shape) for name, weight in model.named_parameters()} == {
        "1.weight": (3, 20),
        "1.bias": (3,),
    }


def test_lazy_layers_behind_a_layer_that_fails_are_one_sentence(own_code: str) -> None:
    with pytest.raises(UsageError, match="lazy layers get no sizes, for it fails on 1×4×5 images"):
        build(Choice.parse(f"{own_code}:lazy_after_three"), num_classes=3, in_channels=1, input_size=(4, 5))


def test_a_function_must_return_a_network(own_code: str) -> None:
    with pytest.raises(UsageError, match=r"returned a str; it must return a torch\.nn\.Module"):
        build(Choice.parse(f"{own_code}:text"), num_classes=3, in_channels=1, input_size=(8, 8))


def test_small_networks_take_the_dataset_as_it_is() -> None:
    found = default_preprocessing(Choice.parse("resnet20"), dataset(1, (28, 28)))
    assert (found.size, found.channels, found.mean, found.std) == ((28, 28), 1, (0.1,), (0.4,))


def test_timm_networks_take_what_their_weights_were_made_for() -> None:
    found = default_preprocessing(Choice.parse("resnet50.a1_in1k"), dataset())
    assert (found.size, found.channels, found.interpolation, found.crop) == ((224, 224), 3, "bicubic", 0.95)
    assert found.mean == pytest.approx((0.485, 0.456, 0.406))


def test_torchvision_networks_take_their_weights_transforms() -> None:
    found = default_preprocessing(Choice.parse("torchvision:resnet50"), dataset())
    assert (found.size, found.channels, found.interpolation) == ((224, 224), 3, "bilinear")
    assert found.crop == pytest.approx(224 / 232)


def test_pretrained_networks_keep_their_channels_and_others_take_the_datasets() -> None:
    grey, choice = dataset(1, (28, 28)), Choice.parse("resnet50")
    fresh = default_preprocessing(choice, grey)
    assert (fresh.channels, len(fresh.mean), len(fresh.std)) == (1, 1, 1)
    assert fresh.mean[0] == pytest.approx((0.485 + 0.456 + 0.406) / 3)
    kept = default_preprocessing(choice, grey, weights="pretrained")
    assert (kept.channels, len(kept.mean)) == (3, 3)


@pytest.mark.parametrize("name", ["resnet20", "resnet50", "torchvision:resnet18"])
def test_an_input_overrides_the_shape(name: str) -> None:
    found = default_preprocessing(Choice.parse(name), dataset(3, None), (1, 1, 50, 33))
    assert (found.size, found.channels, len(found.mean), len(found.std)) == ((50, 33), 1, 1, 1)


def test_a_stated_size_is_the_size_of_the_images() -> None:
    """A transformer that was made for 518 pixels is shown images of 224 where its options say so."""
    for name, side in (("vit_base_patch14_dinov2", 518), ("vit_base_patch14_dinov2:img_size=224", 224)):
        assert default_preprocessing(Choice.parse(name), dataset()).size == (side, side)
