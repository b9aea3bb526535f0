"""AOTInductor: the network compiled ahead of time into a package of machine code, loaded without its Python source.

The package is made for this processor (or GPU) and for any batch; its weights are inside.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from backbench.artefacts.artefact import Artefact
from backbench.artefacts.export_aotinductor import MODEL
from backbench.errors import Skip, WeightsError
from backbench.runtimes.compile import no_compiler
from backbench.runtimes.torch_session import TorchRuntime, TorchSession, use_device

# What the packaged program calls instead of code of its own: oneDNN's and BLAS's kernels are meant, aten's are not.
CALLS = re.compile(r"\baoti_torch_(?:cpu|cuda)_(\w+)\(")
INTENDED = ("mkldnn_", "_linear_pointwise", "_mkl_", "convolution", "addmm", "mm_out", "bmm")


class AotInductor(TorchRuntime):
    """torch's compiler ahead of time: a package for this kind of processor, for any batch."""

    format: ClassVar[str] = "aotinductor"
    family: ClassVar[str] = "torchscript"
    preload: ClassVar[tuple[str, ...]] = ("torch",)
    needs: ClassVar[tuple[tuple[str, str], ...]] = (("torch", "torch"),)

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or no_compiler(cls.label())

    def open(self, artefact: Artefact, device: str, threads: int) -> AotInductorSession:
        use_device(self.label(), device, threads)
        made_for = str(artefact.key.get("target", {}).get("device", "cpu"))
        if made_for != device.partition(":")[0]:
            raise Skip(f"{self.label()}: the package was compiled for {made_for}, not for {device}")
        return AotInductorSession(self, artefact.folder / MODEL, device)


class AotInductorSession(TorchSession):
    """The loaded package, called without torch's re-reading of the call's structure."""

    def __init__(self, runtime: AotInductor, path: Path, device: str) -> None:
        self._path = path
        loader = load(path, device)
        super().__init__(runtime.label(), lambda batch: loader.run([batch])[0], device)

    def executed(self) -> dict[str, Any]:
        """The types of the packaged weights, and the libraries' kernels that the packaged source calls."""
        import torch

        source = packaged_source(self._path)
        calls = Counter(CALLS.findall(source))
        return {
            "precision": "bf16" if "kBFloat16" in source else "fp32",
            "device": str(self._device),
            "threads": torch.get_num_threads(),
            "library_kernels": dict(calls),
            "fallbacks": {f"aten.{name}": calls[name] for name in sorted(calls) if not name.startswith(INTENDED)},
        }


def load(path: Path, device: str) -> Any:
    """Raises WeightsError where the file is no whole package."""
    import torch

    number = int(device.partition(":")[2] or 0) if device.startswith("cuda") else -1
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            return torch._inductor.aoti_load_package(str(path), device_index=number).loader
    except (RuntimeError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: torch can't load this package: {str(error).splitlines()[0]}") from None


def packaged_source(path: Path) -> str:
    """The C++ that was compiled, as the package carries it."""
    with zipfile.ZipFile(path) as package:
        names = [name for name in package.namelist() if name.endswith(".cpp")]
        return "\n".join(package.read(name).decode(errors="replace") for name in names)
