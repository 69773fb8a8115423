"""Parts that Pillow does not write, put together by hand as their specifications say."""

import struct
import zlib

import pytest

import hostile
from doctored.picture.container import Container, OtherPicture, read_container
from doctored.picture.formats import recognize_format

JPEG = hostile.seeds()["jpeg"]
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_START = b"http://ns.adobe.com/xmp/extension/\0"
GUID = b"0123456789ABCDEF0123456789ABCDEF"
IPTC = b"\x1c\x02\x05\0\x05title"


def container(data: bytes) -> Container:
    image_format = recognize_format(data)
    assert image_format
    return read_container(data, image_format)


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(*segments: bytes, jpeg: bytes = JPEG) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def resource(number: int, data: bytes, name: bytes = b"") -> bytes:
    pascal = bytes((len(name),)) + name
    pascal += b"\0" * (len(pascal) % 2)
    return b"8BIM" + struct.pack(">H", number) + pascal + struct.pack(">I", len(data)) + data + b"\0" * (
        len(data) % 2
    )  # fmt: skip


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def extended(offset: int, piece: bytes, guid: bytes = GUID, size: int = 100) -> bytes:
    return segment(0xE1, EXTENSION_START + guid + struct.pack(">II", size, offset) + piece)


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


NOTE = b'<x xmpNote:HasExtendedXMP="' + GUID + b'"/>'


@pytest.mark.parametrize("note", [NOTE, b"<xmpNote:HasExtendedXMP>" + GUID + b"</x>"])
def test_extended_xmp_follows_the_packet_in_its_order(note):
    parts = (extended(4, b"next"), extended(0, b"once"), extended(0, b"other", b"F" * 32))
    found = container(with_segments(segment(0xE1, XMP_START + note), *parts))
    assert found.xmp == note + b"oncenext"
    assert found.problems == ()


def test_extended_xmp_that_nobody_named_is_left_out():
    found = container(with_segments(segment(0xE1, XMP_START + b"<x/>"), extended(0, b"other")))
    assert found.xmp == b"<x/>"
    assert found.problems == ("there is extended XMP that the XMP does not name",)


@pytest.mark.parametrize("offset", [5, 3, 0, 2**32 - 1])
def test_extended_xmp_with_a_hole_or_an_overlap_ends_there(offset):
    parts = (extended(0, b"once"), extended(offset, b"next"))
    found = container(with_segments(segment(0xE1, XMP_START + NOTE), *parts))
    assert found.xmp in (NOTE + b"once", NOTE + b"next")
    assert found.problems == ("a part of the extended XMP is missing or there twice",)


def test_exif_longer_than_a_segment_goes_on_in_the_next():
    found = container(with_segments(segment(0xE1, b"Exif\0\0first"), segment(0xE1, b"Exif\0\0second")))
    assert found.exif == b"firstsecond"


@pytest.mark.parametrize("cut", [None, 4, 30])
def test_iptc_is_found_among_photoshop_s_resources(cut):
    resources = resource(0x03ED, b"odd", b"name") + resource(0x0404, IPTC, b"no") + resource(0x0425, b"x")
    pieces = (resources,) if cut is None else (resources[:cut], resources[cut:])
    segments = [segment(0xED, b"Photoshop 3.0\0" + piece) for piece in pieces]
    found = container(with_segments(*segments))
    assert found.iptc == IPTC
    assert found.jpeg is not None
    assert "Photoshop" in found.jpeg.apps


def test_the_resources_of_a_tiff_hold_iptc_too():
    data = hostile.save(hostile.scene(), "TIFF", tiffinfo={34377: resource(0x0404, IPTC)})
    assert container(data).iptc == IPTC
    data = hostile.save(hostile.scene(), "TIFF", tiffinfo={33723: IPTC})
    assert container(data).iptc == IPTC


def raw_profile(kind: str, block: bytes, *, packed: bool) -> bytes:
    # ExifTool's name for it and ImageMagick's
    name = f"{kind.upper()} profile" if packed else kind
    text = f"\n{name}\n{len(block):8}\n{block.hex()}\n".encode()
    keyword = f"Raw profile type {kind}".encode() + b"\0"
    if packed:
        return hostile.png_chunk(b"zTXt", keyword + b"\0" + zlib.compress(text))
    return hostile.png_chunk(b"tEXt", keyword + text)


@pytest.mark.parametrize("packed", [True, False])
def test_profiles_in_hexadecimal_are_unpacked(packed):
    blocks = raw_profile("exif", hostile.exif(3), packed=packed)
    blocks += raw_profile("iptc", resource(0x0404, IPTC), packed=packed)
    blocks += raw_profile("xmp", b"<x/>", packed=packed)
    found = container(hostile.raw_png(1, 1, 8, 0, b"\0\0", before=blocks))
    assert found.exif == hostile.exif(3)[6:]
    assert found.iptc == IPTC
    assert found.xmp == b"<x/>"
    assert found.texts == found.problems == ()


