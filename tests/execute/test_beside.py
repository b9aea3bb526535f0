"""Work beside the caller: it is all done at the end of the block, and ended with it where the block ends by an error."""

from __future__ import annotations

import time
from threading import Barrier
from typing import Any

import pytest

from backbench.execute.beside import Beside
from backbench.execute.job import Job, Outcome
from backbench.execute.local import LocalExecutor

BODIES = """
import os, time

def process(payload, report):
    return {"pid": os.getpid(), "parent": os.getppid()}

def hang(payload, report):
    report("hanging")
    time.sleep(600)
"""


@pytest.fixture
def bodies(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests_beside_bodies.py").write_text(BODIES)
    names = {name: f"tests_beside_bodies:{name}" for name in ("process", "hang")}
    (tmp_path / "sitecustomize.py").write_text(f"import backbench.execute.job as job\njob.JOBS.update({names!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_tasks_run_at_one_time_each_with_processes_of_its_own(bodies: None) -> None:
    found: list[Outcome] = []
    both = Barrier(2, timeout=60)  # breaks where the second task waits for the first one's end

    def task(executor: LocalExecutor) -> None:
        both.wait()
        found.append(executor.run(Job(name="process"), threads=1))

    with Beside(2) as beside:
        beside.start(task)
        beside.start(task)
    assert [outcome.status for outcome in found] == ["ok", "ok"]
    assert len({outcome.result["parent"] for outcome in found}) == 2


def test_what_a_task_raises_is_raised_at_the_end(bodies: None) -> None:
    def full(executor: LocalExecutor) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"), Beside(1) as beside:
        beside.start(full)


def test_an_interrupt_ends_the_processes_and_starts_no_more(bodies: None) -> None:
    seen: list[tuple[str, bool]] = []
    hanging: list[str] = []

    def interrupted() -> None:
        with Beside(1) as beside:

            def hang(executor: LocalExecutor) -> None:
                outcome = executor.run(Job(name="hang"), threads=1, report=hanging.append)
                seen.append((outcome.status, beside.left))

            beside.start(hang)
            beside.start(hang)
            while not hanging:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert hanging == ["hanging"]
    assert seen == [("failed", True)]
