"""Peak memory: what a process adds counts, the pages of libraries that it reads in don't."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from backbench.measuring.memory import LIBRARY, Memory, library_bytes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has a mark to set back")
MIB = 2**20


def test_what_is_allocated_and_freed_again_counts() -> None:
    before = Memory.before("cpu")
    held = np.ones(64 * MIB, np.uint8)
    del held
    after = before.after()
    assert 60 * MIB < after.rise < 90 * MIB
    assert after.peak is not None
    assert after.peak > 64 * MIB


def test_the_pages_of_libraries_are_left_out() -> None:
    known = Memory(baseline=100, peak=180, device={}, libraries=30)
    assert known.rise == 50
    assert Memory(baseline=None, peak=None, device={}).rise == 0
    assert library_bytes() > 0


@pytest.mark.parametrize(
    ("path", "library"),
    [
        ("/usr/lib/libc.so.6", True),
        ("/x/site-packages/onnxruntime/capi/onnxruntime_pybind11_state.so", True),
        ("/usr/bin/python3.11", True),
        ("models/model.onnx.data", False),
        ("weights.safetensors", False),
        ("[heap]", False),
    ],
)
def test_what_a_library_is(path: str, library: bool) -> None:
    assert (LIBRARY.search(path) is not None) is library
