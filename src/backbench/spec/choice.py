"""A Choice names a part and all its options; a Chain is choices joined with `+`.

Grammar, the same on the command line, in YAML and in records:

    quantize_static:calibration=512,per_channel=true
    prune_channels:ratio=0.5+finetune:recipe=short
    none                                            (the empty chain)

Values are read as YAML scalars: `0.5` is a number, `true` a truth value, `512` an integer.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backbench.errors import UsageError

Scalar = str | int | float | bool | None
# A torchvision or hub name holds one colon of its own, and a user's network is `package.module:function`.
PREFIXES = ("torchvision:", "hf-hub:")


class Choice(BaseModel):
    """One part by name with its options, as plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return split(value) if isinstance(value, str) else value

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Raises UsageError where the text breaks the grammar."""
        return cls(**split(text))

    def __str__(self) -> str:
        if not self.options:
            return self.name
        return f"{self.name}:{','.join(f'{key}={plain(value)}' for key, value in self.options.items())}"

    def __hash__(self) -> int:
        return hash(str(self))


def parse_chain(value: Any) -> tuple[Choice, ...]:
    """`a+b:x=1` (or a list of choices) as choices; `none` and None are the empty chain."""
    if value is None or value == "none":
        return ()
    if isinstance(value, str):
        return tuple(Choice.parse(part) for part in value.split("+"))
    if isinstance(value, (list, tuple)):
        return tuple(part if isinstance(part, Choice) else Choice.model_validate(part) for part in value)
    raise UsageError(f"a chain is text such as 'a+b:x=1', not {value!r}")


def chain_text(chain: tuple[Choice, ...]) -> str:
    return "+".join(map(str, chain)) or "none"


def split(text: str) -> dict[str, Any]:
    """The grammar: name, then `key=value` pairs behind the first colon that precedes one; name and values may hold others."""
    text = text.strip()
    name, options = text, ""
    found = re.fullmatch(r"(.*?):(\s*\w+\s*=.*)", text, re.DOTALL)
    if found:
        name, options = found[1], found[2]
    elif ":" in text and not text.startswith(PREFIXES) and not is_reference(text):
        raise UsageError(f"{text!r}: behind ':' there must be key=value, e.g. {text.rpartition(':')[0]}:key=value")
    if not name:
        raise UsageError(f"{text!r}: a name is missing before the options")
    return {"name": name, "options": dict(pair(item, text) for item in options.split(",") if item.strip())}


def is_reference(text: str) -> bool:
    """Whether the text is a user's own `package.module:function`."""
    return re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", text) is not None


def pair(item: str, text: str) -> tuple[str, Scalar]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{text!r}: {item!r} is not key=value")
    return key.strip(), scalar(value.strip(), text)


def scalar(value: str, text: str) -> Scalar:
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"{text!r}: {value!r} is not a value") from None
    return read if isinstance(read, (str, int, float, bool)) or read is None else value


def plain(value: Any) -> str:
    """The value as the grammar reads it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
