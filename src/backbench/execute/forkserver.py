"""A process that has imported what a runtime needs, computed nothing, and hands out fresh copies of itself.

Importing torch takes seconds; a fork takes milliseconds and holds no more than the import. Talks in lines of JSON: jobs
come in on standard input, {"report": …} and {"outcome": …} go out. The copy ends with its job; both end when the
client does,
since the server waits for the client's pipe as well as for its child.

Run as `python -m backbench.execute.forkserver MODULE…`. `--spawn` is the same conversation for a single job without a
fork.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from importlib import import_module
from typing import Any, NoReturn

from backbench.execute.job import Job, Outcome, perform


def main(modules: list[str]) -> None:
    spawn = "--spawn" in modules
    for module in modules:
        if module != "--spawn":
            import_module(module)
    replies = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not break the conversation
    send(replies, {"ready": True})
    while line := read_line():
        job = Job.model_validate_json(line)
        outcome = perform(job, reporter(replies)) if spawn else in_child(job, replies)
        send(replies, {"outcome": outcome.model_dump(mode="json")})


def in_child(job: Job, replies: int) -> Outcome:
    """Runs the job in a fork of this process, which may crash, hang or be killed."""
    results, child_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(results)
        serve(job, child_end, replies)
    os.close(child_end)
    text, ended = await_child(results, job.timeout)
    if ended:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    os.close(results)
    if ended == "client":
        sys.exit(1)
    outcome = read_outcome(text, status, job) if not ended else Outcome(status="failed", reason=timed_out(job))
    return outcome.model_copy(update={"cpu": usage.ru_utime + usage.ru_stime})


def serve(job: Job, results: int, replies: int) -> NoReturn:
    """In the child: the job, its outcome into the pipe, and out without any clean-up of the parent's things."""
    try:
        data = perform(job, reporter(replies)).model_dump_json().encode()
        while data:
            data = data[os.write(results, data) :]
    finally:
        sys.stderr.flush()
        os._exit(0)


def await_child(results: int, timeout: float) -> tuple[str, str]:
    """What the child wrote, and why waiting ended early ("timeout", "client") or "". Sleeps, never polls."""
    chunks: list[bytes] = []
    deadline = time.monotonic() + timeout
    while True:
        ready, _, _ = select.select([results, 0], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return "", "timeout"
        if 0 in ready:
            return "", "client"  # the client sends nothing while a job runs: its end of the pipe was closed
        chunk = os.read(results, 1 << 20)
        if not chunk:
            return b"".join(chunks).decode(), ""
        chunks.append(chunk)


def read_outcome(text: str, status: int, job: Job) -> Outcome:
    if text:
        return Outcome.model_validate_json(text)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        hint = " (most likely the system's memory ran out)" if number == signal.SIGKILL else ""
        return Outcome(
            status="failed", reason=f"the process of {job.name!r} was ended by {signal.Signals(number).name}{hint}"
        )
    return Outcome(status="failed", reason=f"the process of {job.name!r} ended without a result")


def timed_out(job: Job) -> str:
    return f"{job.name!r} took over {job.timeout:.0f} s and was stopped"


def reporter(replies: int) -> Any:
    return lambda text: send(replies, {"report": text})


def send(replies: int, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(replies, data) :]


def read_line() -> str:
    """One line of standard input, unbuffered, so that select sees what is left."""
    line = bytearray()
    while chunk := os.read(0, 1 << 16):
        line += chunk
        if line.endswith(b"\n"):
            break
    return line.decode()


if __name__ == "__main__":
    main(sys.argv[1:])
