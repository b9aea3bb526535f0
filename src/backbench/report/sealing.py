"""Many records' hashes in a process of their own, while this one reads the records.

Hashing a record's content takes longer than parsing it. With thousands of records a helper hashes the same files; what
it proves is said by the SHA-256 of a file's bytes, so that a file that changes in between proves nothing about what was
read. What it does not prove, for whatever reason, is left to the reader.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryFile
from typing import IO, Any

from pydantic_core import from_json

from backbench.spec.cell import canonical

MANY = 500  # records; fewer are hashed before a helper has started


@contextmanager
def hashing(paths: Iterable[Path]) -> Iterator[Callable[[], frozenset[str]]]:
    """Starts the helper; the yielded function waits for it and tells the SHA-256 of every sound file's bytes."""
    with TemporaryFile() as asked, TemporaryFile() as said:
        asked.write(b"\0".join(map(os.fsencode, paths)))
        asked.seek(0)
        helper = Popen([sys.executable, "-m", __name__], stdin=asked, stdout=said, stderr=DEVNULL)
        try:
            yield lambda: answer(helper, said)
        finally:
            helper.kill()
            helper.wait()


def answer(helper: Popen[bytes], said: IO[bytes]) -> frozenset[str]:
    helper.wait()
    said.seek(0)
    return frozenset(said.read().decode().split())


def own_hash(data: Mapping[str, Any]) -> str:
    """What `record_id` is, from a record file's own data. Raises ValueError or RecursionError where it can't be."""
    said = canonical({key: value for key, value in data.items() if key != "record_id"})
    return sha256(said.encode()).hexdigest()


def sound(raw: bytes) -> bool:
    """Whether these bytes are JSON whose content is what its `record_id` says."""
    try:
        data = from_json(raw, allow_inf_nan=False)
        return isinstance(data, dict) and data.get("record_id") == own_hash(data)
    except (ValueError, RecursionError):
        return False


def main() -> None:
    """The helper: names from stdin, digests to stdout."""
    for name in sys.stdin.buffer.read().split(b"\0"):
        with open(os.fsdecode(name), "rb") as file:
            raw = file.read()
        if sound(raw):
            print(sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
