"""The runs that a run starts from, and the pictures that they have learnt from.

Who starts from another's weights, or is taught by it, knows what that one knew: a picture that it was trained
on is no test of either. So pictures keep the split that they had there (`data.split.settle_splits`).
"""

import os
from pathlib import Path

from doctored.data.manifest import Manifest
from doctored.data.split import find_digests
from doctored.training.recipe import Recipe

MANIFEST = "manifest.parquet"
WEIGHT = {"test": 0, "val": 1, "train": 2}  # what one of the runs has learnt from was learnt from


def run_of(path: str | os.PathLike[str]) -> Path:
    """The folder of the run that a path names: itself, or the one whose `checkpoints` a file lies in."""
    path = Path(path)
    return path.parent.parent if path.is_file() and path.parent.name == "checkpoints" else path


def name_start(init_from: str | os.PathLike[str] | None) -> str:
    """What a run calls the weights it starts from, without their folder; empty where there are none."""
    return run_of(init_from).name if init_from else ""


def find_ancestors(recipe: Recipe, init_from: str | os.PathLike[str] | None) -> list[Path]:
    """The folders of the runs whose weights, teaching or features a run begins with.

    Weights from elsewhere are none: nobody here can tell what they were trained on.
    """
    named = [init_from, *recipe.teachers, recipe.encoder]
    folders = [run_of(path) for path in named if path]
    return [folder for folder in dict.fromkeys(folders) if (folder / MANIFEST).is_file()]


def find_earlier_splits(ancestors: list[Path]) -> dict[str, str]:
    """Split by digest of a picture in these runs; train before val before test where they differ."""
    found: dict[str, str] = {}
    for folder in ancestors:
        manifest = Manifest.from_parquet(folder / MANIFEST)
        for digest, split in zip(find_digests(manifest), manifest.column("split"), strict=True):
            if digest is not None and split is not None:
                found[digest] = max(split, found.get(digest, split), key=WEIGHT.__getitem__)
    return found
