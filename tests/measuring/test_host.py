"""Processors, memory, energy and the grade: read from files that the test writes, and once from this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from backbench.errors import Skip
from backbench.measuring import cpu, energy, host_grade, memory
from backbench.measuring.canary import canary
from backbench.measuring.clock import WALL, event_seconds, seconds_between, timed
from backbench.measuring.cpu import CpuTimes
from backbench.measuring.subnormal import can_flush, flush_to_zero

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_busy_is_everything_but_idle_and_waiting() -> None:
    busy, steal = cpu.parse_stat("cpu  100 20 30 4000 500 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    assert (round(busy * cpu.HERTZ), round(steal * cpu.HERTZ)) == (100 + 20 + 30 + 6 + 7 + 80, 80)


def test_shares_by_hand() -> None:
    before = CpuTimes(wall=0.0, busy=50.0, steal=1.0, own=3.0, processors=4)
    after = CpuTimes(wall=10.0, busy=70.0, steal=3.0, own=15.0, processors=4)
    assert cpu.foreign_share(before, after) == pytest.approx(8 / 40)
    assert cpu.own_share(before, after, threads=2) == pytest.approx(12 / 10 / 2)
    assert cpu.foreign_share(after, before) == 0.0
    assert cpu.foreign_share(before, before) == cpu.own_share(before, before, 1) == 0.0


def test_this_machine_s_times_go_forward() -> None:
    before, after = cpu.read_cpu(), cpu.read_cpu()
    assert after.wall > before.wall
    assert after.busy >= before.busy > 0
    assert after.processors >= 1


def test_siblings_share_a_core_only_when_the_cores_are_used_up(tmp_path: Path) -> None:
    siblings = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}
    write(tmp_path, {f"cpu{number}/topology/thread_siblings_list": f"{text}\n" for number, text in siblings.items()})
    assert cpu.apart([0, 1, 2, 3], 2, tmp_path) == [0, 1]
    assert cpu.apart([0, 2, 3], 2, tmp_path) == [0, 3]
    assert cpu.apart([0, 1, 2, 3], 3, tmp_path) == [0, 1, 2]
    assert cpu.apart([4, 5], 1, tmp_path) == [4]  # a system that says nothing of its cores


@linux
def test_a_process_s_age_is_counted_from_its_start(tmp_path: Path) -> None:
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    fields = ["S"] + ["0"] * 18 + [str(int((now - 5) * cpu.HERTZ))] + ["7"] * 30
    (tmp_path / "stat").write_text(f"12 (a name) with blanks) {' '.join(fields)}")
    assert 5.0 <= cpu.process_age(tmp_path / "stat") <= 5.0 + cpu.process_age() + 1
    assert cpu.process_age() >= 0


@linux
def test_the_thread_budget_binds_and_frees_again() -> None:
    before = os.sched_getaffinity(0)
    with cpu.thread_budget(1) as chosen:
        assert chosen is not None
        assert os.sched_getaffinity(0) == set(chosen)
        assert len(chosen) == 1
    assert os.sched_getaffinity(0) == before


@linux
def test_the_peak_is_that_since_the_reset() -> None:
    """In a process of its own: one that has run other tests may have 40 MB free already, and its peak stays."""
    program = """
import numpy as np
from backbench.measuring.memory import Memory
old = np.ones(8_000_000)  # 64 MB, gone before the reset
del old
before = Memory.before("cpu")
held = np.ones(5_000_000)  # 40 MB
print((before.after().peak - before.baseline) / held.nbytes)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert 0.95 < float(done.stdout) < 1.5


def test_without_a_mark_there_is_no_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "CLEAR", tmp_path / "nowhere" / "clear_refs")
    found = memory.Memory.before("cpu").after()
    assert (found.baseline, found.peak, found.device) == (None, None, {})


def rapl(root: Path, *packages: int) -> Path:
    zones = {"intel-rapl:9/name": "psys\n", "intel-rapl:0:0/name": "core\n"}
    for number, micro in enumerate(packages):
        zone = f"intel-rapl:{number}"
        zones |= {f"{zone}/name": f"package-{number}\n", f"{zone}/energy_uj": f"{micro}\n"}
        zones |= {f"{zone}/max_energy_range_uj": "10000000\n"}
    return write(root, zones)


