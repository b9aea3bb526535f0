"""`backbench trunk`: import the published trees, grow one's own, look at them, and ship them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbench.cli.options import DataRoot, Download, Json, settings_of
from backbench.errors import UsageError

if TYPE_CHECKING:
    from backbench.trunk.tree import Tree


def folder_of(tree: str) -> Path:
    """The folder, or that of the shipped tree of this name."""
    from backbench.trunk.store import place_of

    return place_of(tree)


app = typer.Typer(help="TRUNK: trees of small networks.", no_args_is_help=True)
TreeFolder = Annotated[
    Path,
    typer.Argument(
        metavar="TREE", parser=folder_of, help="A folder with tree.json and weights.safetensors, or a shipped tree."
    ),
]
Dataset = Annotated[str, typer.Option(help="A dataset's name or folder.")]
Recipe = Annotated[
    str, typer.Option(help="A recipe's name or file; the published hyper-parameter files are recipes, too.")
]
Seed = Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")]


@app.command("import")
def import_published(
    folder: Annotated[Path, typer.Argument(help="The published layout: state dicts and JSON trees.")],
    out: Annotated[Path | None, typer.Option(help="The folder for the tree; default trunk-NAME.")] = None,
) -> None:
    """Convert a published tree to safetensors and JSON; nothing is unpickled but tensors."""
    from backbench.trunk.published import import_published as read
    from backbench.trunk.store import save
    from backbench.trunk.tables import summary

    tree, network = read(folder)
    target = out or Path(f"trunk-{tree.provenance['dataset']}-published")
    save(target, tree, network)
    typer.echo(f"{target}: {summary(tree)}")


@app.command()
def show(
    folder: TreeFolder,
    leaves: Annotated[bool, typer.Option("--leaves", help="Each class with its path and cost.")] = False,
    label: Annotated[str | None, typer.Option("--class", help="Membership of this class, node by node.")] = None,
    latency: Annotated[bool, typer.Option("--latency", help="Time each path, eager, batch 1.")] = False,
    threads: Annotated[int, typer.Option(help="Threads for --latency.")] = 1,
    picture: Annotated[Path | None, typer.Option(help="Write the tree's picture to this SVG file.")] = None,
    as_json: Json = False,
) -> None:
    """Print best path, class mean and worst path of a tree: MACs, weights, peak activations, latency."""
    from backbench.trunk.cost import costs, second_thoughts
    from backbench.trunk.latency import path_latencies
    from backbench.trunk.picture import svg
    from backbench.trunk.store import open_network
    from backbench.trunk.tables import class_membership, leaf_table, path_table, summary

    tree, network = open_network(folder)
    found = costs(tree, network)
    seconds = path_latencies(tree, network, threads) if latency else None
    if picture is not None:
        notes = {
            name: f"{cost.macs / 1e6:.1f} M MACs, {cost.weights / 1e6:.2f} MB" for name, cost in found.nodes.items()
        }
        write(picture, svg(tree, notes))
    if as_json:
        data = {"summary": summary(tree), "paths": found.data(), "stored_bytes": found.stored, "latency_s": seconds}
        typer.echo(json.dumps({**data, "second_thoughts_macs": second_thoughts(tree, found)}, indent=1))
        return
    typer.echo(f"{folder}: {summary(tree)}\n")
    typer.echo(path_table(tree, found, seconds))
    typer.echo(f"all nodes: {found.stored / 1e6:.3f} MB of weights stay resident")
    if tree.routing.second:
        worst = second_thoughts(tree, found) / 1e6
        typer.echo(f"below a share of {tree.routing.second:g} a second child is visited: at most {worst:.2f} M MACs")
    if leaves:
        typer.echo("\n" + leaf_table(tree, found))
    if label is not None:
        typer.echo("\n" + class_membership(tree, class_number(tree, label)))


@app.command()
def grow(
    dataset: Dataset,
    recipe: Recipe,
    out: Annotated[Path | None, typer.Option(help="The folder for the tree; default trunk-DATASET-RECIPE.")] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads; default all processors.")] = None,
    data_root: DataRoot = None,
    download: Download = False,
    as_json: Json = False,
) -> None:
    """Grow a tree: select on a held-out part of train, evaluate once on test. The same command continues after a kill."""
    from backbench.execute.local import wait_shortly
    from backbench.spec.choice import Choice
    from backbench.statistics.accuracy import wilson
    from backbench.trunk.grow import grow_tree
    from backbench.trunk.tables import summary

    wait_shortly()  # torch is not loaded yet
    set_threads(threads)
    done = grow_tree(
        Choice.parse(dataset), recipe, out=out or Path(f"trunk-{Path(dataset).name}-{Path(recipe).stem}"),
        settings=settings_of(data_root, download), seed=seed, device=device,
        tell=lambda text: typer.echo(text, err=True),
    )  # fmt: skip
    share = wilson(done.correct, done.n)
    if as_json:
        test = {"correct": done.correct, "n": done.n, "accuracy": share.estimate, "low": share.low, "high": share.high}
        typer.echo(json.dumps({"folder": str(done.folder), "test": test, "steps": done.about}))
        return
    typer.echo(f"{done.folder}: {summary(done.tree)}")
    typer.echo(
        f"test top-1 {share.estimate:.2%} [{share.low:.2%}, {share.high:.2%}]"
        f" ({done.correct} of {done.n} images, 95 % Wilson; seed {seed})"
    )


@app.command()
def likelihood(
    folder: TreeFolder,
    untrained: Annotated[bool, typer.Option("--untrained", help="Of the root before it was trained.")] = False,
    volatility: Annotated[float | None, typer.Option(help="Print the groups at this volatility, too.")] = None,
    both: Annotated[
        bool, typer.Option("--both", help="Group on the mean of both triangles, not the upper alone.")
    ] = False,
) -> None:
    """Print the root's averaged softmax likelihood, and the groups that a volatility makes of it."""
    from backbench.trunk.grouping import group
    from backbench.trunk.growth_folder import root_likelihood
    from backbench.trunk.store import open_tree
    from backbench.trunk.tables import likelihood_table, membership_table

    tree, found = open_tree(folder), root_likelihood(folder, untrained)
    typer.echo(likelihood_table(found, tree.classes))
    if volatility is not None:
        typer.echo(membership_table(group(found, volatility, both=both), tree.classes))


