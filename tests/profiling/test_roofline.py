"""Blocks under planted roofs, and the machine's own measured at a tiny size."""

from __future__ import annotations

import pytest

from backbench.profiling import ceilings as measured
from backbench.profiling.roofline import place, ridge
from backbench.profiling.timed import Ceilings

ROOFS = Ceilings(
    threads=1,
    device="cpu",
    compute={"fp32": 100e9},
    bandwidth={"copy": 8e9, "read": 10e9},
    kernels={"fp32": "torch.mm"},
)


def test_much_arithmetic_is_compute_bound() -> None:
    found = place("a", "Conv2d", 50 * 10**9, 10**9, 1.0, ROOFS, "fp32")
    assert found.bound == "compute"
    assert found.reached == pytest.approx(0.5)
    assert found.intensity == 50
    assert found.rate == 50e9


def test_little_arithmetic_is_memory_bound() -> None:
    found = place("a", "ReLU", 0, 5 * 10**9, 1.0, ROOFS, "fp32")
    assert found.bound == "memory"
    assert found.reached == pytest.approx(0.5)
    assert found.intensity == 0


def test_the_ridge_parts_them() -> None:
    assert ridge(ROOFS) == 10
    assert place("a", "", 10 * 10**9, 10**9, 1.0, ROOFS, "fp32").bound == "compute"
    assert place("a", "", 9 * 10**9, 10**9, 1.0, ROOFS, "fp32").bound == "memory"


def test_ceilings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "SECONDS", 0.01)
    found = measured.ceilings(1, sides=(64,), size=400_000)
    assert found.compute["fp32"] > 0
    assert set(found.bandwidth) == {"copy", "read"}
    assert set(found.compute) | set(found.reasons) == {"fp32", "bf16", "int8"}
    assert set(found.kernels) == set(found.compute)


def test_a_precision_that_the_processor_lacks_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "cpu_flags", lambda: frozenset({"avx2"}))
    assert "bf16" in str(measured.lacks("bf16", "cpu"))
    assert measured.lacks("fp32", "cpu") is None
    assert measured.lacks("int8", "cuda") is None


def test_a_precision_whose_kernels_all_fail_has_their_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(side: int, device: str) -> None:
        raise NotImplementedError("not for this processor\nat all")

    monkeypatch.setattr(measured, "SECONDS", 0.01)
    monkeypatch.setattr(measured, "cpu_flags", lambda: frozenset({"avx512_vnni"}))
    monkeypatch.setitem(measured.PRODUCTS, "int8", {"a kernel": refused})
    found = measured.ceilings(1, sides=(64,), size=400_000)
    assert "int8" not in found.compute
    assert found.reasons["int8"] == "no kernel works here: a kernel: not for this processor"
