"""The mean features of every picture of a pack, computed once and kept beside it.

While they are computed, `KEY.partial` has a row for every picture and `KEY.done` tells how many are there:
a run that is killed and started again goes on from there.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from doctored.data.files import told_plainly, written_aside
from doctored.data.pack import Pack
from doctored.errors import DataError, TrainingError
from doctored.training.encoders import FrozenNetwork

PIXELS_AT_ONCE = 2 << 20
MOST_AT_ONCE = 1024


def pooled_features(
    network: FrozenNetwork,
    packed: Pack,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.float16]:
    """The mean over the map of each picture's features, float16 [N, d], memory-mapped; row i is the pack's.

    Raises TrainingError for features that float16 cannot hold, DataError where the disk is full or a file
    beside the pack is damaged.
    """
    file = packed.path / "features" / f"{network.digest[:16]}.npy"
    shape = (len(packed.pixels), network.head.in_channels)
    if not file.exists():
        compute(network, packed.pixels, file, shape, device, progress)
    try:
        features: NDArray[np.float16] = np.load(file, mmap_mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{file} is damaged; remove it and run this again") from error
    if features.shape != shape:
        raise DataError(f"{file} holds the features of other pictures; remove it and run this again")
    return features


def compute(
    network: FrozenNetwork,
    pixels: NDArray[np.uint8],
    file: Path,
    shape: tuple[int, int],
    device: torch.device,
    progress: Callable[[int, int], None],
) -> None:
    partial, counter = file.with_suffix(".partial"), file.with_suffix(".done")
    at_once = max(1, min(MOST_AT_ONCE, PIXELS_AT_ONCE // network.side**2))
    with told_plainly(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        done = read_count(counter) if partial.exists() else 0
        if not done:
            require_room(file.parent, 2 * shape[0] * shape[1])
        features = np.lib.format.open_memmap(partial, "r+" if done else "w+", np.float16, shape)
        progress(done, len(pixels))
        for start in range(done, len(pixels), at_once):
            rows = slice(start, min(start + at_once, len(pixels)))
            features[rows] = embed(network, pixels[rows], device)
            features.flush()
            with written_aside(counter) as aside:
                aside.write_text(str(rows.stop), encoding="utf-8")
            progress(rows.stop, len(pixels))
        del features
        partial.replace(file)
        counter.unlink()


def embed(network: FrozenNetwork, pixels: NDArray[np.uint8], device: torch.device) -> NDArray[np.float16]:
    """uint8 [N, H, W, 3] → float16 [N, d]."""
    network.eval()
    with torch.inference_mode():
        batch = torch.from_numpy(np.array(pixels)).to(device)
        values = network(network.normalise(batch)).embedding.float().cpu().numpy()
    if not np.abs(values).max() <= np.finfo(np.float16).max:  # nor is NaN
        raise TrainingError("the encoder's features are too large, or not numbers, here; take another layer")
    halves: NDArray[np.float16] = values.astype(np.float16)
    return halves


def read_count(counter: Path) -> int:
    try:
        return int(counter.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def require_room(folder: Path, needed: int) -> None:
    """DataError where a file of so many bytes does not fit; a map of one would end the process."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{folder}: the disk is too full (the features take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free); free some space"
        )