@app.command()
def ablation(
    dataset: Dataset,
    recipe: Recipe,
    out: Annotated[Path, typer.Option(help="The folder for likelihood, trees, table and plot.")],
    first: Annotated[float, typer.Option("--from", help="The least volatility.")] = 0.6,
    last: Annotated[float, typer.Option("--to", help="The greatest.")] = 1.2,
    step: Annotated[float, typer.Option(help="Between two.")] = 0.03,
    epochs: Annotated[
        int | None, typer.Option(help="Shorten every phase to this many epochs; named so in the result.")
    ] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads; default all processors.")] = None,
    data_root: DataRoot = None,
) -> None:
    """Sweep the grouping volatility on one saved likelihood, train each distinct tree, and plot held-out accuracy."""
    from backbench.data import load_dataset
    from backbench.spec.choice import Choice
    from backbench.trunk.ablation import ablate, points_table, shortened, volatilities
    from backbench.trunk.grow import start
    from backbench.trunk.plot import svg
    from backbench.trunk.recipe import Phased, load_grow_recipe

    values, how, settings = volatilities(first, last, step), load_grow_recipe(recipe), settings_of(data_root)
    if not isinstance(how, Phased):
        raise UsageError(f"recipe {recipe!r} is of method {how.method!r}; the ablation is of the phased method")
    set_threads(threads)
    images, named = load_dataset(Choice.parse(dataset), settings), Choice.parse(dataset)
    tell = lambda text: typer.echo(text, err=True)  # noqa: E731
    begin = start(images, named, shortened(how, epochs), seed, out, device, settings, tell)
    points = ablate(begin, values)
    length = "" if epochs is None else f", schedules shortened to {epochs} epochs a phase"
    title = f"{images.title}: held-out accuracy over volatility, two-level trees{length}"
    write(out / "ablation.svg", svg(points, title))
    write(out / "ablation.json", json.dumps({"title": title, "points": [point.data() for point in points]}, indent=1))
    write(out / "ablation.md", f"{title}; seed {seed}\n\n{points_table(points)}")
    typer.echo(f"{title}\n\n{points_table(points)}")


