"""An ONNX file from elsewhere as an artefact: nobody says what it was trained on, so it has no accuracy.

Its reference is the graph itself, computed by ONNX Runtime with every optimisation off: the gate then says whether
optimising (or another runtime) changed the outputs. Its inputs are the dataset's, at the graph's size, normalised with the dataset's
own mean and deviation. What it says of its input is checked here, in one sentence each.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.network import INPUT_SEED, INPUTS
from backbench.artefacts.onnx_external import external_files
from backbench.artefacts.operators import operators, precision
from backbench.artefacts.store import artefact_folder, describe, once, sha256
from backbench.data import load_dataset
from backbench.data.dataset import Dataset
from backbench.data.inputs import test_batch
from backbench.data.preprocessing import Preprocessing, native_preprocessing
from backbench.errors import UsageError, WeightsError
from backbench.models.build import spread
from backbench.registry import require
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest

BATCH = 32  # of the reference
QUIET = 3  # log errors only


def foreign(path: Path, cell: Cell, settings: Settings) -> Artefact:
    """Raises WeightsError where it is no classifier of one batch of images, UsageError where its size is left open."""
    try:
        holds, beside = precision(operators(path)), external_files(path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: this is no whole ONNX file: {error}") from None
    dataset = load_dataset(cell.dataset, settings)
    session = plain_session(path)
    shape, classes = input_of(session, path, cell), classes_of(session, path)
    preprocessing = preprocessing_of(dataset, shape)
    key = {
        "given": [sha256(file) for file in (path, *beside)],
        "dataset": dataset.checksum,
        "preprocessing": preprocessing.model_dump(mode="json"),
    }
    place = artefact_folder(settings.cache, digest(key))

    def fill(folder: Path) -> None:
        shutil.copyfile(path, folder / "model.onnx")  # no link: the file is the user's
        for file in beside:
            shutil.copyfile(file, folder / file.name)
        inputs, labels, _ = test_batch(dataset, preprocessing, INPUTS, INPUT_SEED)
        arrays: dict[str, NDArray[Any]] = {
            "inputs": inputs,
            "labels": labels,
            "reference": logits(session, inputs, shape[0]),
        }
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        artefact = facts(folder, key, cell, dataset, preprocessing, shape, classes, holds)
        (folder / "artefact.json").write_text(artefact.model_dump_json(indent=1))

    return Artefact.open(once(place, fill))


def plain_session(path: Path) -> Any:
    """Every optimisation off. Raises WeightsError, which names an operator that onnxruntime does not know."""
    ort = require("reading an ONNX file", "onnxruntime", "onnxruntime")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = QUIET
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base but Exception
        raise WeightsError(f"{path}: onnxruntime can't load the graph: {str(error).strip().splitlines()[0]}") from None


def input_of(session: Any, path: Path, cell: Cell) -> tuple[int, int, int, int]:
    """N (0: any), C, H, W of the graph's one input; free sides of the image are the cell's."""
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        found = ", ".join(f"{taken.name}: {taken.type} {taken.shape}" for taken in inputs)
        raise WeightsError(f"{path}: the graph must take one float batch N × C × H × W; it takes {found}")
    asked = cell.input or (0, 0, 0, 0)
    stated = [side if isinstance(side, int) else None for side in inputs[0].shape]
    sides = [side if side is not None else asked[place] for place, side in enumerate(stated)]
    if 0 in sides[1:]:
        raise UsageError(
            f"{path}: the graph takes {inputs[0].shape}; say the free sides with --input, e.g. 1x3x224x224"
        )
    wrong = cell.input is not None and tuple(sides[1:]) != cell.input[1:]
    if wrong:
        raise UsageError(f"{path}: the graph takes {inputs[0].shape}, not --input {'x'.join(map(str, asked))}")
    return (stated[0] or 0, sides[1], sides[2], sides[3])


def classes_of(session: Any, path: Path) -> int:
    """How many logits there are for an image."""
    shape = session.get_outputs()[0].shape
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise WeightsError(f"{path}: the graph's first output must be N × classes; it is {shape}")
    return int(shape[1])


def preprocessing_of(dataset: Dataset, shape: tuple[int, int, int, int]) -> Preprocessing:
    """The dataset's own, at the graph's size and number of channels."""
    size, channels = (shape[2], shape[3]), shape[1]
    own = native_preprocessing(dataset if dataset.size else replace(dataset, size=size))
    changes = {"mean": spread(own.mean, channels), "std": spread(own.std, channels)}
    return own.model_copy(update={"size": size, "channels": channels, **changes})


def logits(session: Any, inputs: NDArray[np.float32], fixed: int) -> NDArray[np.float32]:
    """N × classes, in batches that the graph takes; the last is filled up and cut again."""
    name, batch, parts = session.get_inputs()[0].name, fixed or BATCH, []
    for start in range(0, len(inputs), batch):
        part = inputs[start : start + batch]
        filled = np.resize(part, (batch, *part.shape[1:])) if fixed else part
        parts.append(session.run(None, {name: filled})[0][: len(part)])
    return np.asarray(np.concatenate(parts), np.float32)


def facts(
    folder: Path,
    key: dict[str, Any],
    cell: Cell,
    dataset: Dataset,
    preprocessing: Preprocessing,
    shape: tuple[int, int, int, int],
    classes: int,
    holds: str,
) -> Artefact:
    """What is known of a file that says nothing of itself."""
    files = describe(folder)
    labels = dataset.classes if len(dataset.classes) == classes else tuple(map(str, range(classes)))
    named = {"name": dataset.name, "title": dataset.title, "sha256": dataset.checksum, "encoding": dataset.encoding}
    return Artefact(
        id=digest(key),
        key=key,
        format="onnx",
        model=cell.model,
        technique=cell.technique,
        num_classes=classes,
        in_channels=shape[1],
        input=shape,
        preprocessing=preprocessing,
        classes=labels,
        files=files,
        trained=False,
        parameters=counted(folder / "model.onnx"),
        cost={"counters": {}, "uncounted": [], "disputed": None, "reason": "the network behind the file is not known"},
        evidence={"steps": [], "quantized": holds == "int8"},
        training=None,
        inputs={
            "weights": {"stored_sha256": next(file.sha256 for file in files if file.name == "model.onnx")},
            "dataset": {**named, "n": len(dataset.test), "provenance": dataset.provenance},
            "reference": "the graph itself, by onnxruntime without optimisations",
        },
    )


def counted(path: Path) -> dict[str, int]:
    """Parameters of the file; none where the package that counts them is not installed."""
    if find_spec("onnx") is None:
        return {}
    from backbench.artefacts.cost import file_parameters

    return file_parameters(path)
