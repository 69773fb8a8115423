"""What the bytes after a picture's end look like."""

import re
from typing import NamedTuple

from doctored.picture import formats

FILLING = b"\0\r\n\t "
SHOWN_BYTES = 16
SIGNATURES = {
    b"PK\x03\x04": "ZIP archive",
    b"Rar!\x1a\x07": "RAR archive",
    b"7z\xbc\xaf\x27\x1c": "7-Zip archive",
    b"\x1f\x8b\x08": "gzip",
    b"%PDF-": "PDF",
    b"\x7fELF": "program (ELF)",
    b"<?xml": "XML",
    b"<svg": "SVG",
    b"<html": "HTML",
    b"<!DOCTYPE html": "HTML",
    b"<script": "script",
    b"<?php": "script",
}
VIDEO_SIGNATURES = (b"\x1a\x45\xdf\xa3",)  # Matroska and WebM
ZIP_END = b"PK\x05\x06"
ZIP_END_REACH = 22 + 2**16  # the record itself and the longest comment (APPNOTE 4.3.16)
# Samsung's trailer (ExifTool, Samsung.pm): blocks, then a directory SEFH and its length, then SEFT.
SAMSUNG_END, SAMSUNG_VIDEO = b"SEFT", b"MotionPhoto_Data"
# Android's Motion Photo 1.0 and Ultra HDR 1.0: the metadata list what is appended; before, MicroVideo.
ITEM_LENGTH = re.compile(rb"Item:(Length|Padding)\s*(?:=\s*[\"']|>\s*)(\d{1,12})")
MICRO_VIDEO = re.compile(rb"MicroVideoOffset\s*(?:=\s*[\"']|>\s*)(\d{1,12})")
MAX_ITEMS = 100


class Trailing(NamedTuple):
    """`kind`: padding, video, maker, picture, foreign, announced or unknown; `what`: which picture format or
    foreign data; `is_announced`: the metadata give the length of what is appended, and it is this."""

    kind: str
    what: str
    is_announced: bool


def recognize(tail: bytes, xmp: bytes | None) -> Trailing:
    """`tail`: what follows the picture, at least one byte; `xmp`: the picture's packet."""
    is_announced = xmp is not None and _announces(xmp, len(tail))
    kind, what = _kind(tail)
    if kind == "unknown" and is_announced:
        kind = "announced"
    return Trailing(kind, what, is_announced)


def _kind(tail: bytes) -> tuple[str, str]:
    body = tail.lstrip(FILLING)
    if not body.strip(FILLING + b"\xff"):
        return "padding", ""
    if tail.rstrip(b"\0").endswith(SAMSUNG_END):
        return ("video", "Samsung") if SAMSUNG_VIDEO in tail else ("maker", "Samsung")
    if (media := _media_start(tail)) is not None:
        named = formats.recognize_format(tail[media : media + 512])
        return ("picture", named) if named else ("video", "MP4")
    if body.startswith(VIDEO_SIGNATURES):
        return "video", "Matroska"
    if named := formats.recognize_format(body[:512]) or formats.recognize_foreign_format(body[:512]):
        return "picture", named
    for signature, what in SIGNATURES.items():
        if body.startswith(signature):
            return "foreign", what
    if body.startswith(b"MZ") and b"PE\0\0" in body[:1024]:
        return "foreign", "program (Windows)"
    if ZIP_END in tail[-ZIP_END_REACH:]:
        return "foreign", "ZIP archive"
    return "unknown", ""


def _media_start(tail: bytes) -> int | None:
    """Where an ISO media file begins that nothing but zeros precede."""
    start = tail.find(b"ftyp") - 4
    return start if start >= 0 and not tail[:start].strip(b"\0") else None


def _announces(xmp: bytes, size: int) -> bool:
    if (offset := MICRO_VIDEO.search(xmp)) and int(offset[1]) == size:
        return True
    # Pictures that an index names are no part of the tail: it is what the last few items take up.
    total = 0
    for number, item in enumerate(reversed(ITEM_LENGTH.findall(xmp))):
        total += int(item[1])
        if total == size:
            return True
        if number >= MAX_ITEMS:
            break
    return False
