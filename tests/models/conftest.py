"""Exports a network as the artefacts do, and runs the file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@pytest.fixture
def onnx_outputs(tmp_path: Path) -> Callable[[nn.Module, Tensor], NDArray[np.float32]]:
    """The outputs of the exported network, traced with a batch of two, for another batch."""

    def outputs(model: nn.Module, images: Tensor) -> NDArray[np.float32]:
        file = tmp_path / "model.onnx"
        with warnings.catch_warnings():
            torch.onnx.export(
                model,
                (images[:2],),
                file,
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (logits,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
        return np.asarray(logits)

    return outputs
