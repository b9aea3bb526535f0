"""What is installed, as lines that pip reads: the lock of one run, and the hashes of files that are known for it.

`name==version`, sorted, names as the index writes them (PEP 503). What was installed from a folder or a repository (PEP
610) is on no index: it stands as a comment. An installed package no longer knows the hash of the file that it came from;
hashes are taken from a lock that has them, such as the one of backbench's own checkout. No address of an index is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import backbench
from backbench.errors import UsageError

LOCK = "requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)")
HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?![0-9a-f])")

Pin = tuple[str, str]  # name, version
Hashes = Mapping[Pin, tuple[str, ...]]


@dataclass(frozen=True)
class Installed:
    """Everything that is installed here: name → version, and which of them came from no index."""

    versions: dict[str, str]
    local: frozenset[str]


@cache
def installed() -> Installed:
    """Of this interpreter; a name that stands twice on the path counts where Python finds it first."""
    versions: dict[str, str] = {}
    local = set()
    for found in distributions():
        name = normal(found.metadata["Name"] or "")
        vendored = Path(str(found.locate_file(""))).name == "_vendor"  # setuptools' own copies, once it is imported
        if not name or name in versions or vendored:
            continue
        versions[name] = found.version
        if found.read_text("direct_url.json") is not None:
            local.add(name)
    return Installed(dict(sorted(versions.items())), frozenset(local))


def normal(name: str) -> str:
    """PEP 503: `Typing_Extensions` is `typing-extensions`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lock_text(have: Installed) -> str:
    """The lock without hashes: what the manifest's hash is taken of."""
    lines = [f"{name}=={version}" for name, version in have.versions.items() if name not in have.local]
    return "\n".join([*lines, *local_lines(have)]) + "\n"


def local_lines(have: Installed) -> list[str]:
    return [f"# {name} {have.versions[name]}: from its source, on no index" for name in sorted(have.local)]


def parse_lock(text: str) -> Installed:
    """What `lock_text` wrote, read back."""
    versions = {normal(found[1]): found[2] for line in text.splitlines() if (found := PINNED.match(line))}
    remarks = (re.match(r"# (\S+) (\S+): from its source", line) for line in text.splitlines())
    local = {normal(found[1]): found[2] for found in remarks if found}
    return Installed(dict(sorted((versions | local).items())), frozenset(local))


def hashes_in(text: str) -> dict[Pin, tuple[str, ...]]:
    """(name, version) → the hashes of its files, from a lock that has them."""
    found: dict[Pin, tuple[str, ...]] = {}
    for block in re.split(r"^(?=[A-Za-z0-9][\w.-]*==)", text, flags=re.MULTILINE):
        pin, sums = PINNED.match(block), tuple(HASH.findall(block))
        if pin and sums:
            found[normal(pin[1]), pin[2]] = tuple(sorted({*found.get((normal(pin[1]), pin[2]), ()), *sums}))
    return found


def known_hashes(locks: Sequence[Path] = ()) -> dict[Pin, tuple[str, ...]]:
    """From these locks, and from those of the checkout that backbench runs from. Raises UsageError."""
    found: dict[Pin, tuple[str, ...]] = {}
    for path in (*sorted(Path(backbench.__file__).resolve().parents[2].glob("requirements*.lock")), *locks):
        try:
            found |= hashes_in(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: the lock can't be read: {error}") from None
    return found


def split_by_hash(have: Installed, hashes: Hashes) -> tuple[list[Pin], list[Pin]]:
    """Packages of an index with known hashes, and those without: pip installs the two kinds in two steps."""
    pins = [pin for pin in have.versions.items() if pin[0] not in have.local]
    return [pin for pin in pins if pin in hashes], [pin for pin in pins if pin not in hashes]


def hashed_lines(pins: Iterable[Pin], hashes: Hashes) -> list[str]:
    return [
        " \\\n".join([f"{name}=={version}", *(f"    --hash={each}" for each in hashes[name, version])])
        for name, version in pins
    ]
