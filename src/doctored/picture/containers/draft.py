"""What a reader of one format fills in while it walks through a file."""

from collections.abc import Mapping
from typing import NamedTuple

MAX_PARTS = 10_000
"""Segments, chunks, boxes, directories or frames that are looked at."""

MAX_TEXT_BYTES = 8 * 2**20
"""Of all texts of a file together, after their decompression."""

MAX_PROBLEMS = 20


class Component(NamedTuple):
    """One colour component of a JPEG: its identifier, its sampling factors, its quantisation table's."""

    identifier: int
    horizontal: int
    vertical: int
    table: int


class JpegHeader(NamedTuple):
    """What a JPEG says about its own coding (ITU-T T.81, annex B).

    `tables`: quantisation tables by identifier, each 64 whole numbers in natural order (row by row, not in
    zigzag), as first defined. `markers`: the second bytes of all markers in their order, from SOI (0xD8),
    restarts left out. `apps`: the names of the application segments in their order. `scans` counts them.
    """

    width: int
    height: int
    precision: int
    tables: Mapping[int, tuple[int, ...]]
    components: tuple[Component, ...]
    is_progressive: bool
    restart_interval: int
    scans: int
    markers: tuple[int, ...]
    apps: tuple[str, ...]


class OtherPicture(NamedTuple):
    """A further picture in the same file: what it is, and where, where the file says so (else size 0)."""

    kind: str
    start: int = 0
    size: int = 0


class Draft:
    """The container so far; a reader that meets a broken file leaves what it had found by then."""

    __slots__ = (
        "end", "exif", "has_manifest", "iptc", "jpeg", "others", "pictures", "problems", "text_bytes_left",
        "texts", "xmp",
    )  # fmt: skip

    def __init__(self, end: int) -> None:
        self.exif: bytes | None = None
        self.xmp: bytes | None = None
        self.iptc: bytes | None = None
        self.texts: list[tuple[str, str]] = []
        self.has_manifest = False
        self.jpeg: JpegHeader | None = None
        self.others: list[OtherPicture] = []
        self.pictures = 1
        self.end = end
        self.problems: list[str] = []
        self.text_bytes_left = MAX_TEXT_BYTES

    def complain(self, problem: str) -> None:
        if problem not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)

    def add_text(self, keyword: bytes, text: bytes, encoding: str = "latin-1") -> None:
        """Keep a text; nothing once all texts together are over their limit."""
        if len(text) > self.text_bytes_left:
            self.complain("the texts together are longer than is read")
            text = text[: self.text_bytes_left]
        self.text_bytes_left -= len(text)
        self.texts.append((keyword[:200].decode("latin-1"), text.decode(encoding, "replace")))

    def add_exif(self, block: bytes) -> None:
        """Keep an Exif block, without the prefix that some formats give it; the first one counts."""
        if self.exif is None:
            self.exif = block.removeprefix(b"Exif\0\0")


def decode_comment(data: bytes) -> tuple[bytes, str]:
    """A comment of no known encoding: its bytes without the closing NUL, and UTF-8 where they are that."""
    data = data.rstrip(b"\0")
    try:
        data.decode()
    except UnicodeDecodeError:
        return data, "latin-1"
    return data, "utf-8"
