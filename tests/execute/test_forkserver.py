"""Fresh processes: what they return, and every way in which they can end badly."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from backbench.errors import DataError, Skip
from backbench.execute import job as jobs
from backbench.execute.job import Job
from backbench.execute.local import LocalExecutor

HERE = "tests_execute_bodies"

BODIES = """
import os, time
from backbench.errors import DataError, Skip

def echo(payload, report):
    report("half way")
    return {"payload": payload, "pid": os.getpid(), "omp": os.environ["OMP_NUM_THREADS"],
            "spin": os.environ.get("GOMP_SPINCOUNT")}

def refuse(payload, report):
    raise Skip("not on this machine")

def wrong(payload, report):
    raise DataError("images: 3 of 10 are missing")

def bug(payload, report):
    raise KeyError("x")

def crash(payload, report):
    os.kill(os.getpid(), 9)

def leave(payload, report):
    os._exit(3)

def hang(payload, report):
    time.sleep(60)

def chatter(payload, report):
    print("a library prints")
    return {}

def large(payload, report):
    return {"text": "x" * 3_000_000}
"""


@pytest.fixture
def executor(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalExecutor]:
    (tmp_path / f"{HERE}.py").write_text(BODIES)
    # The server is another process: it finds the bodies through its path and their names through sitecustomize.
    names = {
        name: f"{HERE}:{name}"
        for name in ("echo", "refuse", "wrong", "bug", "crash", "leave", "hang", "chatter", "large")
    }
    (tmp_path / "sitecustomize.py").write_text(f"import backbench.execute.job as job\njob.JOBS.update({names!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LocalExecutor() as ready:
        yield ready


def test_every_job_has_a_process_of_its_own(executor: LocalExecutor) -> None:
    heard: list[str] = []
    first = executor.run(Job(name="echo", payload={"a": 1}), threads=2, report=heard.append)
    second = executor.run(Job(name="echo"), threads=2)
    assert first.status == "ok"
    assert first.result["payload"] == {"a": 1}
    assert first.result["omp"] == "2"
    assert heard == ["half way"]
    assert len({first.result["pid"], second.result["pid"], os.getpid()}) == 3
    assert first.cpu > 0


def test_only_work_that_is_not_timed_waits_shortly(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    assert executor.run(Job(name="echo"), threads=2, shared=True).result["spin"] == "1000"
    assert executor.run(Job(name="echo"), threads=2).result["spin"] is None
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert executor.run(Job(name="echo"), threads=1, shared=True).result["spin"] == "7"


def test_a_spawned_job_says_the_same(executor: LocalExecutor) -> None:
    outcome = executor.run(Job(name="echo", payload={"a": 1}), threads=1, spawn=True)
    assert outcome.result["payload"] == {"a": 1}


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("refuse", "skipped", "not on this machine"),
        ("wrong", "failed", "images: 3 of 10 are missing"),
        ("bug", "failed", "KeyError: 'x'"),
        ("crash", "failed", "SIGKILL"),
        ("leave", "failed", "ended without a result"),
    ],
)
def test_a_bad_end_is_an_outcome_and_the_next_job_runs(
    executor: LocalExecutor, name: str, status: str, reason: str
) -> None:
    outcome = executor.run(Job(name=name), threads=1)
    assert outcome.status == status
    assert reason in str(outcome.reason)
    assert executor.run(Job(name="echo"), threads=1).status == "ok"


def test_a_job_that_hangs_is_stopped(executor: LocalExecutor) -> None:
    outcome = executor.run(Job(name="hang", timeout=0.2), threads=1)
    assert outcome.status == "failed"
    assert "was stopped" in str(outcome.reason)
    assert executor.run(Job(name="echo"), threads=1).status == "ok"


def test_what_libraries_print_is_no_part_of_the_conversation(executor: LocalExecutor) -> None:
    assert executor.run(Job(name="chatter"), threads=1).status == "ok"


def test_a_large_result_comes_through_whole(executor: LocalExecutor) -> None:
    assert len(executor.run(Job(name="large"), threads=1).result["text"]) == 3_000_000


def test_a_server_that_can_not_start_is_a_failed_outcome(executor: LocalExecutor) -> None:
    outcome = executor.run(Job(name="echo"), threads=1, preload=("no_such_module",))
    assert outcome.status == "failed"
    assert "no_such_module" in str(outcome.reason)


def test_the_servers_end_with_the_client(executor: LocalExecutor) -> None:
    parent = executor.run(Job(name="echo"), threads=1).result["pid"]
    executor.close()
    deadline = time.monotonic() + 20
    while alive(parent) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(parent)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_errors_in_this_process_become_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    def body(payload: dict[str, Any], report: Any) -> dict[str, Any]:
        raise {"skip": Skip("no"), "data": DataError("bad"), "memory": MemoryError()}[payload["kind"]]

    monkeypatch.setattr(jobs, "load", lambda path: body)
    monkeypatch.setitem(jobs.JOBS, "body", "x:body")
    outcomes = {
        kind: jobs.perform(Job(name="body", payload={"kind": kind}), lambda text: None)
        for kind in ("skip", "data", "memory")
    }
    assert {kind: outcome.status for kind, outcome in outcomes.items()} == {
        "skip": "skipped",
        "data": "failed",
        "memory": "failed",
    }
    assert "out of memory" in str(outcomes["memory"].reason)
