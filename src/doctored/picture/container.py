"""What lies in a picture's file beside the pixels: metadata blocks, texts, further pictures, and an end.

Blocks are found and handed on as they are; what is in them is for others to read.
"""

import struct
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple

from doctored.picture import formats
from doctored.picture.containers.draft import Component, Draft, JpegHeader, OtherPicture

__all__ = ["Component", "Container", "JpegHeader", "OtherPicture", "read_container"]

READERS = {
    formats.JPEG: "jpeg",
    formats.PNG: "png",
    formats.WEBP: "webp",
    formats.TIFF: "tiff",
    formats.GIF: "gif",
    formats.BMP: "bmp",
    formats.AVIF: "isobmff",
    formats.HEIF: "isobmff",
}


class Container(NamedTuple):
    """A file's structure, as far as it could be followed.

    `exif`: the TIFF block, without a prefix; None for a TIFF, which is such a block itself. `xmp`: the
    packet, a JPEG's extended one appended. `iptc`: IIM datasets. `texts`: (keyword, text) of PNG chunks,
    JPEG and GIF comments. `has_manifest`: a C2PA manifest store is embedded, whatever it is worth. `jpeg`:
    a JPEG's coding. `pictures`: how many the file says it holds, at least 1. `others`: those besides the
    main one that the file names. `end`: where the file ends by its own account; bytes after it are no part
    of it. `problems`: what was wrong, in plain words. All bytes and texts are the file's, and as untrusted.
    """

    exif: bytes | None
    xmp: bytes | None
    iptc: bytes | None
    texts: tuple[tuple[str, str], ...]
    has_manifest: bool
    jpeg: JpegHeader | None
    pictures: int
    end: int
    problems: tuple[str, ...]
    others: tuple[OtherPicture, ...] = ()


def read_container(data: bytes, image_format: str) -> Container:
    """The structure of a file of `image_format` (as `Picture.format` spells it).

    Never raises for what is in `data`: a broken file gives what was found up to there, and `problems`. Looks
    at no more than 10,000 segments, chunks or boxes, and unpacks no more than 8 MiB of text.
    """
    draft = Draft(end=len(data))
    if image_format in READERS:
        try:
            _reader(image_format)(data, draft)
        # What a file lacks shows as a place that is not there, or as a number that cannot be.
        except (struct.error, IndexError, ValueError, OverflowError):
            draft.complain("the file's structure breaks off")
    return Container(
        exif=draft.exif,
        xmp=draft.xmp,
        iptc=draft.iptc,
        texts=tuple(draft.texts),
        has_manifest=draft.has_manifest,
        jpeg=draft.jpeg,
        pictures=draft.pictures,
        end=draft.end,
        problems=tuple(draft.problems),
        others=tuple(draft.others),
    )


@cache
def _reader(image_format: str) -> Callable[[bytes, Draft], None]:
    """Imported when a file of its format comes; most scans meet one or two."""
    read: Callable[[bytes, Draft], None] = import_module(
        f"doctored.picture.containers.{READERS[image_format]}"
    ).read
    return read