def test_rapl_adds_its_packages_and_wraps(tmp_path: Path) -> None:
    counter = energy.rapl(rapl(tmp_path, 2_000_000, 9_000_000))
    before = counter.read()
    rapl(tmp_path, 5_000_000, 1_000_000)
    assert counter.rise(before, counter.read()) == pytest.approx(3.0 + 2.0)
    assert counter.source == "RAPL"


def test_no_counter_no_number(tmp_path: Path) -> None:
    with pytest.raises(Skip, match="no RAPL counter under"):
        energy.rapl(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_counter_that_only_root_may_read_says_so(tmp_path: Path) -> None:
    rapl(tmp_path, 1)
    (tmp_path / "intel-rapl:0/energy_uj").chmod(0)
    with pytest.raises(Skip, match="may be read by root only"):
        energy.rapl(tmp_path)


GOOD = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "sys/devices/system/cpu/smt/active": "0\n",
    "proc/cpuinfo": "flags : fpu sse\n",
    "sys/fs/cgroup/cpu.max": "max 100000\n",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "A"),
        ({"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n"}, "B"),
        ({"sys/devices/system/cpu/intel_pstate/no_turbo": "0\n"}, "B"),
        ({"sys/devices/system/cpu/smt/active": "1\n"}, "B"),
        ({"proc/cpuinfo": "flags : fpu hypervisor\n"}, "C"),
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, "C"),
    ],
)
def test_what_costs_a_grade(tmp_path: Path, changed: dict[str, str], expected: str) -> None:
    root = write(tmp_path, {**GOOD, **changed})
    found = [*host_grade.protocol(False), *host_grade.frequency(root), *host_grade.sharing(root)]
    bound = [reason for reason in found if reason.what != "affinity"]
    assert host_grade.worst(bound) == expected


@pytest.mark.parametrize(
    ("busy", "steal", "expected"), [(0.0, 0.0, "A"), (0.4, 0.0, "C"), (2.0, 0.0, "D"), (0.04, 0.04, "C")]
)
def test_what_others_take_costs_a_grade(busy: float, steal: float, expected: str) -> None:
    before = CpuTimes(wall=0.0, busy=0.0, steal=0.0, own=0.0, processors=4)
    after = CpuTimes(wall=1.0, busy=busy, steal=steal, own=0.0, processors=4)
    assert host_grade.worst(list(host_grade.others(before, after))) == expected


def test_quick_is_always_d_and_says_why() -> None:
    found = host_grade.grade(coarse=True, window=0.0)
    assert found.letter == "D"
    assert any(sentence.startswith("protocol: not standard") for sentence in found.sentences())


def test_this_machine_has_a_grade_with_reasons() -> None:
    found = host_grade.grade(window=0.05)
    assert found.letter in "ABCD"
    assert {"other processes", "frequency governor"} <= {reason.what for reason in found.reasons}


def test_a_battery_costs_every_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    class Battery:
        power_plugged, percent = False, 63.0

    monkeypatch.setattr(psutil, "sensors_battery", Battery, raising=False)
    assert [(reason.effect, reason.value) for reason in host_grade.power()] == [("D", "running on it, 63 % left")]


@pytest.mark.skipif(not can_flush(), reason="this platform's flag is not covered")
def test_the_flag_flushes_in_its_own_thread_only() -> None:
    tiny = np.full(4, 1e-39, np.float32)
    with ThreadPoolExecutor(1, initializer=flush_to_zero) as pool:
        assert pool.submit(lambda: float((tiny * np.float32(1)).sum())).result() == 0.0
    assert float((tiny * np.float32(1)).sum()) > 0.0


def test_the_canary_takes_time_and_leaves_the_numbers_normal() -> None:
    assert canary(1) > 0


def test_the_clock() -> None:
    assert seconds_between(1_000, 2_500) == 1.5e-6
    result, seconds = timed(WALL, lambda: 7)
    assert result == 7
    assert seconds > 0
    assert event_seconds("cpu", lambda: 7) is None
