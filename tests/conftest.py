"""What every test stands on: a cache of its own, one torch thread, and the real data where a machine has it.

`BACKBENCH_TEST_DATA` names a folder of real datasets (`cifar10/train.parquet`, …). Tests that need it are skipped
with a reason where it is unset, and fail where `BACKBENCH_REQUIRE_TEST_DATA=1` says that it must be there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from backbench.artefacts.artefact import Artefact


# The longest files first: a parallel run ends when its last one does. Those of one group share what takes long to make.
LONGEST = (
    "test_pipeline.py",
    "verifying/test_runs.py",
    "profiling/test_profile.py",
    "profiling/test_pages.py",
    "runtimes/test_export_and_measure.py",
    "verifying/test_determinism.py",
    "tuning/test_tuning.py",
    "guide/test_notebook.py",
    "runtimes/test_bad_input.py",
    "profiling/test_command.py",
    "runtimes/test_torch_runtimes.py",
)
GROUPS = {"profiling/test_profile.py": "profiles", "profiling/test_pages.py": "profiles"}
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order of their length."""
    items.sort(key=lambda item: place_of(item.path.relative_to(HERE).as_posix()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is for one worker, which makes its fixtures once; so are the files of one group."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0].removeprefix(f"{HERE.name}/")
            return GROUPS.get(file, file)

    return ByFile(config, log)


def place_of(file: str) -> int:
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no fixture of a wider scope, reads or writes the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKBENCH_CACHE", str(tmp_path_factory.mktemp("session-cache")))
        patch.delenv("BACKBENCH_DATA", raising=False)
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's own cache folder, the one that `Settings()` finds."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BACKBENCH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data; its absence is a skip with a reason, or a failure where it must be there."""
    given = os.environ.get("BACKBENCH_TEST_DATA", "")
    if given and Path(given).is_dir():
        return Path(given)
    reason = f"BACKBENCH_TEST_DATA is no folder: {given!r}" if given else "BACKBENCH_TEST_DATA is not set"
    if os.environ.get("BACKBENCH_REQUIRE_TEST_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all workers of a parallel run: making an artefact is locked."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared"


@pytest.fixture(scope="session")
def artefact(shared_cache: Path) -> Callable[..., Artefact]:
    """`artefact("onnxruntime", technique=…, model=…)`"""
    from prepared_artefacts import cell_of, prepared

    return lambda *names, **fields: prepared(cell_of(*names, **fields), shared_cache)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Test networks are tiny: more threads cost more than they give. Does not import torch for tests that don't."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