@app.command()
def confusion(
    folder: TreeFolder,
    dataset: Dataset,
    out: Annotated[Path | None, typer.Option(help="Write the matrix to this CSV file.")] = None,
    data_root: DataRoot = None,
    as_json: Json = False,
) -> None:
    """Print the confusion matrix of the test part: every image, those that went astray at an inner node too."""
    from backbench.trunk.growth_folder import test_predictions
    from backbench.trunk.tables import confusion as matrix_of
    from backbench.trunk.tables import confusion_csv, confusion_table

    tree, labels, predicted = test_predictions(folder, dataset, settings_of(data_root))
    matrix = matrix_of(labels, predicted, len(tree.classes))
    if out is not None:
        write(out, confusion_csv(matrix, tree.classes))
    right = int(matrix.trace())
    if as_json:
        typer.echo(json.dumps({"classes": tree.classes, "matrix": matrix.tolist(), "correct": right, "n": len(labels)}))
        return
    typer.echo(confusion_table(matrix, tree.classes))
    typer.echo(
        f"{right} of {len(labels)} right: {right / len(labels):.2%}; the matrix holds {int(matrix.sum())} images"
    )


@app.command()
def export(
    folder: TreeFolder,
    out: Annotated[Path, typer.Option(help="The folder for the files.")],
    form: Annotated[
        str, typer.Option(help="graph (one ONNX file with If), nodes (one a node) or torchscript.")
    ] = "graph",
    int8: Annotated[bool, typer.Option("--int8", help="Integer kernels; calibrated on images of --dataset.")] = False,
    dataset: Annotated[str | None, typer.Option(help="Whose train images calibrate.")] = None,
    images: Annotated[int, typer.Option("--calibration", help="How many of them.")] = 512,
    data_root: DataRoot = None,
) -> None:
    """Write a tree as it is shipped, batch-norm folded."""
    from backbench.trunk.export import export as write_form
    from backbench.trunk.growth_folder import calibration_images
    from backbench.trunk.store import open_network

    if int8 and dataset is None:
        raise UsageError("trunk export --int8: name the --dataset whose train images calibrate it")
    tree, network = open_network(folder)
    given = calibration_images(folder, str(dataset), images, settings_of(data_root)) if int8 else None
    for path in write_form(tree, network, form, out, given):
        typer.echo(f"{path}  {path.stat().st_size / 1e6:.3f} MB")


@app.command()
def pack(folder: TreeFolder, out: Annotated[Path, typer.Option(help="The folder for the packed tree.")]) -> None:
    """Keep a tree small: weights in 16 bits and the journal of its growth, without checkpoints."""
    from backbench.trunk.pack import pack as write_packed

    path = write_packed(folder, out)
    typer.echo(f"{path}  {path.stat().st_size / 1e6:.3f} MB")


def write(path: Path, text: str) -> None:
    """Raises UsageError where it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from None


def class_number(tree: Tree, label: str) -> int:
    from backbench.errors import UnknownName

    if label not in tree.classes:
        raise UnknownName("class", label, tree.classes)
    return tree.classes.index(label)


def set_threads(threads: int | None) -> None:
    import os

    from backbench.registry import require

    require("growing a tree", "torch", "torch").set_num_threads(threads or os.cpu_count() or 1)
