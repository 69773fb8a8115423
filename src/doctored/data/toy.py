"""Data sets that the project makes itself: smooth pictures, and the same with a planted artefact.

Both classes share everything but the artefact (textures, format, quality, even the files' sizes), so that
a tiny network learns just that in seconds, and evidence maps can be held against where it was planted.
"""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import told_plainly, written_aside
from doctored.data.manifest import Box
from doctored.errors import UsageError
from doctored.picture import encode_jpeg

PLANTED = "planted.json"
JPEG_QUALITY = 90
_TEST_SHARE = 6  # one picture of six is test, as in CIFAKE
_AMPLITUDE = 28.0

Pixels = NDArray[np.uint8]


def make_toy(
    out: str | Path,
    *,
    n: int = 240,
    size: int = 32,
    seed: int = 0,
    planted: str = "checkerboard",
    archive: str | None = None,
    layout: str = "cifake",
) -> Path:
    """Write `n` JPEG pictures of `size` × `size` pixels, half of them fake, and return where they are.

    `planted` is the artefact, half a side large, somewhere in each fake picture: `checkerboard` (single
    pixels) or `grid` (a line every fourth pixel). `archive` is None for a folder, else `zip` or `tar`,
    and `out` its name. `layout` is `cifake` or `folders`. The places are told in `planted.json` inside:
    {member: [x, y, width, height]}; `planted_boxes` reads them. The same arguments give the same bytes.
    Raises UsageError for an unknown word or a size below 16.
    """
    out = Path(out)
    for name, value, known in (
        ("planted", planted, _PATTERNS),
        ("archive", archive or "", _WRITERS),
        ("layout", layout, _NAMES),
    ):
        if value not in known:
            raise UsageError(f"{name} cannot be {value!r}; take one of {', '.join(filter(None, known))}")
    if size < 16 or n < 2:
        raise UsageError("a toy has at least two pictures of 16×16 pixels; give a larger n or size")
    boxes: dict[str, Box] = {}
    members = _level_sizes(dict(sorted(_draw_members(n, size, seed, planted, layout, boxes))))
    members[PLANTED] = json.dumps(boxes, indent=1, sort_keys=True).encode()
    with told_plainly(out):
        _WRITERS[archive or ""](out, members)
    return out


def planted_boxes(path: str | Path) -> dict[str, Box]:
    """Where the artefact of each fake picture of a toy was planted: (x, y, width, height) by member."""
    from doctored.data.members import MemberStore

    with MemberStore(path) as store:
        return {name: tuple(box) for name, box in json.loads(store.read(PLANTED)).items()}


def draw_picture(random: np.random.Generator, size: int) -> Pixels:
    """A smooth random picture, uint8 [size, size, 3]: a gradient and a few waves in each channel."""
    y, x = np.mgrid[0:size, 0:size] / size
    pixels = np.empty((size, size, 3))
    shared = _draw_waves(random, x, y)
    for channel in range(3):
        pixels[..., channel] = shared + 0.4 * _draw_waves(random, x, y)
    pixels += random.normal(0.0, 0.02, (size, size, 1))
    return np.clip(128 + 70 * pixels, 0, 255).astype(np.uint8)


def plant(random: np.random.Generator, pixels: Pixels, pattern: str) -> tuple[Pixels, Box]:
    """The picture with the artefact in a random square of half its side, and that square."""
    size = len(pixels)
    side = size // 2
    left, top = (int(corner) for corner in random.integers(0, size - side + 1, 2))
    y, x = np.mgrid[0:side, 0:side]
    changed = pixels.astype(np.float64)
    changed[top : top + side, left : left + side] += _AMPLITUDE * _PATTERNS[pattern](x, y)[..., np.newaxis]
    return np.clip(changed, 0, 255).astype(np.uint8), (left, top, side, side)


def _draw_waves(
    random: np.random.Generator, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    slope_x, slope_y = random.normal(0.0, 0.6, 2)
    total = slope_x * (x - 0.5) + slope_y * (y - 0.5) + random.normal(0.0, 0.4)
    for _ in range(3):
        along_x, along_y = random.uniform(-2.5, 2.5, 2)
        phase, height = random.uniform(0.0, 2 * np.pi), random.uniform(0.1, 0.5)
        total = total + height * np.sin(2 * np.pi * (along_x * x + along_y * y) + phase)
    return np.asarray(total)


_PATTERNS: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]] = {
    "checkerboard": lambda x, y: np.where((x + y) % 2 == 0, 1.0, -1.0),
    "grid": lambda x, y: np.where((x % 4 == 0) | (y % 4 == 0), 1.0, -0.5),
}


def _draw_members(
    n: int, size: int, seed: int, pattern: str, layout: str, boxes: dict[str, Box]
) -> Iterator[tuple[str, bytes]]:
    for index in range(n):
        random = np.random.default_rng([seed, index])
        number, is_fake = divmod(index, 2)
        name = _NAMES[layout](number, bool(is_fake))
        pixels = draw_picture(random, size)
        if is_fake:
            pixels, boxes[name] = plant(random, pixels, pattern)
        yield name, encode_jpeg(pixels, quality=JPEG_QUALITY)


def _level_sizes(pictures: dict[str, bytes]) -> dict[str, bytes]:
    """Make all files equally long, by a JPEG comment (marker COM, FF FE) after the first marker."""
    longest = max(map(len, pictures.values()))
    levelled = {}
    for name, data in pictures.items():
        blanks = longest - len(data)
        comment = b"\xff\xfe" + (blanks + 2).to_bytes(2, "big") + b" " * blanks
        levelled[name] = data[:2] + comment + data[2:]
    return levelled


def _name_cifake(number: int, is_fake: bool) -> str:
    split = "test" if number % _TEST_SHARE == _TEST_SHARE - 1 else "train"
    rank, subject = divmod(number, 10)
    suffix = f" ({subject + 1})" if subject else ""
    return f"{split}/{'FAKE' if is_fake else 'REAL'}/{rank:04d}{suffix}.jpg"


def _name_folders(number: int, is_fake: bool) -> str:
    return f"{'fake' if is_fake else 'real'}/{number:05d}.jpg"


_NAMES: dict[str, Callable[[int, bool], str]] = {"cifake": _name_cifake, "folders": _name_folders}


def _write_folder(out: Path, members: dict[str, bytes]) -> None:
    for name, data in members.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _write_zip(out: Path, members: dict[str, bytes]) -> None:
    with written_aside(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def _write_tar(out: Path, members: dict[str, bytes]) -> None:
    with written_aside(out) as aside, tarfile.open(aside, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


_WRITERS: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "": _write_folder,
    "zip": _write_zip,
    "tar": _write_tar,
}
