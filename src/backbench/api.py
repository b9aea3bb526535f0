"""The public functions: what the command line does, from Python.

    import backbench
    record = backbench.measure("resnet20", dataset="digits", recipe="digits-quick")
    backbench.write_report("runs/mine")

A network of one's own goes in as a function that builds it (`def net(num_classes, in_channels): …`, importable), or
by its
reference `"package.module:function"`; measuring happens in fresh processes, which import it themselves.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import DataError, Skip, UsageError
from backbench.settings import Settings

if TYPE_CHECKING:
    from backbench.artefacts.artefact import Artefact
    from backbench.artefacts.deployable import Deployable
    from backbench.pipeline import Progress
    from backbench.records.schema import Gate, Predictions, Record
    from backbench.spec.cell import Cell
    from backbench.spec.study import Study
    from backbench.statistics.accuracy import Proportion
    from backbench.training.store import TrainedWeights

Builder = Callable[..., Any]


def silent(progress: Progress) -> None:
    """Shows nothing."""


def run(
    study: Study | Mapping[str, Any] | Path | str,
    out: Path | str,
    *,
    settings: Settings | None = None,
    progress: Callable[[Progress], None] = silent,
) -> list[Record]:
    """Runs a study (a file, plain data or a Study) into the folder `out`; its records in the study's order.

    Raises UsageError before anything runs. A cell that failed has a record that says why.
    """
    from backbench.pipeline import run_study

    return run_study(as_study(study), Path(out), settings or Settings(), progress)


def measure(
    model: str | Builder,
    *,
    dataset: str = "digits",
    out: Path | str | None = None,
    settings: Settings | None = None,
    progress: Callable[[Progress], None] = silent,
    **fields: Any,
) -> Record:
    """One cell, measured. `fields` are the cell's others and `protocol`: runtime, technique, recipe, weights,
    batch, …
    """
    study = {"name": "measure", "fixed": {"model": reference(model), "dataset": dataset, **fields}}
    with tempfile.TemporaryDirectory(prefix="backbench-") as scratch:
        return run(study, out or scratch, settings=settings, progress=progress)[0]


@dataclass(frozen=True)
class Evaluation:
    """What the runtime predicts on the test part, and whether its outputs are the reference's."""

    cell: Cell
    artefact: Artefact
    gate: Gate
    predictions: Predictions | None
    reason: str | None  # why there is no accuracy


def evaluate(
    model: str | Builder,
    *,
    dataset: str,
    settings: Settings | None = None,
    progress: Callable[[str], None] = lambda text: None,
    **fields: Any,
) -> Evaluation:
    """Gate and accuracy of one cell, with no timing. Raises what the cell failed with."""
    from backbench.artefacts.artefact import Artefact
    from backbench.execute import cell_jobs
    from backbench.execute.local import LocalExecutor
    from backbench.measuring.check import CheckResult

    settings = settings or Settings()
    cell = one_cell(reference(model), dataset, settings, fields)
    with LocalExecutor() as executor:
        done = cell_jobs.prepare(executor, cell, settings, progress).value()
        artefact = Artefact.open(Path(done["folder"]))
        check = CheckResult.model_validate(cell_jobs.check(executor, cell, artefact, settings).value())
    return Evaluation(cell, artefact, check.gate, check.predictions, check.reason)


@dataclass(frozen=True)
class Training:
    """Trained weights and what they predict on the test part, which was read once, after everything was chosen."""

    weights: TrainedWeights
    correct: int
    n: int

    def interval(self) -> Proportion:
        """Wilson's interval of the test accuracy."""
        from backbench.statistics.accuracy import wilson

        return wilson(self.correct, self.n)

    def sentence(self) -> str:
        share = self.interval()
        return (
            f"{share.estimate:.2%} [{share.low:.2%}, {share.high:.2%}] ({self.correct} of {self.n} images, 95 % Wilson)"
        )

    def data(self) -> dict[str, Any]:
        share = self.interval()
        test = {"correct": self.correct, "n": self.n, "accuracy": share.estimate, "low": share.low, "high": share.high}
        return {"weights": str(self.weights.path), "test": test, "training": self.weights.about}


