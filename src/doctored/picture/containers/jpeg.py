"""JPEG files: segments, and the names of those that applications put in (ITU-T T.81, annex B; JFIF; Exif;
XMP part 3; CIPA DC-007 for several pictures in one file)."""

import re
import struct
from operator import itemgetter

from doctored.picture.containers.draft import Component, Draft, JpegHeader, decode_comment
from doctored.picture.containers.markers import COM, DHT, DQT, DRI, EOI, SOI, SOS, segments
from doctored.untrusted import clean

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))

EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP = b"Photoshop 3.0\0"
INDEX = b"MPF\0"
EXTENSION_GUID = rb"HasExtendedXMP\s*(?:=\s*[\"']|>\s*)([0-9A-Fa-f]{32})"
GUID_BYTES = 32

APP_NAMES = {
    b"JFIF": "JFIF",
    b"JFXX": "JFXX",
    b"Exif": "Exif",
    XMP[:-1]: "XMP",
    EXTENDED_XMP[:-1]: "extended XMP",
    b"ICC_PROFILE": "ICC",
    b"MPF": "MPF",
    b"Photoshop 3.0": "Photoshop",
    b"urn:iso:std:iso:ts:21496:-1": "ISO 21496-1",
}
APP_STARTS = {b"Adobe": "Adobe", b"JP": "JUMBF", b"Ducky": "Ducky"}
MAX_APP_NAME = 40


def _along_zigzag(place: int) -> tuple[int, int]:
    """Sorts the 64 places of the natural order into zigzag order (T.81, figure A.6)."""
    row, column = divmod(place, 8)
    return row + column, row if (row + column) % 2 else column


ZIGZAG = sorted(range(64), key=_along_zigzag)
_to_natural_order = itemgetter(*sorted(range(64), key=ZIGZAG.__getitem__))


class _Segments:
    """What the segments of one JPEG have said so far."""

    def __init__(self) -> None:
        self.tables: dict[int, tuple[int, ...]] = {}
        self.frame = bytes(6)
        self.frame_marker = 0
        self.restart_interval = 0
        self.markers = [SOI]
        self.apps: list[str] = []
        self.exif: list[bytes] = []
        self.extended_xmp: list[bytes] = []
        self.photoshop: list[bytes] = []
        self.index: tuple[int, bytes] | None = None


def read(data: bytes, draft: Draft) -> None:
    found = _Segments()
    try:
        for marker, start, end in segments(data, 0, draft.complain):
            found.markers.append(marker)
            if marker == EOI:
                draft.end = end
            elif marker not in (SOS, DHT):
                _read_segment(marker, data[start:end], start, draft, found)
    finally:
        _settle(data, draft, found)


def _read_segment(marker: int, payload: bytes, start: int, draft: Draft, found: _Segments) -> None:
    if marker == DQT:
        _read_tables(payload, draft, found.tables)
    elif 0xE0 <= marker <= 0xEF:
        _read_app(marker & 15, payload, start, draft, found)
    elif marker in FRAMES:
        if not found.frame_marker:
            found.frame, found.frame_marker = payload, marker
    elif marker == DRI:
        found.restart_interval = int.from_bytes(payload[:2], "big")
    elif marker == COM:
        draft.add_text(b"comment", *decode_comment(payload))


def _read_tables(payload: bytes, draft: Draft, tables: dict[int, tuple[int, ...]]) -> None:
    position = 0
    while position < len(payload):
        is_long, identifier = payload[position] >> 4, payload[position] & 15
        raw = payload[position + 1 : position + 1 + (128 if is_long else 64)]
        position += 1 + (128 if is_long else 64)
        if position > len(payload):
            draft.complain("a quantisation table is cut short")
            return
        values = struct.unpack(">64H", raw) if is_long else raw
        tables.setdefault(identifier, _to_natural_order(values))


