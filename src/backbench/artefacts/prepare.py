"""From a cell to its artefact: data → weights → techniques → export → graph techniques → evidence.

The artefact's id is the hash of what its inputs contain (the images' and the weights' checksums, the options, the seed) and of the versions
that make something of them. A finished artefact is found by that id without building anything; since the id is computed anew from the
content each time, what is found can't be stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import backbench
from backbench.artefacts.artefact import Artefact
from backbench.artefacts.cost import cost, file_parameters
from backbench.artefacts.evidence import file_facts, step
from backbench.artefacts.export import MODEL, embed, opset, target
from backbench.artefacts.network import INPUT_FILES, Plan, about, export_folder, export_place, network_folder
from backbench.artefacts.origin import origin, source_sha256
from backbench.artefacts.store import DATA, artefact_folder, describe, find, link, once
from backbench.data import load_dataset
from backbench.errors import BackbenchError, Skip
from backbench.records.environment import packages
from backbench.registry import require
from backbench.settings import Settings
from backbench.spec.cell import Cell, digest
from backbench.techniques import REGISTRY
from backbench.techniques.chain import check_order, content, of_stage, trains

PACKAGES = ("torch", "timm", "torchvision", "onnx", "onnxscript", "onnxruntime", "torch-pruning")
MAKERS = ("artefacts", "models", "techniques", "trunk")  # folders whose code decides what an artefact holds


def prepare(cell: Cell, settings: Settings, progress: Callable[[str], None], *, format: str) -> Artefact:
    """The cell's artefact in its runtime's format, made where it is not there.

    Raises UsageError, DataError, WeightsError, TrainingDiverged, Skip, or BackbenchError where it can't be exported or stored.
    """
    if format not in FORMATS:
        raise BackbenchError(f"nothing exports to the format {format!r}; allowed: {', '.join(FORMATS)}")
    plan = planned(cell, settings, progress)
    key = {**plan.key, "format": format, "technique": dump(cell.technique), **target(format, cell.device)}
    found = find(settings.cache, digest(key))
    if found is not None:
        return found
    folder = artefact_folder(settings.cache, digest(key))
    once(folder, lambda draft: FORMATS[format](plan, key, draft))
    return Artefact.open(folder)


def planned(cell: Cell, settings: Settings, progress: Callable[[str], None]) -> Plan:
    """Reads the data and the weights' identity; trains where the cell names a recipe. Builds nothing else."""
    from backbench.models.build import default_preprocessing

    require(f"preparing {cell.model}", "torch", "torch")
    check_order(cell.technique)
    progress(f"{cell.dataset}: load")
    dataset = load_dataset(cell.dataset, settings)
    preprocessing = default_preprocessing(cell.model, dataset, cell.input, weights=cell.weights)
    source = origin(cell, dataset, settings, progress)
    key = {
        "model": cell.model.model_dump(mode="json"),
        "source": source_sha256(cell.model.name),
        "weights": source.identity,
        "dataset": dataset.checksum,
        "classes": digest(list(dataset.classes)),
        "preprocessing": preprocessing.model_dump(mode="json"),
        "recipe": cell.recipe,
        "seed": cell.seed,
        "technique": dump(of_stage(cell.technique, "module")),
        "named": content(of_stage(cell.technique, "module")),
        "versions": versions(),
    }
    return Plan(cell, dataset, preprocessing, source, key, settings, progress)


def network_artefact(plan: Plan, key: dict[str, Any], folder: Path) -> None:
    """The network as weights, or as another library's file. Raises Skip for techniques that work on an exported ONNX file."""
    graph = of_stage(plan.cell.technique, "graph")
    if graph:
        raise Skip(
            f"technique {graph[0].name} works on an exported file, and runtime {plan.cell.runtime.name} has none"
        )
    network = network_folder(plan)
    exported = network if key["format"] == "module" else export_folder(plan, key["format"])
    for name in INPUT_FILES:
        link(network / name, folder / name)
    for path in exported.iterdir():
        if path.name.endswith(DATA):
            link(path, folder / path.name)
    known = about(network)
    finish(plan, key, folder, known["parameters"], cost(known["macs"], second_counter(plan)), known["steps"])


def second_counter(plan: Plan) -> Path | str:
    """The exported graph, or why there is none."""
    before = plan.before_techniques()
    same = masks_alone(about(network_folder(plan))["steps"]) and export_place(before, "onnx").is_dir()
    try:
        return export_folder(before if same else plan, "onnx") / MODEL
    except BackbenchError as error:
        return f"MACs were counted by torch alone: {error}"


