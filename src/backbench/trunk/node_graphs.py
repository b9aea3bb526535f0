"""Each node as an ONNX graph of its own: features, head and its step of the walk, for any number of images.

    x (n × C × H × W), base (n), known (n × classes) → maps, chosen (n × children), joint (n × children), filled (n × classes)

torch's exporter folds batch-norm into the convolutions. The root turns transposed images itself.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from backbench.artefacts.export import OPSET, first_line, forget_sources, silent
from backbench.errors import BackbenchError
from backbench.registry import require
from backbench.trunk.tree import ROOT, Tree

if TYPE_CHECKING:
    from backbench.trunk.networks.routing import TrunkNetwork

INPUTS, OUTPUTS = ("x", "base", "known"), ("maps", "chosen", "joint", "filled")


def node_graphs(tree: Tree, network: TrunkNetwork) -> dict[str, Any]:
    """Node → ModelProto. Raises BackbenchError where one can't be exported."""
    torch = require("the export to ONNX", "torch", "torch")
    require("the export to ONNX", "onnxscript", "torch")
    found = {}
    for name in tree.inner:
        step = walking(network.nodes[name], turned=name == ROOT and tree.input.transposed)
        count = len(tree.classes)
        example = (torch.zeros(2, *tree.shape_into(name)), torch.zeros(2), torch.zeros(2, count))
        rows = torch.export.Dim("rows", min=1)
        with silent():
            warnings.filterwarnings("ignore", message=".*The axis name: rows will not be used.*")  # one name for three
            try:
                program = torch.onnx.export(
                    step, example, None, dynamo=True, input_names=list(INPUTS), output_names=list(OUTPUTS),
                    dynamic_shapes=({0: rows}, {0: rows}, {0: rows}), opset_version=OPSET, verbose=False,
                )  # fmt: skip
            except Exception as error:  # the exporter's errors share no base but Exception
                raise BackbenchError(f"node {name}: the export to ONNX failed: {first_line(error)}") from None
        found[name] = program.model_proto
        forget_sources(found[name])
    return found


def walking(branch: Any, turned: bool) -> Any:
    """The branch as it is exported, in evaluation mode."""
    from torch import Tensor, nn

    class Step(nn.Module):
        """A branch, its input turned where the weights want it."""

        def __init__(self) -> None:
            super().__init__()
            self.branch = branch

        def forward(self, x: Tensor, base: Tensor, known: Tensor) -> tuple[Tensor, ...]:
            return self.branch(x.transpose(2, 3) if turned else x, base, known)  # type: ignore[no-any-return]

    return Step().eval()
