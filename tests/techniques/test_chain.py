from __future__ import annotations

import pytest

from backbench.errors import BackbenchError, Skip, SpecError, UnknownName, UsageError
from backbench.records.environment import host, saturates
from backbench.spec.choice import chain_text, parse_chain
from backbench.techniques.chain import check_order, checked_chain, of_stage, resolve_chain
from backbench.techniques.prune_24 import Prune24


def test_defaults_and_the_route_are_written_down() -> None:
    pruned, quantized = resolve_chain(parse_chain("prune_unstructured+quantize_static:calibration=64"), "onnxruntime")
    assert pruned.options == {"amount": 0.5, "scope": "global"}
    assert quantized.options == {
        "calibration": 64, "per_channel": True, "method": "minmax", "reduce_range": saturates(host()), "route": "onnxruntime",
    }  # fmt: skip


def test_resolving_again_changes_nothing() -> None:
    once = resolve_chain(parse_chain("quantize_static"), "onnxruntime")
    assert resolve_chain(once, "onnxruntime") == once


def test_an_impossible_order_is_refused_with_the_one_that_works() -> None:
    chain = parse_chain("quantize_static+prune_unstructured:amount=0.3")
    with pytest.raises(UsageError) as caught:
        resolve_chain(chain, "onnxruntime")
    works = str(caught.value).partition("this order works: ")[2]
    check_order(parse_chain(works))
    assert works.startswith("prune_unstructured:amount=0.3")


def test_a_network_is_quantized_once() -> None:
    with pytest.raises(UsageError, match="quantized once"):
        check_order(parse_chain("quantize_static+quantize_static"))


@pytest.mark.parametrize(
    ("chain", "runtime", "kind", "sentence"),
    [
        ("quantize_static", "eager", UsageError, "routes exist for: onnxruntime"),
        ("quantise_static", "onnxruntime", UnknownName, "did you mean 'quantize_static'"),
        ("prune_unstructured:amonut=0.1", "eager", SpecError, "did you mean 'amount'"),
        ("prune_unstructured:amount=1", "eager", SpecError, "less than 1"),
        ("quantize_static:calibration=0", "onnxruntime", SpecError, "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said(chain: str, runtime: str, kind: type[BackbenchError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        resolve_chain(parse_chain(chain), runtime)


def test_a_chain_is_cut_at_the_export() -> None:
    chain = parse_chain("prune_unstructured+quantize_static")
    assert [chain_text(of_stage(chain, stage)) for stage in ("module", "graph")] == [
        "prune_unstructured", "quantize_static",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chain", "works"),
    [
        ("quantize_static+prune_channels", "prune_channels+quantize_static"),
        ("prune_unstructured+prune_channels", "prune_channels+prune_unstructured"),
        ("prune_structured+finetune+low_rank", "low_rank+prune_structured+finetune"),
        ("quantize_static+finetune+prune_channels", "finetune+prune_channels+quantize_static"),
        ("quantize_dynamic+prune_unstructured+low_rank", "low_rank+prune_unstructured+quantize_dynamic"),
    ],
)
def test_a_chain_that_can_not_be_says_the_order_that_can(chain: str, works: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_order(parse_chain(chain))
    assert str(caught.value).endswith(f"this order works: {works}")
    check_order(parse_chain(works))


@pytest.mark.parametrize(
    "chain",
    [
        "none",
        "prune_channels:ratio=0.2+finetune+prune_channels:ratio=0.2+finetune+quantize_static",
        "finetune+low_rank+finetune",
        "prune_unstructured+finetune+prune_structured",
    ],
)
def test_a_chain_that_can_be_is_left_as_it_is(chain: str) -> None:
    check_order(parse_chain(chain))


def test_the_reason_is_named() -> None:
    with pytest.raises(UsageError, match="prune_unstructured sets weights to zero and can't stand before low_rank"):
        check_order(parse_chain("prune_unstructured+low_rank"))


def test_an_order_is_refused_when_the_study_is_read() -> None:
    with pytest.raises(UsageError, match=r"this order works: prune_channels.*quantize_static"):
        checked_chain(parse_chain("quantize_static+prune_channels"))


def test_what_can_not_be_used_here_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prune24, "missing", classmethod(lambda cls: "no CUDA here"))
    with pytest.raises(Skip, match="no CUDA here"):
        resolve_chain(parse_chain("prune_24"), "eager")
