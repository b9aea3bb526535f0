"""An artefact from a file instead of from a network: what `backbench run --artefact F` measures.

A file of `backbench export` brings its companion. An ONNX file from elsewhere brings nothing: see `foreign`. Neither
needs torch, but for weights that are a network's (safetensors).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.deployable import Deployable, check_files, companion, moments, read
from backbench.artefacts.foreign import foreign
from backbench.artefacts.network import INPUT_SEED
from backbench.artefacts.store import artefact_folder, describe, once
from backbench.data import load_dataset
from backbench.data.inputs import test_batch
from backbench.errors import DataError, UsageError, WeightsError
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest

NAMES = {
    "onnx": "model.onnx",
    "torchscript": "model.pt",
    "openvino": "model.xml",
    "executorch": "model.pte",
    "module": "weights.safetensors",
}  # by format: what runtimes look for
RUNTIMES = {"onnx": "onnxruntime", "module": "eager"}  # by format, where it is not called like its runtime
SAME = 1e-3  # difference of an input's mean or deviation, in units of normalised pixels


def fields_of(path: Path) -> dict[str, Any]:
    """What the file fixes of a cell, as a study states it. Raises UsageError or WeightsError."""
    if not path.is_file():
        raise UsageError(f"--artefact {path}: there is no such file")
    found = read(path)
    if found is None:
        if path.suffix != ".onnx":
            raise UsageError(
                f"--artefact {path}: {companion(path).name} is not beside it, which `backbench export` wrote; "
                "without it only .onnx files can be measured"
            )
        return {"model": path.name, "runtime": "onnxruntime"}
    stated = found.cell.model_dump(mode="json", exclude={"runtime", "device", "threads", "batch", "boundary"})
    sides = stated.pop("input")
    stated["input"] = "x".join(map(str, sides)) if sides else None
    return {**stated, "runtime": RUNTIMES.get(found.format, found.format)}


def imported(path: Path, cell: Cell, settings: Settings, formats: Sequence[str]) -> Artefact:
    """The file as an artefact in the cache. Raises UsageError, WeightsError or DataError."""
    found = read(path)
    given = found.format if found else "onnx"
    if given not in formats:
        raise UsageError(f"--artefact {path}: runtime {cell.runtime.name} opens {' or '.join(formats)}, not {given}")
    artefact = foreign(path, cell, settings) if found is None else unpacked(path, found, cell, settings)
    fixed = artefact.input[0]
    if fixed and fixed != cell.batch:
        raise WeightsError(f"{path}: the graph was exported for batches of {fixed}, not of {cell.batch}")
    return artefact


def unpacked(path: Path, found: Deployable, cell: Cell, settings: Settings) -> Artefact:
    """The exported file with its inputs made again."""
    files = check_files(path, found)
    files_key = [file.sha256 for file in found.files]
    key = {"exported": files_key, "of": found.artefact.id, "inputs_from": cell.dataset.model_dump(mode="json")}
    place = artefact_folder(settings.cache, digest(key))

    def fill(folder: Path) -> None:
        shutil.copyfile(files[0], folder / NAMES[found.format])  # no link: the file is the user's
        for beside in files[1:]:
            name = Path(NAMES[found.format]).with_suffix(".bin").name if found.format == "openvino" else beside.name
            shutil.copyfile(beside, folder / name)
        write_inputs(folder, path, found, cell, settings)
        artefact = found.artefact.model_copy(
            update={
                "id": digest(key),
                "key": {**found.artefact.key, **key},
                "format": found.format,
                "files": describe(folder),
            }
        )
        (folder / "artefact.json").write_text(artefact.model_dump_json(indent=1))

    return Artefact.open(once(place, fill))


def write_inputs(folder: Path, path: Path, found: Deployable, cell: Cell, settings: Settings) -> None:
    """inputs, labels and reference. Raises DataError where this machine's inputs are others."""
    known, expected = found.artefact, found.reference
    dataset = load_dataset(cell.dataset, settings)
    inputs, labels, _ = test_batch(dataset, known.preprocessing, expected.n, INPUT_SEED)
    logits, stored = expected.arrays(known.num_classes)
    here = np.stack(moments(inputs)) if len(inputs) else np.empty((2, 0))
    there = np.stack([expected.mean, expected.std])
    if here.shape != there.shape or (np.abs(here - there) > SAME).any() or (labels != stored).any():
        raise DataError(
            f"{path}: the inputs that its reference was computed on can't be made from dataset {cell.dataset} here: "
            f"it was exported with {found.artefact.inputs['dataset']['title']}"
        )
    for name, array in (("inputs", inputs), ("labels", labels), ("reference", logits)):
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
