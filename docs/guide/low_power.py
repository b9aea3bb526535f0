# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Low-power techniques on a small network
#
# What quantization, pruning, cheaper layers, low rank, distillation and early exits do to a small convolutional network on
# scikit-learn's handwritten digits: accuracy, parameters, multiply-accumulates and bytes, each read from a record of
# [backbench](../index.md). Every claim below is checked by the cell that stands under it: the notebook fails where one
# does not hold. It runs in under two minutes on two cores, and downloads nothing.
#
# The networks are in [small_nets.py](small_nets.py). `plain` is what one learns first: two convolutions, and two linear
# layers over all positions. Latency is left out here: networks this small say nothing about it. The
# [tutorial](../tutorial.md) measures it.

# %%
import tempfile
import warnings
from pathlib import Path

import torch
from IPython.display import Markdown

import backbench
from backbench.settings import Settings
from backbench.spec.choice import Choice
from backbench.statistics.accuracy import mcnemar, wilson
from backbench.trunk.cost import costs
from backbench.trunk.grow import grow_tree
from backbench.trunk.store import open_network
from backbench.trunk.tables import path_table

warnings.filterwarnings("ignore", message="IProgress not found")  # a progress bar that no one looks at
FOLDER = Path(tempfile.mkdtemp())
FIXED = {"dataset": "digits", "seed": 0, "threads": 1, "runtime": "onnxruntime", "protocol": "screen"}
FACTS = ["accuracy", "size", "parameters", "nonzero", "macs"]


def study(name, models, techniques, recipe="digits-quick"):
    """The records of models × techniques, in that order."""
    fixed = FIXED if recipe is None else {**FIXED, "recipe": recipe}
    axes = {"model": [f"small_nets:{model}" for model in models], "technique": list(techniques)}
    records = backbench.run({"name": name, "fixed": fixed, "axes": axes, "metrics": FACTS}, FOLDER / name)
    for record in records:
        assert record.status == "ok", record.reason
    return records


