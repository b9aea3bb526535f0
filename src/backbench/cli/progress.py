"""How a long run shows itself: a live line on a terminal, plain lines where the output is a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer

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
        lines = Lines()
        try:
            yield lines.tell
        finally:
            lines.held = None


def live(console: Console, status: Status) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        status.update(sentence(progress))
        if lasting(progress):
            console.log(sentence(progress))

    return tell


class Lines:
    """Plain lines, of one step at most one in `QUIET_SECONDS`. The newest that was held back is told when they are over:
    it names what the run is busy with, perhaps for an hour."""

    def __init__(self) -> None:
        self.step, self.time = "", 0.0
        self.held: Progress | None = None
        self.lock = Lock()

    def tell(self, progress: Progress) -> None:
        with self.lock:
            wait = self.time + QUIET_SECONDS - time.monotonic()
            if progress.step != self.step or lasting(progress) or wait <= 0:
                self.write(progress)
                return
            if self.held is None:
                later = Timer(wait, self.release)
                later.daemon = True
                later.start()
            self.held = progress

    def release(self) -> None:
        """Tells what is still held back."""
        with self.lock:
            if self.held is not None:
                self.write(self.held)

    def write(self, progress: Progress) -> None:
        print(sentence(progress), file=sys.stderr, flush=True)
        self.step, self.time, self.held = progress.step, time.monotonic(), None


def lasting(progress: Progress) -> bool:
    """What should stay readable after the run: everything that was not normal."""
    return progress.step == "wait" or "voided" in progress.text or "spent" in progress.text


def sentence(progress: Progress) -> str:
    count = f" {progress.done + 1}/{progress.total}" if progress.total else ""
    return f"{progress.step}{count}: {progress.text}"
