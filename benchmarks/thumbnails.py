"""Photos as thumbnails: which origins may be trained on, which are for measuring, how they are made.

`benchmarks.make_thumbnails` makes training pictures from TRAINING and GENERATED;
`benchmarks.domain_thumbnails` measures on HELD_OUT. No origin is in both, and this file alone says which is
which. None of the photos is kept here: each lies in a public git repository, at a commit.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from doctored.data.members import MemberStore
from doctored.errors import DataError, PictureError
from doctored.picture import Preprocess, decode

SIDE = 32
QUALITY = 75  # with 4:2:0, as CIFAKE's files are
# How photos are reduced: our word, Pillow's filter.
FILTERS = {"nearest": "nearest", "bilinear": "bilinear", "bicubic": "bicubic", "area": "box"}
PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".tif", ".tiff", ".bmp", ".webp")

Pixels = NDArray[np.uint8]


class Origin(NamedTuple):
    """Photos of one origin; looked for as `NAME.zip` or the folder `NAME`. `path`: what of the repository;
    `only`: what a photo's name holds, where not all in it are photos; `without`: what it does not hold."""

    name: str
    repository: str
    path: str
    only: str = ""
    without: tuple[str, ...] = ()

    def holds(self, name: str) -> bool:
        """Whether a file of this name counts as a photo."""
        is_picture = name.lower().endswith(PICTURES)
        return is_picture and self.only in name and not any(word in name for word in self.without)


TRAINING = (
    Origin("imagenet-sample", "EliSchwartz/imagenet-sample-images", ""),
    Origin("imagen", "ajschumacher/imagen", "imagen"),
    Origin("ai-photos-real", "olivaoriol/AIGameApp", "images/real", only="images/real/"),
)
# No photos: DALL·E 3, Midjourney 6, DeepFloyd IF and three of Stable Diffusion XL, a hundred pictures each.
GENERATED = (Origin("ai-photos", "olivaoriol/AIGameApp", "images/ai", only="images/ai/"),)
HELD_OUT = (
    Origin("bsds", "BIDS/BSDS500", "BSDS500/data/images"),
    # cases for decoders, and pictures of heat
    Origin(
        "metadata-extractor",
        "drewnoakes/metadata-extractor-images",
        "jpg",
        without=("ImageTestSuite", "FLIR"),
    ),
    # two scenes sixteen times, and drawings
    Origin("exif-samples", "ianare/exif-samples", "jpg", without=("orientation/", "BlueSquare", "PaintTool")),
    Origin("urban100", "jbhuang0604/SelfExSR", "data/Urban100/image_SRF_4", only="HR"),
    Origin("kodak", "MohamedBakrAli/Kodak-Lossless-True-Color-Image-Suite", ""),
)


def read_photos(folder: Path, origin: Origin, least_side: int) -> Iterator[tuple[str, Pixels]]:
    """Name and uint8 pixels [H, W, 3] of every photo of an origin whose shorter side has `least_side` pixels;
    what cannot be decoded is counted on stderr."""
    place = folder / f"{origin.name}.zip"
    place = place if place.exists() else folder / origin.name
    if not place.exists():
        sys.exit(f"{folder} holds no {origin.name}.zip: pack {origin.path or 'all'} of {origin.repository}")
    left_out = 0
    with MemberStore(place) as store:
        for name in store.members:
            if not origin.holds(name):
                continue
            try:
                pixels = decode(store.read(name)).pixels
            except (PictureError, DataError):
                left_out += 1
                continue
            if min(pixels.shape[:2]) >= least_side:
                yield name, pixels
            else:
                left_out += 1
    if left_out:
        print(f"{origin.name}: {left_out} left out, too small or not to be decoded", file=sys.stderr)


def reduce(square: Pixels, name: str) -> Pixels:
    """A square photo as a thumbnail of 32 pixels a side, by one of FILTERS."""
    return np.asarray(Preprocess.resize(SIDE, FILTERS[name]).apply(square)[0])


def middle(pixels: Pixels) -> Pixels:
    """The largest square in the middle of a photo."""
    return np.asarray(Preprocess.center(min(pixels.shape[:2])).apply(pixels)[0])
