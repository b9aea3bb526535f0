"""Jobs on this machine: a fork server per set of imports and number of threads, started when first needed.

`spawn=True` starts Python anew for a job instead, import time and all: cold start, and the proof that a
forked process measures what a spawned one does (`benchmarks/fork_against_spawn.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from backbench.execute.job import Job, Outcome, Report

# Threads of one process wait for each other. Where another process holds a processor, libgomp's long busy waiting costs both: it made
# resnet20's training steps 5 to 10 times slower, ResNet-50's forward pass 1.3 times (docs/log.md). Read when torch is loaded.
SHORT_WAITS = {"GOMP_SPINCOUNT": "1000"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class LocalExecutor:
    """Runs jobs in fresh processes of this machine, one at a time."""

    def __init__(self) -> None:
        self._servers: dict[tuple[tuple[str, ...], int, bool], Server] = {}

    def run(
        self,
        job: Job,
        *,
        threads: int,
        preload: Sequence[str] = (),
        spawn: bool = False,
        shared: bool = False,
        report: Report = lambda text: None,
    ) -> Outcome:
        """The outcome of the job in a fresh process with this many threads; never raises for what the job does.

        `shared`: other work runs beside it, and no time is kept of it.
        """
        if spawn:
            with Server(("--spawn", *preload), threads) as server:
                return server.ask(job, report)
        key = (tuple(preload), threads, shared)
        if key not in self._servers:
            self._servers[key] = Server(key[0], threads, shared)
        server = self._servers[key]
        outcome = server.ask(job, report)
        if not server.alive:
            self._servers.pop(key, None)
            server.close()
        return outcome

    def close(self) -> None:
        while self._servers:
            self._servers.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Server:
    """The client's end of one fork server."""

    def __init__(self, modules: Sequence[str], threads: int, shared: bool = False) -> None:
        self._log = Path(tempfile.mkstemp(prefix="backbench-", suffix=".log")[1])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backbench.execute.forkserver", *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(threads, shared),
                start_new_session=True,  # Ctrl-C reaches the client alone, which then closes this
            )
        self._next(("ready",), lambda text: None)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, job: Job, report: Report) -> Outcome:
        try:
            self._pipe(self._process.stdin).write(job.model_dump_json() + "\n")
            self._pipe(self._process.stdin).flush()
            message = self._next(("outcome",), report)
        except BrokenPipeError:
            message = None
        if message is None:
            self._process.wait()
            return Outcome(status="failed", reason=f"the process server ended: {self._last_words()}")
        return Outcome.model_validate(message["outcome"])

    def close(self) -> None:
        with suppress(BrokenPipeError):  # a server that died left the last line unread
            self._pipe(self._process.stdin).close()
        self._process.wait()
        self._pipe(self._process.stdout).close()
        self._log.unlink(missing_ok=True)

    def _next(self, kinds: tuple[str, ...], report: Report) -> dict[str, dict[str, object]] | None:
        for line in self._pipe(self._process.stdout):
            message = json.loads(line)
            if "report" in message:
                report(message["report"])
            elif message.keys() & set(kinds):
                return dict(message)
        return None

    def _last_words(self) -> str:
        lines: list[str] = []
        with suppress(FileNotFoundError):  # closed meanwhile, from another thread
            lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"exit status {self._process.returncode}"

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def wait_shortly() -> None:
    """For this process, before torch is loaded and where no time is kept."""
    os.environ.update({**SHORT_WAITS, **os.environ})


def environment(threads: int, shared: bool = False) -> dict[str, str]:
    """This process's environment with every library's thread budget set alike (protocol, rule 8)."""
    waits = SHORT_WAITS if shared else {}
    return {**waits, **os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "TOKENIZERS_PARALLELISM": "false"}
