"""From a torch network to a deployable file: one function a format, in a table.

ONNX comes from torch's exporter (`dynamo=True`) with a batch of two as the example and any batch size allowed: with an example of one, the
exporter takes the batch for a constant in some networks. It folds batch-norm into the convolutions before it. Where a file would pass
protobuf's 2 GiB, the weights lie in `model.onnx.data` beside it.
"""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backbench.errors import BackbenchError
from backbench.records.environment import host
from backbench.registry import load, require

if TYPE_CHECKING:
    from torch import nn

MODEL = "model.onnx"
WEIGHTS = "weights.safetensors"
OPSET = 18  # the lowest that torch's exporter writes without a conversion
INLINE = 1_500_000_000  # bytes of weights that go into the file itself; protobuf ends at 2 GiB

STACK_TRACE = "pkg.torch.onnx.stack_trace"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Shape = tuple[int, int, int]  # C, H, W
Exporter = Callable[["nn.Module", Shape, Path, str], None]


def to_module(model: nn.Module, shape: Shape, folder: Path, device: str) -> None:
    """The weights alone: eager rebuilds the network from the artefact's description."""
    from backbench.models.build import save_weights

    save_weights(model, folder / WEIGHTS)


def to_onnx(model: nn.Module, shape: Shape, folder: Path, device: str) -> None:
    """`model.onnx` (and `model.onnx.data` for large networks), checked. Raises BackbenchError where it can't be exported."""
    torch = require("the export to ONNX", "torch", "torch")
    require("the export to ONNX", "onnxscript", "torch")
    from backbench.models.networks.routed import Routed

    if isinstance(model, Routed):
        model.eval().write_onnx(folder / MODEL)
        return
    example = torch.zeros(2, *shape)
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters())
    with silent():
        try:
            torch.onnx.export(
                model.eval(),
                (example,),
                str(folder / MODEL),
                dynamo=True,
                input_names=["input"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                opset_version=OPSET,
                external_data=size > INLINE,
            )
        except Exception as error:  # the exporter's errors share no base but Exception
            raise BackbenchError(f"the export to ONNX failed: {first_line(error)}") from None
    clean(folder / MODEL)
    check(folder / MODEL)


def clean(path: Path) -> None:
    """Writes the file anew without the lines of source."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    forget_sources(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def forget_sources(model: Any) -> None:
    """Takes out of a ModelProto the lines of source that made each node, which the exporter notes with their absolute
    paths: a file that is shipped names nobody's folders, and two clones write the same bytes.
    """
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        kept = [entry for entry in node.metadata_props if entry.key != STACK_TRACE]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)


def check(path: Path) -> None:
    """Raises BackbenchError where the file breaks ONNX's rules."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise BackbenchError(f"{path}: the exported graph breaks ONNX's rules: {first_line(error)}") from None


EXPORTS = {
    "module": "backbench.artefacts.export:to_module",
    "onnx": "backbench.artefacts.export:to_onnx",
    "torchscript": "backbench.artefacts.export_torchscript:to_torchscript",
    "aotinductor": "backbench.artefacts.export_aotinductor:to_aotinductor",
    "executorch": "backbench.artefacts.export_executorch:to_executorch",
}
COMPILED = ("aotinductor",)  # for one device and one kind of processor: files that are no other machine's


def exporter(format: str) -> Exporter:
    """Writes a network of one input shape into a folder, for a device."""
    if format not in EXPORTS:
        raise BackbenchError(f"nothing exports to the format {format!r}; allowed: {', '.join(EXPORTS)}")
    found: Exporter = load(EXPORTS[format])
    return found


def target(format: str, device: str) -> dict[str, Any]:
    """What a file of this format depends on besides the network: nothing, or where it was compiled for."""
    if format not in COMPILED:
        return {}
    known = host()
    return {
        "target": {"device": device.partition(":")[0], "cpu": known["cpu"], "isa": known["isa"], "gpu": known["gpu"]}
    }


def embed(source: Path, target: Path, metadata: Mapping[str, Any]) -> None:
    """`source` with labels, preprocessing and provenance inside (`metadata_props`), so that it can be used alone."""
    import onnx

    model = onnx.load(source, load_external_data=False)
    onnx.helper.set_model_props(model, {key: json.dumps(value, sort_keys=True) for key, value in metadata.items()})
    target.write_bytes(model.SerializeToString())


def opset(path: Path) -> int:
    """The version of ONNX's own operators that the file uses."""
    import onnx

    imports = onnx.load(path, load_external_data=False).opset_import
    return int(next(entry.version for entry in imports if entry.domain in ("", "ai.onnx")))


def first_line(error: BaseException) -> str:
    """What was wrong at the bottom: the exporter wraps the cause in advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in COLOURS.sub("", str(error)).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


@contextmanager
def silent() -> Iterator[None]:
    """The exporter prints its steps and logs what it skipped; known warnings of its insides are filtered by message."""
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        for message in KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            exporter_log.setLevel(level)


KNOWN_WARNINGS = (
    ".*isinstance\\(treespec, LeafSpec\\).*",
    ".*`isinstance\\(.*LeafSpec.*",
    ".*torch.export.*is deprecated.*",
)
