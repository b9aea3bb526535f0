"""scikit-learn's digits: 1,797 handwritten digits of 8 × 8 pixels inside an installed package, nothing to download.

E. Alpaydin and C. Kaynak, UCI "Optical Recognition of Handwritten Digits" (its test part). Pixels count 0 to 16 and are
scaled to 0…255. The source has no parts: a fifth is drawn as test by the fixed seed.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from backbench.data.source import Stored, StoredPart, StoredSource
from backbench.errors import MissingDependency
from backbench.registry import require


class Digits(StoredSource):
    """scikit-learn's handwritten digits: 1,797 grey images 8 × 8, ten classes; nothing to download."""

    @classmethod
    def missing(cls) -> str | None:
        try:
            version("scikit-learn")
        except PackageNotFoundError:
            return str(MissingDependency("dataset 'digits'", "scikit-learn", "torch"))
        return None

    def check(self, root: Path, *, download: bool = False) -> None:
        if self.missing():
            raise MissingDependency("dataset 'digits'", "scikit-learn", "torch")

    def identity(self, root: Path) -> dict[str, Any] | None:
        return {"scikit-learn": version("scikit-learn")}

    def read(self, root: Path) -> Stored:
        found = require("dataset 'digits'", "sklearn.datasets", "torch").load_digits()
        pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None]
        return Stored(
            name="digits",
            title="digits",
            classes=tuple(map(str, range(10))),
            train=StoredPart(found.target.astype(np.int64), pixels),
            test=None,
            mirrored=False,
            provenance={"layout": "scikit-learn", "orientation": "upright"},
        )