def _read_app(number: int, payload: bytes, start: int, draft: Draft, found: _Segments) -> None:
    found.apps.append(_app_name(number, payload))
    if number == 1:
        if payload.startswith(EXIF):
            found.exif.append(payload[len(EXIF) :])
        elif payload.startswith(XMP):
            if draft.xmp is None:
                draft.xmp = payload[len(XMP) :]
        elif payload.startswith(EXTENDED_XMP):
            found.extended_xmp.append(payload[len(EXTENDED_XMP) :])
    elif number == 2 and payload.startswith(INDEX) and found.index is None:
        found.index = (start + len(INDEX), payload[len(INDEX) :])
    elif number == 11 and payload.startswith(b"JP"):
        # The type of the JUMBF superbox (C2PA 2.1, 11.3.1), after the header of ISO/IEC 18477-3.
        draft.has_manifest |= payload[24:28] == b"c2pa" or b"jumdc2pa" in payload[:64]
    elif number == 13 and payload.startswith(PHOTOSHOP):
        found.photoshop.append(payload[len(PHOTOSHOP) :])


def _app_name(number: int, payload: bytes) -> str:
    identifier = payload.partition(b"\0")[0] if len(payload) < 256 else payload[:256].partition(b"\0")[0]
    if name := APP_NAMES.get(identifier):
        return name
    for beginning, name in APP_STARTS.items():
        if payload.startswith(beginning):
            return name
    text = identifier.decode("ascii", "replace")
    return clean(text, MAX_APP_NAME) if text.isascii() and text.isprintable() and text else f"APP{number}"


def _settle(data: bytes, draft: Draft, found: _Segments) -> None:
    """Put together what segments gave in parts."""
    if found.exif:
        # A block longer than a segment goes on in the next.
        draft.exif = b"".join(found.exif)
    if found.photoshop:
        from doctored.picture.containers.photoshop import read_iptc  # late, like the next: few files need it

        draft.iptc = read_iptc(b"".join(found.photoshop))
    if found.extended_xmp and draft.xmp is not None:
        draft.xmp += _extended_xmp(draft.xmp, found.extended_xmp, draft)
    draft.jpeg = _header(draft, found)
    if found.index is not None:
        from doctored.picture.containers.multi_picture import read_index

        read_index(data, found.index[0], found.index[1], draft)


def _extended_xmp(packet: bytes, parts: list[bytes], draft: Draft) -> bytes:
    """The parts of the extension that the packet names (XMP part 3, 1.1.3.1), in their order."""
    named = re.search(EXTENSION_GUID, packet)
    if named is None:
        draft.complain("there is extended XMP that the XMP does not name")
        return b""
    guid = named[1].upper()
    own = sorted(
        (int.from_bytes(part[GUID_BYTES + 4 : GUID_BYTES + 8], "big"), part[GUID_BYTES + 8 :])
        for part in parts
        if part[:GUID_BYTES].upper() == guid
    )
    whole = bytearray()
    for offset, piece in own:
        if offset != len(whole):
            draft.complain("a part of the extended XMP is missing or there twice")
            break
        whole += piece
    return bytes(whole)


def _header(draft: Draft, found: _Segments) -> JpegHeader:
    frame = found.frame
    components: tuple[Component, ...] = ()
    if len(frame) < 6 or len(frame) < 6 + 3 * frame[5]:
        draft.complain("the frame's header is cut short")
        frame = frame[:5].ljust(6, b"\0")
    else:
        components = tuple(
            Component(frame[place], frame[place + 1] >> 4, frame[place + 1] & 15, frame[place + 2])
            for place in range(6, 6 + 3 * frame[5], 3)
        )
    return JpegHeader(
        width=int.from_bytes(frame[3:5], "big"),
        height=int.from_bytes(frame[1:3], "big"),
        precision=frame[0],
        tables=found.tables,
        components=components,
        is_progressive=found.frame_marker in PROGRESSIVE,
        restart_interval=found.restart_interval,
        scans=found.markers.count(SOS),
        markers=tuple(found.markers),
        apps=tuple(found.apps),
    )
