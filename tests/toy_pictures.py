"""Grey pictures, of which the toy detector thinks what their brightness says."""

from pathlib import Path

import numpy as np
from PIL import Image


def save_grey(path: Path, value: int, size: int = 32) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), (value, value, value)).save(path)
    return path


def save_one_of_each(folder: Path) -> Path:
    """One fake, one real, one undecided, one that is too large for the toy, one that is no picture."""
    save_grey(folder / "a-fake.png", 250)
    save_grey(folder / "b-real.png", 5)
    save_grey(folder / "c-grey.png", 128)
    save_grey(folder / "d-large.png", 250, size=64)
    (folder / "e-broken.jpg").write_bytes(b"this is no picture")
    return folder


def save_many(folder: Path, count: int) -> list[Path]:
    """Pictures of every verdict, with names in order."""
    values = np.random.default_rng(0).integers(0, 256, count)
    return [save_grey(folder / f"{place:03}.png", int(value)) for place, value in enumerate(values)]
