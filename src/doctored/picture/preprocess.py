"""From a picture's pixels to the fixed-size views that a detector sees.

The one implementation, used in training, export and scanning alike; numpy and Pillow only.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from doctored.errors import UsageError

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
PARAMETERS = {"exact": (), "resize": ("filter",), "center": (), "tiles": ("stride",)}
MAX_SIZE = 4096
# A card is foreign data: tiles of one picture that asks for more than this are a mistake or an attack.
MAX_TILE_BYTES = 2**32


class PreprocessMismatch(UsageError):
    """This picture's size does not fit a `Preprocess`; `Preprocess.fits` tells beforehand."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How pixels become views of `size` × `size`; make one with a constructor named for its kind.

    | constructor | views of a picture w × h |
    |---|---|
    | `exact(n)` | the picture itself, which must be n × n |
    | `resize(n, filter)` | one: scaled to n × n, whatever its shape, with Pillow's filter of that name |
    | `center(n)` | one: cut from the middle; both sides must be at least n |
    | `tiles(n, stride)` | one every `stride` pixels, the last flush with the border; sides at least n |
    """

    kind: str
    size: int
    filter: str | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in PARAMETERS:
            raise UsageError(f"no preprocess is called {self.kind!r}; take one of {', '.join(PARAMETERS)}")
        for name in ("filter", "stride"):
            if (getattr(self, name) is not None) != (name in PARAMETERS[self.kind]):
                needed = "needs a" if name in PARAMETERS[self.kind] else "has no"
                raise UsageError(f"the preprocess {self.kind} {needed} {name}; give just its own parameters")
        _require_whole(f"the size of {self.kind}", self.size, MAX_SIZE)
        if self.stride is not None:
            # A longer stride would leave pixels that no tile sees.
            _require_whole("the stride of tiles", self.stride, self.size)
        if self.filter is not None and self.filter not in FILTERS:
            raise UsageError(f"no filter is called {self.filter!r}; take one of {', '.join(FILTERS)}")

    @classmethod
    def exact(cls, size: int) -> Self:
        return cls("exact", size)

    @classmethod
    def resize(cls, size: int, filter: str = "bicubic") -> Self:
        return cls("resize", size, filter=filter)

    @classmethod
    def center(cls, size: int) -> Self:
        return cls("center", size)

    @classmethod
    def tiles(cls, size: int, stride: int) -> Self:
        return cls("tiles", size, stride=stride)

    def fits(self, width: int, height: int) -> bool:
        """Whether `apply` takes a picture of this size."""
        if self.kind == "exact":
            return width == height == self.size
        if self.kind == "resize":
            return min(width, height) > 0
        return min(width, height) >= self.size and self._tile_bytes(width, height) <= MAX_TILE_BYTES

    def positions(self, width: int, height: int) -> list[tuple[int, int]]:
        """The upper left corners (x, y) of the views `center` and `tiles` cut out, row by row.

        Raises `PreprocessMismatch` where the picture does not fit.
        """
        self._require_fit(width, height)
        if self.kind == "tiles":
            columns, rows = self._starts(width), self._starts(height)
            return [(x, y) for y in rows for x in columns]
        if self.kind == "center":
            return [((width - self.size) // 2, (height - self.size) // 2)]
        return [(0, 0)]

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The views of uint8 pixels [H, W, 3], as uint8 [K, size, size, 3] in the order of `positions`.

        Raises `PreprocessMismatch` where the picture does not fit, `UsageError` for any other array.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise UsageError(f"these pixels are {pixels.dtype} {list(pixels.shape)}; give uint8 [H, W, 3]")
        height, width = pixels.shape[:2]
        self._require_fit(width, height)
        if self.filter is not None:
            scaled = Image.fromarray(pixels).resize((self.size, self.size), FILTERS[self.filter])
            return np.array(scaled)[np.newaxis]
        if self.kind == "exact":
            return np.ascontiguousarray(pixels)[np.newaxis]
        corners = np.array(self.positions(width, height))
        windows = sliding_window_view(pixels, (self.size, self.size), axis=(0, 1))
        cut = windows[corners[:, 1], corners[:, 0]]
        return np.ascontiguousarray(cut.transpose(0, 2, 3, 1))

    def to_json(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in PARAMETERS[self.kind]}
        return {"kind": self.kind, "size": self.size, **own}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read what `to_json` wrote; raises `UsageError` for anything else."""
        if not isinstance(value, dict):
            raise UsageError("a preprocess is a JSON object; give kind, size and its parameters")
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in PARAMETERS:
            raise UsageError(f"a preprocess needs a kind; take one of {', '.join(PARAMETERS)}")
        wanted = {"kind", "size", *PARAMETERS[kind]}
        if set(value) != wanted:
            odd = ", ".join(sorted(f"{key!r}" for key in wanted ^ set(value)))
            raise UsageError(f"the preprocess {kind} has missing or unknown keys ({odd}); give just its own")
        if not isinstance(value.get("filter", ""), str):
            raise UsageError(f"no filter is called {value['filter']!r}; take one of {', '.join(FILTERS)}")
        return cls(**value)

    def _starts(self, side: int) -> list[int]:
        assert self.stride is not None
        last = side - self.size
        starts = list(range(0, last, self.stride))
        return [*starts, last]

    def _tile_bytes(self, width: int, height: int) -> int:
        if self.stride is None:
            return 0
        along = [1 + -(-(side - self.size) // self.stride) for side in (width, height)]
        return along[0] * along[1] * self.size * self.size * 3

    def _require_fit(self, width: int, height: int) -> None:
        if not self.fits(width, height):
            raise PreprocessMismatch(f"the picture is {width}×{height}, but {self._needs()}")

    def _needs(self) -> str:
        if self.kind == "exact":
            return f"exactly {self.size}×{self.size} is needed; choose a detector for its size"
        if self.kind == "resize":
            return "at least one pixel is needed; give another picture"
        return f"sides of {self.size} and {MAX_TILE_BYTES >> 30} GiB of views at most fit; give another size"


def _require_whole(what: str, value: object, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
        raise UsageError(f"{what} is {value!r}; give a whole number from 1 to {highest}")
