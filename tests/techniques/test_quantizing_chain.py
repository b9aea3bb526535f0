"""What a study's words become: routes, methods, what completes a chain, and what is refused with the order that works."""

from __future__ import annotations

import pytest

from backbench.errors import MissingDependency, SpecError, UsageError
from backbench.spec.choice import chain_text, parse_chain
from backbench.techniques import routes
from backbench.techniques.chain import check_order, of_stage, resolve_chain


@pytest.mark.parametrize(
    ("technique", "runtime", "route", "stage"),
    [
        ("quantize_static", "onnxruntime", "onnxruntime", "graph"),
        ("quantize_static:route=nncf", "onnxruntime", "nncf", "graph"),
        ("quantize_static", "openvino", "nncf", "graph"),
        ("quantize_static:route=onnxruntime", "openvino", "onnxruntime", "graph"),
        ("quantize_static", "compile", "torchao", "module"),
        ("quantize_dynamic", "onnxruntime", "onnxruntime", "graph"),
        ("quantize_dynamic", "compile", "torchao", "module"),
        ("weights_half", "onnxruntime", "file", "graph"),
        ("weights_half", "eager", "network", "module"),
    ],
)
def test_the_runtime_decides_the_route_and_the_route_where_it_works(
    technique: str, runtime: str, route: str, stage: str
) -> None:
    chain = resolve_chain(parse_chain(technique), runtime)
    assert chain[0].options["route"] == route
    assert of_stage(chain, stage) == chain
    assert resolve_chain(chain, runtime) == chain


@pytest.mark.parametrize(
    ("runtime", "method"), [("onnxruntime", "minmax"), ("openvino", "minmax"), ("compile", "histogram")]
)
def test_the_method_is_the_routes_own(runtime: str, method: str) -> None:
    (choice,) = resolve_chain(parse_chain("quantize_static"), runtime)
    assert choice.options["method"] == method


@pytest.mark.parametrize("technique", ["quantize_static", "quantize_dynamic", "quantize_aware"])
@pytest.mark.parametrize(
    ("machine", "isa", "reduced"),
    [
        ("x86_64", ["avx2"], True),
        ("x86_64", ["avx2", "avx512f"], True),
        ("x86_64", ["avx2", "avx512f", "avx512_vnni"], False),
        ("x86_64", ["avx2", "avx_vnni"], False),
        ("aarch64", ["asimd"], False),
    ],
)
def test_the_processor_decides_the_range_of_weights_unless_the_user_does(
    monkeypatch: pytest.MonkeyPatch, technique: str, machine: str, isa: list[str], reduced: bool
) -> None:
    monkeypatch.setattr(routes, "host", lambda: {"machine": machine, "isa": isa})
    assert {choice.options["reduce_range"] for choice in resolve_chain(parse_chain(technique), "onnxruntime")} == {
        reduced
    }
    chosen = parse_chain(f"{technique}:reduce_range={str(not reduced).lower()}")
    assert resolve_chain(chosen, "onnxruntime")[0].options["reduce_range"] is not reduced


@pytest.mark.parametrize(
    ("technique", "runtime", "sentence"),
    [
        ("quantize_static", "eager", "routes exist for: onnxruntime, openvino, compile"),
        ("quantize_aware", "torchscript", "no route for runtime 'torchscript'"),
        ("quantize_dynamic", "openvino", "no route for runtime 'openvino'"),
        ("quantize_static:route=torchao", "onnxruntime", "allowed: onnxruntime, nncf"),
        ("quantize_static:method=entropy", "openvino", "route=nncf has no method=entropy; allowed: minmax"),
        ("quantize_static:per_channel=false", "compile", "per channel only"),
    ],
)
def test_what_has_no_route_says_which_there_are(technique: str, runtime: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        resolve_chain(parse_chain(technique), runtime)


@pytest.mark.parametrize("technique", ["quantize_static:calibration=0", "quantize_static:calibration=-5"])
def test_an_empty_calibration_set_is_refused(technique: str) -> None:
    with pytest.raises(SpecError, match="calibration"):
        resolve_chain(parse_chain(technique), "onnxruntime")


def test_training_for_the_rounding_is_completed_with_the_conversion() -> None:
    trained, converted = resolve_chain(parse_chain("quantize_aware:recipe=short"), "openvino")
    assert (trained.name, converted.name) == ("quantize_aware", "quantize_static")
    assert converted.options["route"] == "nncf"
    named = resolve_chain(parse_chain("quantize_aware+quantize_static:calibration=64"), "openvino")
    assert [choice.name for choice in named] == ["quantize_aware", "quantize_static"]
    assert named[1].options["calibration"] == 64


@pytest.mark.parametrize(
    ("chain", "works"),
    [
        ("quantize_static+prune_unstructured", "prune_unstructured+quantize_static"),
        ("quantize_static+quantize_aware", "quantize_aware+quantize_static"),
        ("quantize_aware+prune_unstructured", "prune_unstructured+quantize_aware"),
        ("quantize_static:route=torchao+prune_unstructured", "prune_unstructured+quantize_static:route=torchao"),
        ("weights_half:route=network+prune_unstructured", "prune_unstructured+weights_half:route=network"),
    ],
)
def test_an_impossible_order_is_refused_with_the_one_that_works(chain: str, works: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_order(parse_chain(chain))
    assert str(caught.value).endswith(f"this order works: {works}")
    check_order(parse_chain(works))


@pytest.mark.parametrize("chain", ["quantize_static+quantize_dynamic", "weights_half+quantize_static"])
def test_a_network_is_quantized_once(chain: str) -> None:
    with pytest.raises(UsageError, match="quantized once, not by"):
        check_order(parse_chain(chain))


def test_a_finished_chain_is_cut_at_the_export() -> None:
    chain = resolve_chain(parse_chain("prune_unstructured+quantize_aware"), "onnxruntime")
    assert chain_text(of_stage(chain, "module")).startswith("prune_unstructured:amount=0.5")
    assert [choice.name for choice in of_stage(chain, "graph")] == ["quantize_static"]


def test_a_library_that_is_not_there_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "find_spec", lambda name: None)
    with pytest.raises(
        MissingDependency, match=r"route nncf, needs the package 'nncf': pip install 'backbench\[openvino\]'"
    ):
        resolve_chain(parse_chain("quantize_static"), "openvino")
