"""Every error that backbench raises on purpose, as one tree.

    BackbenchError                exit code 1
    ├── UsageError                exit code 2: known before anything ran
    │   ├── UnknownName           a name that no registry, folder or library knows
    │   └── SpecError             everything that is wrong in a study, at once
    ├── DataError                 exit code 2: a dataset that is missing, half there or corrupt
    ├── WeightsError              exit code 2: weights of another model, truncated, or not only weights
    ├── TrainingDiverged          the loss is not a number
    ├── GateMissed                a runtime's outputs are not the reference's
    ├── CellFailed                a cell's process crashed, ran out of memory or of time
    ├── CantTell                  exit code 3: a verdict was asked for, and the records carry none
    └── Skip                      the cell can't run here, and that is no failure
        └── MissingDependency     …because a package is not installed

A message is one sentence: what was wrong, where, what is allowed, and the nearest match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class BackbenchError(Exception):
    """What went wrong, in one sentence for the user."""

    exit_code = 1


class UsageError(BackbenchError):
    """Known to be wrong before anything ran."""

    exit_code = 2


class UnknownName(UsageError):
    """`name` is no `kind`; says what is allowed and what was probably meant."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str], where: str = "") -> None:
        self.kind, self.name = kind, name
        super().__init__(unknown(kind, name, allowed, where))


class SpecError(UsageError):
    """All complaints about one study; `complaints` holds them one by one."""

    def __init__(self, source: str, complaints: Sequence[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(f"{source}: {complaint}" for complaint in self.complaints))


class DataError(BackbenchError):
    """A dataset that can't be read as what it says it is."""

    exit_code = 2


class WeightsError(BackbenchError):
    """Weights that don't belong to the network, or a file that is no weights file."""

    exit_code = 2


class TrainingDiverged(BackbenchError):
    """The loss became NaN or infinite."""


class GateMissed(BackbenchError):
    """The runtime computes something else than the reference does."""


class CellFailed(BackbenchError):
    """The process of a cell ended without a result; the exit code is that of what happened there."""

    def __init__(self, reason: str, exit_code: int = BackbenchError.exit_code) -> None:
        self.exit_code = exit_code
        super().__init__(reason)


class CantTell(BackbenchError):
    """A verdict was asked for, and what was measured carries none."""

    exit_code = 3


class Skip(BackbenchError):
    """The cell is impossible here; its record says why, and nothing failed."""


class MissingDependency(Skip):
    """A package that the part needs is not installed; names the extra that brings it."""

    def __init__(self, part: str, package: str, extra: str) -> None:
        super().__init__(f"{part} needs the package {package!r}: pip install 'backbench[{extra}]'")


def unknown(kind: str, name: str, allowed: Iterable[str], where: str = "") -> str:
    """The sentence for a name that nobody knows, with the nearest matches."""
    options = sorted(set(allowed))
    close = get_close_matches(name, options, n=3, cutoff=0.6)
    place = f"{where}: " if where else ""
    if close:
        hint = f"did you mean {' or '.join(repr(match) for match in close)}?"
    elif len(options) <= 24:
        hint = f"allowed: {', '.join(options)}" if options else "none is registered"
    else:
        hint = f"`backbench list {kind}s` prints all {len(options)}"
    return f"{place}unknown {kind} {name!r}; {hint}"
