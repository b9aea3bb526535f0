"""How a long run shows itself: a live line on a terminal, plain lines where the output is a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from backbench.pipeline import Progress

QUIET_SECONDS = 5.0  # between two plain lines of the same step


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress as long as the block lasts."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("starting") as status:
            yield live(console, status)
    else:
        yield plain()


def live(console: Console, status: Status) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        status.update(sentence(progress))
        if lasting(progress):
            console.log(sentence(progress))

    return tell


def plain() -> Callable[[Progress], None]:
    last_step, last_time = "", 0.0

    def tell(progress: Progress) -> None:
        nonlocal last_step, last_time
        now = time.monotonic()
        if progress.step != last_step or lasting(progress) or now - last_time > QUIET_SECONDS:
            print(sentence(progress), file=sys.stderr, flush=True)
            last_step, last_time = progress.step, now

    return tell


def lasting(progress: Progress) -> bool:
    """What should stay readable after the run: everything that was not normal."""
    return progress.step == "wait" or "voided" in progress.text or "spent" in progress.text


def sentence(progress: Progress) -> str:
    count = f" {progress.done + 1}/{progress.total}" if progress.total else ""
    return f"{progress.step}{count}: {progress.text}"
