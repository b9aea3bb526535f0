"""Work beside the caller's own, each thread of it with processes of its own: for what is not timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, local
from types import TracebackType
from typing import Self

from backbench.execute.local import LocalExecutor


class Beside:
    """Up to `workers` tasks at a time. Leaving the block waits for them and raises what the first bad one raised.

    Leaving it by an error ends their processes instead; a task sees `left` and keeps nothing of what came back.
    """

    def __init__(self, workers: int) -> None:
        self.left = False
        self._pool = ThreadPoolExecutor(workers, initializer=self._begin)
        self._own = local()
        self._executors: list[LocalExecutor] = []
        self._lock = Lock()
        self._tasks: list[Future[None]] = []

    def start(self, task: Callable[[LocalExecutor], None]) -> None:
        self._tasks.append(self._pool.submit(lambda: task(self._own.executor)))

    def _begin(self) -> None:
        self._own.executor = LocalExecutor()
        with self._lock:
            self._executors.append(self._own.executor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left = kind is not None
        try:
            if not self.left:
                for task in self._tasks:
                    task.result()
        except BaseException:
            self.left = True
            raise
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._end()

    def _end(self) -> None:
        """Closes the executors until no task holds one; a task may be starting a process just now."""
        while True:
            for executor in self._executors:
                executor.close()
            if all(task.done() for task in self._tasks):
                return
            time.sleep(0.1)