def test_a_profile_that_is_no_hexadecimal_is_a_problem():
    chunk = hostile.png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 3\nabc\n")
    assert container(hostile.raw_png(1, 1, 8, 0, b"\0\0", before=chunk)).problems == (
        "a raw profile among the texts cannot be read",
    )


def manifest_cases() -> dict[str, bytes]:
    jumbf = struct.pack(">I4sI4s16s", 64, b"jumb", 30, b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xaa\x008\x9bq")
    webp = hostile.seeds()["webp"] + riff_chunk(b"C2PA", b"store")
    gif = hostile.seeds()["gif"]
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return {
        "jpeg": with_segments(segment(0xEB, b"JP\0\1\0\0\0\1" + jumbf)),
        "png": hostile.raw_png(1, 1, 8, 0, b"\0\0", before=hostile.png_chunk(b"caBX", jumbf)),
        "webp": webp[:4] + struct.pack("<I", len(webp) - 8) + webp[8:],
        "tiff": hostile.save(hostile.scene(), "TIFF", tiffinfo={52545: b"store"}),
        "gif": gif[:-1] + b"!\xff\x0bC2PA_GIF\1\0\0\5store\0;",
        "avif": hostile.seeds()["avif"] + box(b"uuid", uuid + b"store"),
    }


@pytest.mark.parametrize("name", manifest_cases())
def test_a_manifest_store_is_noticed(name):
    found = container(manifest_cases()[name])
    assert found.has_manifest
    assert found.problems == ()


def test_other_jumbf_is_no_manifest_store():
    jumbf = struct.pack(">I4sI4s16s", 64, b"jumb", 30, b"jumd", b"json\0\x11\0\x10\x80\0\0\xaa\x008\x9bq")
    assert not container(with_segments(segment(0xEB, b"JP\0\1\0\0\0\1" + jumbf))).has_manifest
    assert not container(with_segments(segment(0xFE, b"c2pa jumd jumb"))).has_manifest


def meta_file(version: int, method: int) -> bytes:
    """An AVIF's frame with an Exif and an XMP item, in the file or in the box `idat`."""
    block, packet = b"\0\0\0\6Exif\0\0II*\0block", b"<x/>"
    infe = struct.pack(">BxxxHH4s", 2, 1, 0, b"Exif") + b"\0"
    infe_xmp = struct.pack(">BxxxHH4s", 2, 2, 0, b"mime") + b"\0application/rdf+xml\0"
    iinf = box(b"iinf", struct.pack(">IH", 0, 2) + box(b"infe", infe) + box(b"infe", infe_xmp))
    ftyp = box(b"ftyp", b"avif\0\0\0\0avifmif1")
    idat = box(b"idat", block + packet) if method else b""

    def iloc(base: int) -> bytes:
        entries = b""
        for number, (start, pieces) in enumerate(((0, (6, len(block) - 6)), (len(block), (4,))), start=1):
            entries += struct.pack(">I" if version == 2 else ">H", number)
            entries += struct.pack(">H", method) if version else b""
            entries += struct.pack(">HIH", 0, base, len(pieces))
            for size in pieces:
                entries += struct.pack(">II", start, size)
                start += size
        count = struct.pack(">I" if version == 2 else ">H", 2)
        return box(b"iloc", struct.pack(">BxxxBB", version, 0x44, 0x40) + count + entries)

    def meta(base: int) -> bytes:
        return box(b"meta", b"\0\0\0\0" + iinf + iloc(base) + idat)

    base = 0 if method else len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(base) + (b"" if method else box(b"mdat", block + packet))


@pytest.mark.parametrize(("version", "method"), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_items_are_found_however_they_are_placed(version, method):
    found = container(meta_file(version, method))
    assert found.exif == b"II*\0block"
    assert found.xmp == b"<x/>"
    assert found.problems == ()


def test_what_a_heif_names_beside_its_picture():
    ref = box(b"iref", b"\0\0\0\0" + box(b"thmb", struct.pack(">HHH", 2, 1, 1)))
    items = b"".join(
        box(b"infe", struct.pack(">BxxxHH4s", 2, number, 0, b"av01") + b"\0") for number in (1, 2, 3)
    )
    iinf = box(b"iinf", struct.pack(">IH", 0, 3) + items)
    iprp = box(b"iprp", box(b"ipco", box(b"auxC", b"\0\0\0\0urn:com:apple:photo:2020:aux:hdrgainmap\0")))
    data = box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", b"\0\0\0\0" + iinf + ref + iprp)
    found = container(data)
    assert found.pictures == 2
    assert [other.kind for other in found.others] == ["preview", "gain map"]


def test_the_video_of_a_motion_photo_is_named():
    data = hostile.seeds()["avif"]
    found = container(data + box(b"mpvd", b"video"))
    assert found.end == len(data) + 13
    assert found.others == (OtherPicture("video", len(data) + 8, 5),)


@pytest.mark.parametrize("own", [0, 100, 896])
def test_a_bmp_that_belittles_itself_is_not_believed(own):
    data = hostile.seeds()["bmp"]
    assert container(data[:2] + struct.pack("<I", own) + data[6:]).end == len(data)
