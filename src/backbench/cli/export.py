"""`backbench export`: a deployable file with what belongs to it, checked and compared with eager."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from backbench.cli.options import DataRoot, Download, InputShape, Json, settings_of


def export(
    model: Annotated[str, typer.Argument(help="A model's name, or package.module:function.")],
    to: Annotated[str, typer.Option(help="onnx, torchscript, openvino, executorch or safetensors.")],
    out: Annotated[Path, typer.Option(help="The file to write; OUT.json beside it says what it is.")],
    dataset: Annotated[
        str, typer.Option(help="Whose classes are the labels and whose images the comparison takes; noise unless said.")
    ] = "random",
    weights: Annotated[str | None, typer.Option(help="random, pretrained or a file.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Train with this recipe first.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of training and of random weights.")] = 0,
    technique: Annotated[str, typer.Option(help="A chain of techniques.")] = "none",
    input: InputShape = None,
    data_root: DataRoot = None,
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Write a network as a deployable file with labels, preprocessing, provenance and checksums; compare it with eager."""
    from backbench.api import export as export_file
    from backbench.artefacts.deployable import companion

    found = export_file(
        model, to=to, out=out, dataset=dataset, weights=weights, recipe=recipe, seed=seed, technique=technique,
        input=input, settings=settings_of(data_root, download), progress=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    if as_json:
        about = found.model_dump(mode="json", exclude={"reference"})
        typer.echo(json.dumps({"path": str(out), **about}))
        return
    gate = found.comparison
    assert gate is not None
    for file in found.files:
        typer.echo(f"{out.parent / file.name}: {file.bytes / 1e6:.2f} MB, SHA-256 {file.sha256}")
    typer.echo(f"{companion(out)}: labels, preprocessing, provenance, and eager's outputs")
    typer.echo(
        f"against eager on {gate.n} images of {found.artefact.inputs['dataset']['title']}: "
        f"arg-max agreement {gate.agreement:.1%}, largest error {gate.max_error:.2g} of the reference's scale"
        + ("" if found.artefact.trained else "; the head was never trained on these classes")
    )
    typer.echo(f"measure it, here or elsewhere: backbench run --artefact {out}")
