"""The segments of a JPEG stream (ITU-T T.81, annex B)."""

import re
from collections.abc import Callable, Iterator

from doctored.picture.containers.draft import MAX_PARTS

SOI, EOI, SOS, DQT, DHT, DRI, COM, TEM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE, 0x01
# A stuffed byte, a restart and a fill byte are parts of a scan.
_NEXT = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def segments(
    data: bytes, start: int, complain: Callable[[str], None], max_segments: int = MAX_PARTS
) -> Iterator[tuple[int, int, int]]:
    """(second byte of the marker, where its payload starts, where it ends) of each segment after the SOI at
    `start`; the last is EOI, without a payload, unless the stream breaks off before.

    A payload may run past the end of `data`: then it is the last.
    """
    position, in_scan = start + 2, False
    for _ in range(max_segments):
        match = _NEXT.search(data, position)
        if match is None:
            complain("the file ends before its end marker")
            return
        begin = match.start()
        if begin != position and not in_scan and data[position:begin].strip(b"\xff"):
            complain("there are bytes between two segments that belong to neither")
        marker = data[begin + 1]
        position, in_scan = begin + 2, False
        if marker in (EOI, SOI, TEM):
            yield marker, position, position
            if marker == EOI:
                return
            continue
        size = int.from_bytes(data[position : position + 2], "big")
        if size < 2:
            complain("a segment's length is less than it can be")
            continue
        yield marker, position + 2, position + size
        position += size
        in_scan = marker == SOS
        if position > len(data):
            complain("a segment's length runs past the end of the file")
            return
    complain(f"there are more than {max_segments:,} segments; the rest was not read")


def find_end(data: bytes, start: int) -> int:
    """Where the JPEG stream that begins at `start` ends: after its EOI, or with the data."""
    for marker, _, end in segments(data, start, _keep_quiet):
        if marker == EOI:
            return end
    return len(data)


def _keep_quiet(problem: str) -> None:
    pass
