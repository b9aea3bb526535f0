"""A process that measures a deployable file holds what its runtime needs, and no torch: its memory and start are its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from backbench.artefacts.artefact import Artefact
from backbench.runtimes import REGISTRY

PROGRAM = """
import sys
from importlib import import_module
from pathlib import Path
from backbench.artefacts.artefact import Artefact
from backbench.runtimes import REGISTRY
from backbench.spec.choice import Choice

runtime = REGISTRY.build(Choice(name=sys.argv[2]))
for module in runtime.preload:
    import_module(module)
artefact = Artefact.open(Path(sys.argv[1]))
with runtime.open(artefact, "cpu", 1) as session:
    session.predict(artefact.load_inputs()[:2])
    session.executed()
runtime.node_times(artefact, "cpu", 1, artefact.load_inputs()[:1], 2)
print([name for name in ("torch", "onnx", "timm", "onnxscript") if name in sys.modules])
"""


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_its_process_holds_no_torch(name: str, artefact: Callable[..., Artefact]) -> None:
    if reason := REGISTRY.get(name).missing():
        pytest.skip(reason)
    command = [sys.executable, "-c", PROGRAM, str(artefact(name).folder), name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