def train(
    model: str | Builder,
    *,
    dataset: str,
    recipe: str = "cifar10",
    seed: int = 0,
    weights: str | None = None,
    input: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    out: Path | str | None = None,
    settings: Settings | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Training:
    """Trains (or finds) the weights, copies them to `out`, and evaluates the test part once.

    Raises UsageError or DataError before it begins, TrainingDiverged for a loss that is no number.
    """
    import torch

    from backbench.training.store import evaluate_on_test, train_cached

    settings = settings or Settings()
    fields = {"recipe": recipe, "seed": seed, "weights": weights, "input": input, "device": device}
    cell = one_cell(reference(model), dataset, settings, fields)
    torch.set_num_threads(threads or os.cpu_count() or 1)
    trained = train_cached(
        cell.model,
        cell.dataset,
        recipe,
        seed=seed,
        weights=cell.weights,
        input=cell.input,
        device=device,
        settings=settings,
        tell=progress,
    )
    if out is not None:
        copy_file(trained.path, Path(out))
    return Training(trained, *evaluate_on_test(trained, cell.model, cell.dataset, settings))


def copy_file(source: Path, target: Path) -> None:
    """Raises UsageError where it can't be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise UsageError(f"{target}: can't be written: {error.strerror}") from None


@dataclass(frozen=True)
class Prediction:
    """The likeliest classes of one image, with their softmax."""

    path: Path
    classes: tuple[tuple[str, float], ...]


def predict(
    images: Sequence[Path | str],
    model: str | Builder,
    *,
    dataset: str,
    top: int = 5,
    settings: Settings | None = None,
    **fields: Any,
) -> list[Prediction]:
    """The likeliest classes of each image, preprocessed as the network's test images are."""
    from backbench.artefacts.prepare import prepare
    from backbench.catalogue import runtime_of

    settings = settings or Settings()
    cell = one_cell(reference(model), dataset, settings, fields)
    pixels = [read_image(Path(path)) for path in images]
    runtime = runtime_of(cell)
    artefact = prepare(cell, settings, lambda text: None, format=runtime.format)
    with runtime.open(artefact, cell.device, cell.threads) as session:
        logits = [session.predict(artefact.preprocessing([image]))[0] for image in pixels]
    return [
        Prediction(Path(path), likeliest(row, artefact.classes, top)) for path, row in zip(images, logits, strict=True)
    ]


def export(
    model: str | Builder,
    *,
    to: str,
    out: Path | str,
    dataset: str = "random",
    settings: Settings | None = None,
    progress: Callable[[str], None] = lambda text: None,
    **fields: Any,
) -> Deployable:
    """Writes the network as a deployable file, opens that file again, and compares it with eager on the dataset's images.

    `to`: onnx, torchscript, openvino, executorch or safetensors. Raises GateMissed, and leaves no file, where the
    outputs are not eager's.
    """
    from backbench.artefacts.artefact import Artefact
    from backbench.artefacts.deploy import check_place, deploy, remove, target_of, write_companion
    from backbench.errors import GateMissed
    from backbench.execute import cell_jobs
    from backbench.execute.local import LocalExecutor
    from backbench.measuring.gate import misses

    settings, out = settings or Settings(), Path(out)
    target = target_of(to, out)
    check_place(out)
    cell = one_cell(reference(model), dataset, settings, {**fields, "runtime": target.runtime})
    with LocalExecutor() as executor:
        done = cell_jobs.prepare(executor, cell, settings, progress).value()
    found = deploy(Artefact.open(Path(done["folder"])), cell, to, out)
    compared = reopened(out, cell, settings)
    if not compared.passed:
        remove(out, found)
        missed = ", ".join(misses(compared, found.artefact.trained))
        raise GateMissed(f"{out}: the file's outputs are not eager's, so it was not kept: {missed}")
    found = found.model_copy(update={"comparison": compared})
    write_companion(out, found)
    return found


def reopened(path: Path, cell: Cell, settings: Settings) -> Gate:
    """The exported file through its own runtime, against the reference that it carries."""
    from backbench.artefacts.imported import imported
    from backbench.catalogue import runtime_of
    from backbench.measuring.gate import gate, row_of

    runtime = runtime_of(cell)
    artefact = imported(path, cell, settings, (runtime.format, *runtime.also))
    with runtime.open(artefact, cell.device, cell.threads) as session:
        batch = artefact.input[0] or cell.batch
        inputs, expected = artefact.load_inputs(), artefact.load_reference()
        return gate(session, inputs, expected, row_of(runtime, artefact), batch, artefact.trained)


def write_report(*folders: Path | str, out: Path | str | None = None) -> list[Path]:
    """Writes report.md, report.html and report.csv of these run folders into `out` (the first folder unless said)."""
    from backbench.report import writing

    if not folders:
        raise UsageError("report: name at least one folder of a run")
    return writing.write_report(Path(out or folders[0]), [Path(folder) for folder in folders])


def one_cell(model: str, dataset: str, settings: Settings, fields: Mapping[str, Any]) -> Cell:
    """The single cell that these fields mean. Raises SpecError; Skip where it is impossible here."""
    from backbench.catalogue import resolve
    from backbench.spec.study import expand, study_of

    stated = {name: value for name, value in fields.items() if value is not None}
    study = study_of({"fixed": {"model": model, "dataset": dataset, **stated}}, "options")
    planned = expand(study, resolve(settings), "options")[0]
    if planned.skip:
        raise Skip(planned.skip)
    return planned.cell


def reference(model: str | Builder) -> str:
    """The name that a fresh process finds the model by. Raises UsageError for what it can't import."""
    if isinstance(model, str):
        return model
    module, name = getattr(model, "__module__", "__main__"), getattr(model, "__qualname__", "")
    if module == "__main__" or "<" in name or not name:
        raise UsageError(
            f"the network's builder {name or model!r} must be importable by a fresh process: "
            "put the function into a module and pass it from there, or pass 'package.module:function'"
        )
    return f"{module}:{name}"


def as_study(study: Study | Mapping[str, Any] | Path | str) -> Study:
    from backbench.spec.study import Study, read_study, study_of

    if isinstance(study, Study):
        return study
    return study_of(study) if isinstance(study, Mapping) else read_study(Path(study))


def read_image(path: Path) -> Any:
    """The image's pixels, uint8 height × width × channels. Raises DataError."""
    from PIL import Image

    from backbench.data.preprocessing import as_array

    try:
        with Image.open(path) as picture:
            return as_array(picture if picture.mode == "L" else picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not an image that can be read: {error}") from None


def likeliest(logits: Iterable[float], classes: Sequence[str], top: int) -> tuple[tuple[str, float], ...]:
    """The `top` classes by softmax, the likeliest first."""
    import numpy as np

    scores = np.asarray(list(logits), dtype=np.float64)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return tuple((classes[place], float(shares[place])) for place in np.argsort(-shares, kind="stable")[:top])
