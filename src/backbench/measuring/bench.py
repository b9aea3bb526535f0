"""The bench: one opened session in one fresh process, and what its opening cost. Metrics measure on it in turn.

Order matters and is fixed here: memory before loading, loading, compiling, the first call, a few with that one input, the
peak of memory; only then are the other inputs handed to the runtime. So the peak is that of a process that serves,
not of one that holds 256 images, and the first call is really the first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backbench.artefacts.artefact import Artefact
from backbench.measuring.clock import Clock, timed
from backbench.measuring.cpu import Reader
from backbench.measuring.memory import Memory
from backbench.measuring.plan import Plan
from backbench.measuring.sampling import Feed, Source
from backbench.runtimes.runtime import Session
from backbench.spec.cell import Cell

SETTLING = 5  # calls until arenas and memory plans have their size (onnxruntime plans on its second call)


@dataclass(frozen=True)
class Opening:
    """Seconds of loading, compiling, the first call and the next five; bytes of memory over all of that."""

    load: float
    compile: float
    first: float
    settling: tuple[float, ...]
    memory: Memory


@dataclass
class Bench:
    """What a metric gets. `open_session` opens another session of the same artefact; `foreign` is filled by latency."""

    artefact: Artefact
    cell: Cell
    plan: Plan
    round: int
    seed: int
    clock: Clock
    read_cpu: Reader
    source: Source
    session: Session
    opening: Opening
    open_session: Callable[[], Session]
    imported: float
    foreign: float = 0.0
    feeds: dict[int, Feed] = field(default_factory=dict)

    def feed(self, batch: int) -> Feed:
        """The calls at this batch; the cell's own is kept, others are made when they are asked for."""
        if batch not in self.feeds:
            self.feeds = {batch: self.source.feed(self.session, batch, self.cell.boundary, self.seed)}
        return self.feeds[batch]


def opened(
    source: Source, cell: Cell, seed: int, clock: Clock, open_session: Callable[[], Session]
) -> tuple[Session, Opening]:
    """The session, after its first calls. What it raises is the sample's result; it is closed then."""
    memory = Memory.before(cell.device)
    session, load = timed(clock, open_session)
    try:
        _, compiling = timed(clock, lambda: session.compile((cell.batch, *source.inputs.shape[1:])))
        alone = source.alone(cell.batch, cell.boundary, seed).feed(session, cell.batch, cell.boundary, seed)
        argument = alone.arguments[0]
        first, *settling = [timed(clock, lambda: alone.call(argument))[1] for _ in range(1 + SETTLING)]
    except BaseException:
        session.close()
        raise
    return session, Opening(load, compiling, first, tuple(settling), memory.after())