def masks_alone(steps: list[dict[str, Any]]) -> bool:
    """Masks change values and no shape: the graph before them has the same MACs, and is a minute of work in a large network."""
    return all(step["notes"].get("masks") for step in steps)


def onnx_artefact(plan: Plan, key: dict[str, Any], folder: Path) -> None:
    """The exported graph with its techniques applied, and labels, preprocessing and provenance inside."""
    network, exported = network_folder(plan), export_folder(plan, "onnx")
    for name in INPUT_FILES:
        link(network / name, folder / name)
    known = about(network)
    last, steps = apply_graph(plan, exported / MODEL, folder)
    embed(last, folder / MODEL, metadata(plan, key))
    for data in last.parent.glob(f"{MODEL}.data"):
        link(data, folder / data.name)
    for used in folder.glob("step-*"):
        used.unlink()
    parameters = {**file_parameters(folder / MODEL), "trainable": known["parameters"]["trainable"]}
    finish(plan, key, folder, parameters, cost(known["macs"], exported / MODEL), [*known["steps"], *steps])


FORMATS: dict[str, Callable[[Plan, dict[str, Any], Path], None]] = {
    "module": network_artefact,
    "onnx": onnx_artefact,
    "torchscript": network_artefact,
    "aotinductor": network_artefact,
    "executorch": network_artefact,
}


def apply_graph(plan: Plan, source: Path, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The file after the last technique, and the evidence of each."""
    steps = []
    for number, choice in enumerate(of_stage(plan.cell.technique, "graph")):
        plan.progress(f"{plan.cell.model}: {choice.name}")
        target, context = folder / f"step-{number}.onnx", plan.context()
        REGISTRY.build(choice).apply_file(source, target, context)
        steps.append(step(choice, "graph", file_facts(source), file_facts(target), context.notes))
        source = target
    return source, steps


def metadata(plan: Plan, key: dict[str, Any]) -> dict[str, Any]:
    """What the exported file says of itself."""
    return {
        "labels": list(plan.dataset.classes),
        "preprocessing": plan.preprocessing.model_dump(mode="json"),
        "provenance": {"artefact": digest(key), **key, "dataset_title": plan.dataset.title},
    }


def finish(
    plan: Plan,
    key: dict[str, Any],
    folder: Path,
    parameters: dict[str, int],
    costs: dict[str, Any],
    steps: list[dict[str, Any]],
) -> None:
    """Writes artefact.json, last."""
    files = describe(folder)
    artefact = Artefact(
        id=digest(key),
        key=key,
        format=key["format"],
        model=plan.cell.model,
        technique=plan.cell.technique,
        num_classes=len(plan.dataset.classes),
        in_channels=plan.preprocessing.channels,
        input=(0, *plan.shape),
        preprocessing=plan.preprocessing,
        classes=plan.dataset.classes,
        files=files,
        trained=plan.origin.trained or trains(plan.cell.technique),
        parameters=parameters,
        cost=costs,
        evidence={"steps": steps},
        training=plan.origin.training,
        inputs=inputs(plan, next(file.sha256 for file in files if file.deployable)),
        opset=opset(folder / MODEL) if key["format"] == "onnx" else None,
    )
    (folder / "artefact.json").write_text(artefact.model_dump_json(indent=1))


def inputs(plan: Plan, stored: str) -> dict[str, Any]:
    """What the artefact was made from, for the record. Weights that no file holds are named by the stored file's hash."""
    data = plan.dataset
    named = {"name": data.name, "title": data.title, "sha256": data.checksum, "encoding": data.encoding}
    return {
        "weights": {**plan.origin.identity, "stored_sha256": stored},
        "dataset": {**named, "n": len(data.test), "provenance": data.provenance},
        "preprocessing": plan.preprocessing.model_dump(mode="json"),
        "versions": plan.key["versions"],
    }


def dump(chain: Any) -> list[dict[str, Any]]:
    return [choice.model_dump(mode="json") for choice in chain]


@cache
def versions() -> dict[str, str]:
    """Of the tools that make artefacts; backbench's own stands with the hash of the code that makes them."""
    return {"backbench": f"{backbench.__version__}+{code_sha256()[:12]}", **packages(PACKAGES)}


def code_sha256() -> str:
    """Of every source file that decides what an artefact holds: a change of code never serves an old artefact."""
    root, code = Path(backbench.__file__).parent, hashlib.sha256()
    for path in sorted(path for folder in MAKERS for path in (root / folder).rglob("*.py")):
        code.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return code.hexdigest()
