"""The grammar `name:key=value,…` and its chains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbench.errors import UsageError
from backbench.spec.choice import Choice, chain_text, parse_chain


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("resnet20", "resnet20", {}),
        ("resnet50.a1_in1k", "resnet50.a1_in1k", {}),
        ("torchvision:resnet18", "torchvision:resnet18", {}),
        ("hf-hub:org/name", "hf-hub:org/name", {}),
        ("mine.nets:small", "mine.nets:small", {}),
        ("mine.nets:small:width=4", "mine.nets:small", {"width": 4}),
        ("mine.nets:small:start=mine.nets:begin", "mine.nets:small", {"start": "mine.nets:begin"}),
        ("distill:teacher=mine.nets:large,weight=0.5", "distill", {"teacher": "mine.nets:large", "weight": 0.5}),
        ("onnxruntime:precision=fp32", "onnxruntime", {"precision": "fp32"}),
        ("a:x=0.5,y=true,z=null,w=7,v=text", "a", {"x": 0.5, "y": True, "z": None, "w": 7, "v": "text"}),
    ],
)
def test_text_is_read(text: str, name: str, options: dict[str, object]) -> None:
    choice = Choice.parse(text)
    assert (choice.name, choice.options) == (name, options)
    assert Choice.parse(str(choice)) == choice


@pytest.mark.parametrize("text", ["", ":x=1", "a:b,c=1", "a:=1", "a b:"])
def test_bad_text_is_one_sentence(text: str) -> None:
    with pytest.raises((UsageError, ValueError)):
        Choice.parse(text)


def test_chain() -> None:
    chain = parse_chain("prune:ratio=0.5+finetune:recipe=short+quantize_static")
    assert [part.name for part in chain] == ["prune", "finetune", "quantize_static"]
    assert chain_text(chain) == "prune:ratio=0.5+finetune:recipe=short+quantize_static"
    assert parse_chain("none") == () == parse_chain(None)
    assert chain_text(()) == "none"


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
values = st.one_of(
    st.integers(),
    st.booleans(),
    words.filter(lambda word: word not in ("y", "n", "on", "off", "yes", "no", "true", "false", "null")),
)


@given(words, st.dictionaries(words, values, max_size=4))
def test_what_is_written_is_read_again(name: str, options: dict[str, object]) -> None:
    choice = Choice(name=name, options=options)
    assert Choice.parse(str(choice)) == choice
