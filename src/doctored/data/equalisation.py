"""Equalisation: every picture of a set decoded, brought to one size and encoded again in one way.

It removes what separates classes without being in the picture: format, size, quality, metadata. It cannot
remove what the first compression left in the pixels.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from doctored.errors import DataError
from doctored.picture import Picture, Preprocess, PreprocessMismatch, decode, encode_jpeg

KIND = "reencode"


@dataclass(frozen=True, slots=True)
class Equalisation:
    """`side` is None (sizes stay) or that of the square which `fit` makes: `crop` cuts it from the middle,
    `resize` scales to it. Each picture is then a baseline 4:2:0 JPEG of one of `qualities`, drawn from
    `seed` and its pixels: equal pictures stay equal, and no class gets other qualities than the other."""

    qualities: tuple[int, ...]
    side: int | None = None
    fit: str = "crop"
    seed: int = 0

    def apply(self, pixels: NDArray[np.uint8]) -> Picture:
        """The equalised picture of uint8 pixels [H, W, 3]. Raises PreprocessMismatch for one too small."""
        if self.side is not None:
            maker = Preprocess.center if self.fit == "crop" else Preprocess.resize
            pixels = maker(self.side).apply(pixels)[0]
        digest = hashlib.sha256(f"{self.seed} {pixels.shape}".encode())
        digest.update(np.ascontiguousarray(pixels).data)
        draw = int.from_bytes(digest.digest()[:8], "big")
        return decode(encode_jpeg(pixels, self.qualities[draw % len(self.qualities)]))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "side": self.side,
            "fit": self.fit,
            "qualities": list(self.qualities),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises DataError for anything else."""
        try:
            side, qualities = value["side"], tuple(value["qualities"])
            is_sound = (
                value["kind"] == KIND
                and value["fit"] in ("crop", "resize")
                and (side is None or (type(side) is int and 1 <= side <= 4096))
                and qualities
                and all(type(quality) is int and 1 <= quality <= 100 for quality in qualities)
                and type(value["seed"]) is int
            )
            if is_sound:
                return cls(qualities, side, value["fit"], value["seed"])
        except (KeyError, TypeError):
            pass
        raise DataError("the manifest's equalisation is of a kind not known here; make it with --fix")

    def describe(self) -> str:
        """What is done, in plain words."""
        lowest, highest = min(self.qualities), max(self.qualities)
        qualities = f"quality {lowest}" if lowest == highest else f"qualities {lowest} to {highest}"
        if self.side is None:
            return f"every picture decoded and saved as JPEG of {qualities}, alike for both classes"
        how = "the middle cut out" if self.fit == "crop" else "scaled"
        return f"every picture decoded, {how} to {self.side}×{self.side}, and saved as JPEG of {qualities}"


def equalise(pixels: NDArray[np.uint8], equalisation: Mapping[str, Any]) -> Picture:
    """Pixels as a set with this equalisation (a manifest's metadata) has them.

    Raises DataError for a picture that is too small for it, and for an equalisation not known here.
    """
    try:
        return Equalisation.from_json(equalisation).apply(pixels)
    except PreprocessMismatch as error:
        raise DataError(f"it cannot be equalised: {error}") from error
