"""What a picture is to everything behind the decoder."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from doctored.picture.tags import read_profile_name

if TYPE_CHECKING:
    from doctored.picture.container import Container

Pixels = NDArray[np.uint8]

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture stored in an Exif orientation (TIFF 6.0, tag 274) is turned upright."""

AS_STORED = UPRIGHT | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


class Picture:
    """A decoded picture; made by `decode`, and not changed afterwards.

    `pixels`: uint8 [H, W, 3], RGB, upright, C-contiguous and read-only (copy to write). `bytes`: the file.
    `format`: as Pillow spells it, `JPEG` also for several JPEGs in one file. `stored_size`: (width, height)
    before it was turned upright. `mode`: Pillow's name for the stored kind of pixels, such as `P` or
    `I;16`. `orientation`: Exif's, 1 to 8, of the stored picture. `name`: what the file was called, without
    its folder, where that is known; it says nothing about the content.
    """

    __slots__ = (
        "_container",
        "_luma",
        "_profile",
        "_read_luma",
        "_sha256",
        "bytes",
        "format",
        "mode",
        "name",
        "orientation",
        "pixels",
        "stored_size",
    )

    def __init__(
        self,
        *,
        pixels: Pixels,
        data: bytes,
        image_format: str,
        mode: str,
        stored_size: tuple[int, int],
        orientation: int,
        profile: bytes | None,
        read_luma: Callable[[bytes], Pixels] | None,
    ) -> None:
        self.pixels = pixels
        self.bytes = data
        self.format = image_format
        self.mode = mode
        self.stored_size = stored_size
        self.orientation = orientation
        self.name: str | None = None
        self._profile = profile
        self._read_luma = read_luma
        self._luma: Pixels | None = None
        self._container: Container | None = None
        self._sha256: str | None = None

    def __repr__(self) -> str:
        return f"<Picture {self.format} {self.mode} {self.width}×{self.height}>"

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def sha256(self) -> str:
        """Of the file's bytes, in hexadecimal."""
        if self._sha256 is None:
            self._sha256 = hashlib.sha256(self.bytes).hexdigest()
        return self._sha256

    @property
    def icc(self) -> str | None:
        """The name of the colour profile, `unnamed profile` where it cannot be read, None without one."""
        return None if self._profile is None else read_profile_name(self._profile)

    def luma(self) -> Pixels:
        """The luma, uint8 [h, w] in *stored* orientation, so that a JPEG's 8×8 grid lies where it was made.

        Of a JPEG in grey or YCbCr, its own Y, decoded when first asked for: RGB is rounded and clipped, and
        does not give Y back. Of all others, Rec. 601 luma of `pixels`. Kept once computed; read-only.
        """
        if self._luma is None:
            self._luma = self._read_luma(self.bytes) if self._read_luma else self._compute_luma()
        return self._luma

    def container(self) -> "Container":
        """What lies in the file beside the pixels; kept once read."""
        if self._container is None:
            from doctored.picture.container import read_container  # late: not every caller asks

            self._container = read_container(self.bytes, self.format)
        return self._container

    def _compute_luma(self) -> Pixels:
        grey = Image.fromarray(self.pixels).convert("L")
        if self.orientation != 1:
            grey = grey.transpose(AS_STORED[self.orientation])
        return np.asarray(grey)
