"""torch.compile with inductor: the eager network, compiled for one shape of batch at a time.

Compiled code lies beside the artefact, one folder a set of options and threads: the check before the timing compiles
into an empty folder (its seconds stand in the record as `compile_cold`), the timed processes find the code there.
Compiling happens in this process alone: inductor's worker processes would count as other people's load.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backbench.artefacts.artefact import Artefact
from backbench.errors import BackbenchError
from backbench.runtimes.eager import NEEDS, PRELOAD, network_of, placed
from backbench.runtimes.torch_session import TorchRuntime, TorchSession, described, use_device
from backbench.spec.cell import digest

if TYPE_CHECKING:
    from torch import nn

COMPILERS = ("c++", "g++", "clang++")
SHAPES = 64  # a process may compile for; torch gives up after 8 and goes on in eager mode, silently
# What the compiled program calls instead of code of its own: oneDNN's and BLAS's kernels are meant, aten's are not.
CALLS = re.compile(r"\b(?:torch\.ops\.)?(extern_kernels\.\w+|(?:aten|mkldnn|onednn|mkl|quantized)\.\w+)(?:\.\w+)?\(")
INTENDED = ("extern_kernels.", "mkldnn.", "onednn.", "mkl.", "quantized.")


class Compile(TorchRuntime):
    """torch.compile with inductor, for one shape of batch.

    `freezing`: weights become constants of the compiled program; `mode` as torch.compile has it.
    """

    format: ClassVar[str] = "module"
    family: ClassVar[str] = "torch"
    preload: ClassVar[tuple[str, ...]] = PRELOAD
    needs: ClassVar[tuple[tuple[str, str], ...]] = NEEDS

    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False
    freezing: bool = True
    mode: Literal["default", "reduce-overhead", "max-autotune"] = "default"

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or no_compiler(cls.label())

    def open(self, artefact: Artefact, device: str, threads: int) -> CompileSession:
        use_device(self.label(), device, threads)
        model = placed(network_of(artefact), device, self.precision, self.channels_last)
        return CompileSession(self, model, device, code_folder(artefact, self, device, threads))

    def gate(self, artefact: Artefact) -> str:
        return "bf16" if self.precision == "bf16" else super().gate(artefact)


class CompileSession(TorchSession):
    """Compiled when `compile` names a shape, or when a batch of a new one is uploaded."""

    def __init__(self, runtime: Compile, model: nn.Module, device: str, code: Path) -> None:
        super().__init__(
            runtime.label(), compiled(model, runtime), device, runtime.precision, channels_last=runtime.channels_last
        )
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(code)
        self._cold = not code.exists()
        self._freezing = runtime.freezing
        self._programs: tuple[str, ...] = ()  # files of the compiled programs for the last shape
        self._shapes: dict[tuple[int, ...], float] = {}
        self._described = described(model)

    def compile(self, shape: tuple[int, ...]) -> None:
        if shape in self._shapes:
            return
        import torch._inductor.config as inductor

        zeros, known = super().upload(np.zeros(shape, np.float32)), len(programs())
        started = time.perf_counter()
        try:
            # Told for the process: inductor decides on freezing before it looks at a call's own options.
            with inductor.patch(freezing=self._freezing, compile_threads=1):
                self.run(zeros)
        except BackbenchError:
            raise
        except Exception as error:  # dynamo's and inductor's errors share no base but Exception
            raise BackbenchError(f"{self._label}: compiling failed: {first_lines(error)}") from None
        self._shapes[shape], self._programs = time.perf_counter() - started, programs()[known:]

    def upload(self, batch: NDArray[np.float32]) -> Any:
        self.compile(batch.shape)
        return super().upload(batch)

    def executed(self) -> dict[str, Any]:
        """Types of the weights and, from the source of the compiled program, the libraries' kernels that it calls."""
        import torch
        from torch._dynamo.utils import counters

        calls = library_calls(self._programs)
        integer = any(name.startswith(("onednn.q", "quantized.")) for name in calls)
        found = {
            **self._described,
            "threads": torch.get_num_threads(),
            "graph_breaks": sum(counters["graph_break"].values()),
            "library_kernels": dict(calls),
            "fallbacks": {name: count for name, count in calls.items() if not name.startswith(INTENDED)},
        }
        if integer:
            found["precision"] = "int8"
        if self._cold and self._shapes:
            found["compile_cold"] = next(iter(self._shapes.values()))  # seconds, with nothing compiled before
        return found


def compiled(model: nn.Module, runtime: Compile) -> Any:
    """The network as torch.compile gives it; nothing is compiled yet."""
    import torch
    import torch._dynamo
    from torch._inductor import list_mode_options

    torch._dynamo.config.recompile_limit = SHAPES
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    return torch.compile(model, dynamic=False, options=dict(list_mode_options(runtime.mode)))


def programs() -> tuple[str, ...]:
    """The source files of the compiled programs that this process has loaded."""
    from torch._inductor.codecache import PyCodeCache

    return tuple(module.__file__ for module in PyCodeCache.modules if module.__file__)


def library_calls(files: tuple[str, ...]) -> Counter[str]:
    """What compiled programs call, each as often as it stands in their source."""
    return Counter(name for file in files for name in CALLS.findall(Path(file).read_text(encoding="utf-8")))


def code_folder(artefact: Artefact, runtime: Compile, device: str, threads: int) -> Path:
    """Where the compiled code lies: other options, threads or another torch are another folder."""
    import torch

    key = digest([runtime.model_dump(mode="json"), device, threads, torch.__version__])
    return artefact.folder / f"compiled-{key}"


def no_compiler(label: str) -> str | None:
    """What to install where no C++ compiler is found, or None."""
    if any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), *COMPILERS)):
        return None
    return f"{label} needs a C++ compiler ({', '.join(COMPILERS)}, or the one that CXX names), e.g. the package g++"


def first_lines(error: BaseException) -> str:
    """The error's type and its first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300] if lines else 'no reason given'}"
