"""The walk over nodes that are ONNX files, with NumPy and ONNX Runtime: no torch, and a process may hold only some nodes.

FOLDER/manifest.json   the tree, each node's file with its bytes and SHA-256, and how images are prepared
FOLDER/root.onnx, …    one file a node: see `node_graphs` for its inputs and outputs
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbench.errors import UsageError, WeightsError
from backbench.registry import require
from backbench.trunk.tree import ROOT, Tree, tree_of

MANIFEST = "manifest.json"
FORMAT = "backbench-trunk-nodes"
Arrays = dict[str, NDArray[Any]]
Run = Callable[[str, Arrays], list[NDArray[Any]]]  # node, its inputs → maps, chosen, joint, filled


def walk(tree: Tree, images: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    """N × C × H × W → N × classes log-probabilities; `run` computes one node."""
    n, count = len(images), len(tree.classes)
    result = np.zeros((n, count), np.float32)
    waiting: dict[str, tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]] = {
        ROOT: (images, np.arange(n), np.zeros(n, np.float32))
    }
    for name in tree.inner:
        if name not in waiting:
            continue
        maps, rows, base = waiting.pop(name)
        feature, chosen, joint, filled = run(name, {"x": maps, "base": base, "known": result[rows]})
        result[rows] = filled
        for number, child in enumerate(tree.nodes[name].children):
            picked = np.flatnonzero(chosen[:, number])
            if len(picked) and not tree.nodes[child].leaf:
                waiting[child] = (feature[picked], rows[picked], joint[picked, number])
    return result


def write_nodes(folder: Path, tree: Tree, graphs: dict[str, Any], about: dict[str, Any]) -> None:
    """One file a node, and the manifest, last."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, graph in graphs.items():
        content = graph.SerializeToString()
        (folder / f"{name}.onnx").write_bytes(content)
        files[name] = {
            "file": f"{name}.onnx",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "children": [child for child in tree.nodes[name].children if child in graphs],
            "input": list(tree.shape_into(name)),
        }
    manifest = {"format": FORMAT, "version": 1, "nodes": files, "tree": json.loads(tree.text()), **about}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class NodeFiles:
    """A folder of node files, opened; nodes are loaded when an image first comes to them, and stay."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._ort = require("a tree's node files", "onnxruntime", "onnxruntime")
        self.folder, self._threads = folder, threads
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder / MANIFEST}: no manifest of a tree's nodes: {error}") from None
        if manifest.get("format") != FORMAT:
            raise UsageError(f"{folder / MANIFEST}: its format is {manifest.get('format')!r}, not {FORMAT!r}")
        self.tree = tree_of(manifest["tree"], str(folder / MANIFEST))
        self._files = manifest["nodes"]
        self._sessions: dict[str, Any] = {}

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """N × C × H × W → N × classes log-probabilities."""
        return walk(self.tree, images, self.run)

    def run(self, name: str, inputs: Arrays) -> list[NDArray[Any]]:
        session = self._sessions.get(name) or self._load(name)
        taken = [entry.name for entry in session.get_inputs()]
        wanted = {key: inputs[key.rpartition("/")[2]] for key in taken}
        outputs = {key.rpartition("/")[2]: key for key in (entry.name for entry in session.get_outputs())}
        return list(session.run([outputs[part] for part in ("maps", "chosen", "joint", "filled")], wanted))

    @property
    def loaded(self) -> tuple[str, ...]:
        """The nodes that were needed so far."""
        return tuple(self._sessions)

    def _load(self, name: str) -> Any:
        entry = self._files.get(name)
        path = self.folder / str(entry["file"]) if entry else self.folder / name
        if entry is None or not path.is_file():
            raise WeightsError(f"{self.folder}: the file of node {name!r} is missing")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise WeightsError(f"{path}: this is not the file that the manifest names")
        self._sessions[name] = opened(self._ort, content, self._threads)
        return self._sessions[name]


def opened(library: Any, content: bytes, threads: int) -> Any:
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
