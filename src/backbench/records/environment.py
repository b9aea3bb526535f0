"""The host and the software that a record was made on: what must be equal for two timings to be comparable."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

import backbench
from backbench.spec.cell import digest

PACKAGES = (
    "numpy", "torch", "torchvision", "timm", "onnx", "onnxscript", "onnxruntime", "openvino", "nncf",
    "torchao", "torch-pruning", "executorch", "accelerate", "safetensors", "pillow", "scipy",
)  # fmt: skip
INSTRUCTION_SETS = (
    "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "sve",
)  # fmt: skip
WIDE_SUMS = frozenset({"avx_vnni", "avx512_vnni", "amx_int8"})  # 8-bit products added in 32 bits
# Variables that set threads, choose kernels or precisions, or change how memory is had: a number may depend on them.
VARIABLES = re.compile(
    r"(OMP|KMP|GOMP|MKL|OPENBLAS|NUMEXPR|VECLIB|BLIS|ONEDNN|DNNL|ATEN|TORCH|TORCHINDUCTOR|PYTORCH|CUDA|CUBLAS|CUDNN|NVIDIA"
    r"|ORT|OV|OPENVINO|MALLOC|JEMALLOC|XNNPACK)_[A-Z0-9_]+|PYTHONHASHSEED|LD_PRELOAD|GLIBC_TUNABLES"
)
SECRET = re.compile(r"TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH|PROXY|URL|HOME|PATH|DIR")  # private, or only places
TIMING_KEYS = ("cpu", "isa", "logical_cpus", "ram", "kernel", "python", "packages", "gpu")


@cache
def host() -> dict[str, Any]:
    """cpu, isa, cores, memory (bytes), kernel, python, packages, gpu: plain data."""
    return {
        "name": digest(platform.node(), 8),  # tells two machines apart without telling what they are called
        "cpu": cpu_name(),
        "isa": [name for name in INSTRUCTION_SETS if name in cpu_flags()],
        "machine": platform.machine(),
        "logical_cpus": os.cpu_count(),
        "physical_cpus": psutil.cpu_count(logical=False),
        "ram": psutil.virtual_memory().total,
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": packages(),
        "gpu": gpu_name(),
    }


def saturates(of: Mapping[str, Any]) -> bool:
    """Whether this host adds 8-bit products in pairs in 16 bits, as x86 without VNNI or AMX does (`vpmaddubsw`).

    2 · 255 · 127 is over 32,767: sums of full 8-bit products are cut off there, and sums of 8 by 7 bits are not.
    """
    return of.get("machine") in ("x86_64", "AMD64") and not WIDE_SUMS & set(of.get("isa") or ())


def fingerprint(of: dict[str, Any]) -> str:
    """Equal for two hosts whose timings may be joined in one record; a changed version changes it."""
    return digest({key: of.get(key) for key in (*TIMING_KEYS, "name")})


def tool() -> dict[str, Any]:
    """Name, version and, in a git checkout, the commit and whether files were changed since."""
    folder = Path(backbench.__file__).resolve().parent
    commit = git(folder, "rev-parse", "HEAD")
    return {
        "name": "backbench",
        "version": backbench.__version__,
        "commit": commit,
        "dirty": bool(git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")) if commit else None,
    }


def packages(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of what is installed among these packages: those that can change a number, unless said."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def variables() -> dict[str, str]:
    """The environment's variables that can change a number; places and whatever may be a secret are left out."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if VARIABLES.fullmatch(name) and not SECRET.search(name)
    }


@cache
def source_sha256() -> str:
    """Of backbench's own source files and recipes, with their places: equal in two clones of one commit."""
    root, content = Path(backbench.__file__).resolve().parent, hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".yaml")):
        data = path.read_bytes()
        content.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode() + data)
    return content.hexdigest()


def cpu_name() -> str:
    for line in cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpu_flags() -> frozenset[str]:
    for line in cpuinfo():
        if line.startswith(("flags", "Features")):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


@cache
def cpuinfo() -> tuple[str, ...]:
    path = Path("/proc/cpuinfo")
    return tuple(path.read_text().splitlines()) if path.exists() else ()


def gpu_name() -> str | None:
    """The driver's name of the first GPU, without importing torch."""
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in path.read_text().splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    return None


def git(folder: Path, *arguments: str) -> str | None:
    """What git says about the folder's own checkout, or None outside one."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