# %%
def table(records):
    """One row a record. Intervals are Wilson's, 95 %."""
    rows = [
        "| | accuracy % | 95 % interval | parameters | not zero | MACs | file, kB |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, record in records.items():
        right = record.predictions.correct()
        share = wilson(int(right.sum()), len(right))
        rows.append(
            f"| `{name}` | {share.estimate:.1%} | {share.low:.1%}–{share.high:.1%} | {stored(record):,} | {nonzero(record):,}"
            f" | {macs(record):,} | {size(record) / 1000:.1f} |"
        )
    return Markdown("\n".join(rows))


def stored(record):
    return record.artefact["parameters"]["stored"]


def nonzero(record):
    return record.artefact["parameters"]["nonzero"]


def macs(record):
    return record.cost["counters"]["onnx"]


def size(record):
    return record.artefact["bytes"]


def lost(base, record):
    """Percentage points of accuracy lost, at most, with 95 % confidence: the same images, one by one."""
    return -mcnemar(base.predictions.correct(), record.predictions.correct()).low


# %% [markdown]
# ## The network, and what can be had from its shape
#
# Most parameters of `plain` stand in one linear layer, most of its multiplications in one convolution. So two changes of
# its shape do different things:
#
# * **global pooling** (`pooled`) takes the mean over all positions, and the large linear layer goes: few parameters are
#   left, and nearly all multiplications stay;
# * **depthwise convolutions** (`depthwise`) divide the large convolution into one for each channel and one for each
#   position: the multiplications go, too.

# %%
NAMES = ("plain", "pooled", "depthwise")
plain, pooled, depthwise = study("shapes", NAMES, ["none"])
shapes = dict(zip(NAMES, (plain, pooled, depthwise), strict=True))
assert stored(plain) > 6 * stored(pooled)
assert macs(pooled) > 0.85 * macs(plain)
assert macs(depthwise) < macs(pooled) / 6
assert stored(depthwise) < stored(pooled) / 4
table(shapes)

# %% [markdown]
# What that costs in accuracy, the interval says. With some 360 test images a difference of one point is hardly told from
# none, and it would be a mistake to read the second digit.

# %%
assert lost(plain, pooled) < 6
{name: f"at most {lost(plain, record):.1f} pp lost" for name, record in shapes.items() if record is not plain}

# %% [markdown]
# ## What is done to `plain`
#
# Chains are written with `+`: first the shape, then the training, the rounding last. All of them are one study, so that
# they start from the same trained weights, and the test images are the same ones.

# %%
TUNE = "finetune:recipe=digits-quick"
CHAINS = {
    "none": "none",
    "mask": "prune_unstructured:amount=0.5",
    "channels removed": f"prune_channels:ratio=0.5+{TUNE}",
    "low rank": f"low_rank:ratio=0.6+{TUNE}",
    "dynamic int8": "quantize_dynamic",
    "static int8": "quantize_static:calibration=256",
    "removed and int8": f"prune_channels:ratio=0.5+{TUNE}+quantize_static:calibration=256",
}
made = dict(zip(CHAINS, study("techniques", ["plain"], CHAINS.values()), strict=True))
base = made["none"]


def rows(*names):
    return table({name: made[name] for name in names})


# %% [markdown]
# ## Pruning: what removes, and what only hides
#
# A *mask* sets weights to zero and leaves them where they are: the same parameters, the same multiplications, the same
# file. It makes nothing smaller or faster by itself; many published tables are about such masks. Removing whole channels
# (`prune_channels`) leaves a smaller network, which is then trained on for a few epochs (`finetune`).

# %%
masked, removed = made["mask"], made["channels removed"]
assert stored(masked) == stored(base), "a mask removes nothing"
assert nonzero(masked) < 0.6 * nonzero(base)
assert macs(masked) == macs(base)
assert abs(size(masked) - size(base)) < 0.01 * size(base)
assert stored(removed) < 0.4 * stored(base)
assert macs(removed) < 0.4 * macs(base)
assert size(removed) < 0.5 * size(base)
assert lost(base, removed) < 5
rows("none", "mask", "channels removed")

# %% [markdown]
# The record says so by itself: each technique's evidence has a verdict of its own for parameters, zeros, bytes and MACs.

# %%
verdicts = {name: record.evidence["steps"][0]["verdicts"] for name, record in (("mask", masked), ("channels", removed))}
assert verdicts["mask"]["fewer_parameters"] == "no"
assert verdicts["mask"]["more_zeros"] == "yes"
assert verdicts["channels"]["fewer_parameters"] == "yes"
print(verdicts)

# %% [markdown]
# ## Quantization: all of the network, or its last layers
#
# int8 takes a quarter of the bytes of float32. *Dynamic* quantization needs no calibration images, and works on matrix
# products only: here on the two linear layers. They hold most of the parameters, so the file shrinks; but the convolutions,
# with nine tenths of the multiplications, stay in float. "The quantized model" of many tutorials is this one. *Static*
# quantization takes the ranges of the activations from images of the train part, and does the convolutions, too.

# %%
dynamic, static = made["dynamic int8"], made["static int8"]
assert size(dynamic) < 0.5 * size(base)
assert size(static) < 0.4 * size(base)
assert size(static) < size(dynamic)
executed = {name: made[name].executed for name in ("none", "dynamic int8", "static int8")}
in_float = {name: found["float_operators"] for name, found in executed.items()}
assert in_float["static int8"] < in_float["dynamic int8"] < in_float["none"], "dynamic: the convolutions stay in float"
print("layers that ran in float, as the runtime says:", in_float)
rows("none", "dynamic int8", "static int8")

# %% [markdown]
# ## Low rank
#
# A weight of many rows and columns is replaced by the product of two thin ones, by its singular values. That pays where a
# layer is large: here the first linear one. Multiplications fall with the parameters of each layer, but the file also
# holds more layers than before.

# %%
thin = made["low rank"]
assert stored(thin) < 0.6 * stored(base)
assert macs(thin) < 0.8 * macs(base)
assert lost(base, thin) < 5
rows("none", "low rank")

# %% [markdown]
# ## Distillation
#
# The smallest network learns from the outputs of the largest, beside the labels. It stays the same network, so all that can
# change is its accuracy; and whether it does is a question to the test images. On ten digits, with 1,294 images to train on
# and twelve epochs, no gain is shown: the labels are nearly all that there is to learn, and a loss of which nine tenths are
# the teacher's softened outputs takes longer to fit. A table that reports "distilled" without the same network trained on
# labels, for as long, can't show what the teacher was worth.

# %%
TEACH = {
    "name": "distill",
    "options": {"teacher": "small_nets:plain", "teacher_recipe": "digits-quick", "recipe": "digits-quick"},
}
(student,) = study("distillation", ["depthwise"], [[TEACH]], recipe=None)
change = mcnemar(depthwise.predictions.correct(), student.predictions.correct())
assert stored(student) == stored(depthwise), "the student is the same network, trained in another way"
assert macs(student) == macs(depthwise)
assert change.low <= 0, "no gain is shown"
print(
    f"against the same network trained on labels: {change.pp:+.1f} pp, 95 % interval {change.low:+.1f} to {change.high:+.1f}"
)
table({"on labels": depthwise, "from a teacher": student})

# %% [markdown]
# ## Early exit: a tree
#
# All networks above spend as much on every image. A tree ([TRUNK](../trunk.md)) does not: its root sorts the images into
# groups of classes. A class that is a group of its own leaves there, at the root's cost; the others go on to a small network
# of their group. So a tree has no one cost but one for each path. The recipe is [small_tree.yaml](small_tree.yaml): some
# seconds of growing, enough to see the paths.

# %%
torch.set_num_threads(1)
grown = grow_tree(Choice.parse("digits"), "small_tree.yaml", out=FOLDER / "tree", settings=Settings())
tree, network = open_network(grown.folder)
paths = costs(tree, network)
assert paths.best.macs < paths.mean.macs < paths.worst.macs, "some classes leave early"
assert paths.stored > paths.worst.weights, "all nodes together hold more than any path"
share = wilson(grown.correct, grown.n)
assert share.estimate > 0.8
print(f"{share.estimate:.1%} of {grown.n} test images, 95 % interval {share.low:.1%} to {share.high:.1%}")
Markdown(path_table(tree, paths))

# %% [markdown]
# Two things to watch when such a network is reported: the *worst* path is what a deadline must be set for, whatever the mean
# is; and all nodes stay in memory, whichever path an image takes. Whether the tree is worth it against one network of the
# same mean cost is another question, with an answer of its own in [the study of TRUNK](../trunk.md).

# %% [markdown]
# ## Together
#
# No column orders them all. `pooled` has half of the parameters of the pruned network, and more than three times its
# multiplications; in int8 the pruned one has the smaller file all the same. `depthwise` has the least of everything, and
# pays in accuracy. Which of them is the best is a question of what your device lacks.

# %%
chained = made["removed and int8"]
assert stored(pooled) < stored(removed) < stored(plain)
assert macs(removed) < macs(pooled) / 3
assert size(chained) < size(pooled) < size(removed)
assert lost(plain, chained) < 6
finalists = {"plain": plain, "pooled": pooled, "channels removed": removed, "removed and int8": chained}
table({**finalists, "depthwise": depthwise})

# %% [markdown]
# Parameters, multiplications and bytes don't say how fast a network is: that is a question to a machine, its runtime and its
# kernels. [Measure it](../how-to/tune.md), and [publish it so that it holds](publishing.md).
