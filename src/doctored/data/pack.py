"""Packs: the decoded pixels of a data set in one memory-mapped file, beside its manifest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.manifest import Manifest
from doctored.picture.preprocess import Preprocess

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Pack:
    """`pixels`: uint8 [N, H, W, 3], RGB, memory-mapped and read-only; row i is `manifest.row(i)`.

    `info` is the pack's own description (`pack.json`): its request, its counts.
    """

    path: Path
    pixels: NDArray[np.uint8]
    manifest: Manifest
    info: dict[str, Any]

    @staticmethod
    def open(path: str | Path) -> "Pack":
        """Raises DataError for a folder that holds no finished pack."""
        raise NotImplementedError

    def fits(self, manifest: Manifest, preprocess: Preprocess) -> bool:
        """Whether this pack was made from just this manifest, its present sources and this preprocess."""
        raise NotImplementedError

    def indices(self, manifest: Manifest) -> NDArray[np.int64]:
        """Where in `pixels` the rows of a manifest lie, int64 [len(manifest)], looked up by id."""
        raise NotImplementedError


def pack(
    manifest: Manifest,
    preprocess: Preprocess,
    out: str | Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    resume: bool = True,
) -> Pack:
    """Decode every row and keep its pixels under the folder `out`; picks up where a killed run stopped."""
    raise NotImplementedError
