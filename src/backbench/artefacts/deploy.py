"""From an artefact to a file of one's own: `backbench export`. One function a format, in a table.

Labels, preprocessing and provenance are written into the file where its format has a place for them: ONNX's and
safetensors' metadata, TorchScript's extra files, OpenVINO's runtime information. An ExecuTorch program has none, there
the companion alone holds them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backbench.artefacts import export_executorch, export_torchscript
from backbench.artefacts.artefact import Artefact
from backbench.artefacts.deployable import Deployable, companion, described, metadata
from backbench.artefacts.export import MODEL, WEIGHTS, check, embed
from backbench.artefacts.export_openvino import to_openvino
from backbench.artefacts.store import writing
from backbench.errors import UnknownName, UsageError
from backbench.spec.cell import Cell

EXTRA = "backbench.json"  # of a TorchScript file


def write_onnx(artefact: Artefact, out: Path) -> list[Path]:
    """One file, or two where the weights are over protobuf's limit: then the graph names the second by its new name."""
    outside = sorted(artefact.folder.glob(f"{MODEL}.data"))
    if not outside:
        embed(artefact.folder / MODEL, out, metadata(artefact))
    else:
        import onnx

        beside = out.with_name(f"{out.name}.data")
        beside.unlink(missing_ok=True)  # onnx would append to it
        onnx.save_model(onnx.load(artefact.folder / MODEL), str(out), save_as_external_data=True, location=beside.name)
    check(out)
    return [out.with_name(f"{out.name}.data")] if outside else []


def write_torchscript(artefact: Artefact, out: Path) -> list[Path]:
    import torch

    with export_torchscript.tracing():
        module = torch.jit.load(str(artefact.folder / export_torchscript.MODEL))
        torch.jit.save(module, str(out), _extra_files={EXTRA: json.dumps(metadata(artefact), sort_keys=True)})
    return []


def write_openvino(artefact: Artefact, out: Path) -> list[Path]:
    to_openvino(artefact.folder / MODEL, out, metadata(artefact))
    return [out.with_suffix(".bin")]


def write_executorch(artefact: Artefact, out: Path) -> list[Path]:
    shutil.copyfile(artefact.folder / export_executorch.MODEL, out)
    return []


def write_safetensors(artefact: Artefact, out: Path) -> list[Path]:
    from safetensors.torch import load_file, save_file

    said = {name: json.dumps(value, sort_keys=True) for name, value in metadata(artefact).items()}
    save_file(load_file(artefact.folder / WEIGHTS), str(out), metadata=said)
    return []


@dataclass(frozen=True)
class Target:
    """`format` and `runtime`: of the artefact that is written out; `opened_by`: the runtime that opens the file."""

    endings: tuple[str, ...]
    format: str
    runtime: str
    opened_by: str
    write: Callable[[Artefact, Path], list[Path]]


TARGETS = {
    "onnx": Target((".onnx",), "onnx", "onnxruntime", "onnxruntime", write_onnx),
    "torchscript": Target((".pt", ".ts", ".pth"), "torchscript", "torchscript", "torchscript", write_torchscript),
    "openvino": Target((".xml",), "openvino", "openvino", "openvino", write_openvino),
    "executorch": Target((".pte",), "executorch", "executorch", "executorch", write_executorch),
    "safetensors": Target((".safetensors",), "module", "eager", "eager", write_safetensors),
}


def target_of(to: str, out: Path) -> Target:
    """Raises UnknownName or UsageError: known before anything is made."""
    if to not in TARGETS:
        raise UnknownName("format", to, TARGETS)
    found = TARGETS[to]
    if out.suffix not in found.endings:
        raise UsageError(f"--out {out}: a file for {to} ends in {' or '.join(found.endings)}")
    return found


def format_for(runtime: str) -> str:
    """What this runtime opens as a file of its own; safetensors, the bare weights, where it has none."""
    return next((name for name, target in TARGETS.items() if target.opened_by == runtime), "safetensors")


def check_place(out: Path) -> None:
    """Makes the folder. Raises UsageError where `out` can't be written there: known before anything is made."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: can't be written: {error.strerror}") from None
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        raise UsageError(f"--out {out}: can't be written: {'it is a folder' if out.is_dir() else 'no permission'}")


def deploy(artefact: Artefact, cell: Cell, to: str, out: Path) -> Deployable:
    """Writes `out`, what stands beside it, and its companion. Raises BackbenchError where it can't be written."""
    target = target_of(to, out)
    with writing(out):
        beside = target.write(artefact, out)
        found = described(out, beside, target.format, cell, artefact)
        write_companion(out, found)
    return found


def write_companion(out: Path, found: Deployable) -> None:
    companion(out).write_text(found.model_dump_json(indent=1), encoding="utf-8")


def remove(out: Path, found: Deployable) -> None:
    """The file, what stands beside it, and its companion."""
    for name in (*(file.name for file in found.files), companion(out).name):
        (out.parent / name).unlink(missing_ok=True)
