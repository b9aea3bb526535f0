"""TorchScript, torch.compile, AOTInductor: what each says of itself, and what it does with broken files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backbench.artefacts.artefact import Artefact
from backbench.errors import WeightsError
from backbench.runtimes import compile as compiling
from backbench.runtimes.compile import Compile
from backbench.runtimes.node_times import node_times
from backbench.runtimes.torchscript import TorchScript
from prepared_artefacts import NETWORK

Made = Callable[..., Artefact]
SMALL = "vit_mini:dim=16,depth=1,heads=2,mlp=1"  # compiles in seconds

COLD = """
import sys
from pathlib import Path
from backbench.artefacts.artefact import Artefact
from backbench.runtimes.compile import Compile

artefact = Artefact.open(Path(sys.argv[1]))
with Compile().open(artefact, "cpu", 1) as session:
    session.compile((2, 1, 8, 8))
    print("cold" if "compile_cold" in session.executed() else "warm", session.executed()["graph_breaks"])
"""


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.parametrize("optimize", [True, False])
def test_torchscript_computes_the_same_frozen_or_not(artefact: Made, freeze: bool, optimize: bool) -> None:
    made = artefact("torchscript")
    with TorchScript(freeze=freeze, optimize=optimize).open(made, "cpu", 1) as session:
        for _ in range(3):  # the executor specialises the graph in its first calls
            np.testing.assert_allclose(session.predict(made.load_inputs()[:8]), made.load_reference()[:8], atol=1e-4)
        executed = session.executed()
    assert executed["precision"] == "fp32"
    assert executed["frozen"] == freeze


@pytest.mark.parametrize(("runtime", "file"), [("torchscript", "model.pt"), ("aotinductor", "model.pt2")])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_truncated_file_is_no_crash(artefact: Made, tmp_path: Path, runtime: str, file: str, share: float) -> None:
    from backbench.runtimes import REGISTRY
    from backbench.spec.choice import Choice

    part = REGISTRY.build(Choice(name=runtime))
    if reason := part.missing():
        pytest.skip(reason)
    folder = tmp_path / "copied"
    shutil.copytree(artefact(runtime).folder, folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(WeightsError, match=file):
        part.open(Artefact.open(folder), "cpu", 1)


def test_a_process_finds_the_code_that_an_earlier_one_compiled(artefact: Made, tmp_path: Path) -> None:
    if reason := Compile.missing():
        pytest.skip(reason)
    folder = tmp_path / "copied"
    shutil.copytree(artefact("compile", model=SMALL).folder, folder)
    for left in folder.glob("compiled-*"):
        shutil.rmtree(left)
    command = [sys.executable, "-c", COLD, str(folder)]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(2)]
    assert said == [["cold", "0"], ["warm", "0"]]


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.delenv("CXX", raising=False)
    assert "needs a C++ compiler" in str(compiling.no_compiler("runtime compile"))


@pytest.mark.parametrize("runtime", ["eager", "torchscript"])
def test_operators_tell_their_time(artefact: Made, runtime: str) -> None:
    made = artefact(runtime, model=NETWORK)
    times = node_times(made, runtime, made.load_inputs()[:1], calls=3)
    assert any("conv" in time.kind or "mkldnn" in time.kind for time in times)
    assert all(time.seconds > 0 for time in times)
