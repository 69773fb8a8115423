"""Whatever the bytes, a container comes back, and soon."""

import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
from doctored.picture import formats
from doctored.picture.container import READERS, Container, read_container
from doctored.picture.containers.draft import MAX_PARTS, MAX_TEXT_BYTES

MUTATIONS = 40
PATIENCE_S = 5  # of a machine that has other things to do; each case takes a few hundredths

STARTS = {
    formats.JPEG: b"\xff\xd8\xff\xe0",
    formats.PNG: b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
    formats.WEBP: b"RIFF\xff\xff\0\0WEBPVP8X",
    formats.TIFF: b"II*\0\x08\0\0\0\x01\0",
    formats.GIF: b"GIF89a\1\0\1\0\0\0\0!",
    formats.BMP: b"BM\xff\0\0\0\0\0\0\0\x36\0\0\0",
    formats.AVIF: b"\0\0\0\x10ftypavif\0\0\0\0\0\0\1\0meta\0\0\0\0",
    formats.HEIF: b"\0\0\0\x10ftypheic\0\0\0\0\0\0\1\0meta\0\0\0\0",
}


def require_sane(found: Container, data: bytes) -> None:
    assert 0 <= found.end <= len(data)
    assert found.pictures >= 1
    assert sum(len(text) for _, text in found.texts) <= MAX_TEXT_BYTES
    assert len(found.problems) <= 20
    for other in found.others:
        assert 0 <= other.start <= other.start + other.size <= len(data)
    assert all(problem.isprintable() for problem in found.problems)
    if found.jpeg is not None:
        assert all(len(table) == 64 for table in found.jpeg.tables.values())
        assert all(name.isprintable() and len(name) <= 40 for name in found.jpeg.apps)


@pytest.mark.parametrize("name", hostile.seeds())
def test_a_damaged_file_gives_what_it_has(name):
    rng = np.random.default_rng(len(name))
    seed = hostile.seeds()[name]
    image_format = formats.recognize_format(seed)
    assert image_format is not None
    for _ in range(MUTATIONS):
        data = hostile.mutate(seed, rng)
        require_sane(read_container(data, image_format), data)
    for end in range(0, len(seed), max(1, len(seed) // 100)):
        require_sane(read_container(seed[:end], image_format), seed[:end])


@pytest.mark.parametrize("image_format", READERS)
@given(data=st.binary(max_size=400), is_begun=st.booleans())
def test_any_bytes_of_any_format(image_format, data, is_begun):
    data = STARTS[image_format] + data if is_begun else data
    require_sane(read_container(data, image_format), data)


@given(st.lists(st.tuples(st.integers(1, 254), st.binary(max_size=40), st.integers(-3, 3)), max_size=12))
def test_any_segments_of_a_jpeg(segments):
    data = b"\xff\xd8"
    for marker, payload, lie in segments:
        data += b"\xff" + bytes((marker,)) + struct.pack(">H", max(0, len(payload) + 2 + lie)) + payload
    require_sane(read_container(data, formats.JPEG), data)


@given(st.lists(st.tuples(st.sampled_from([b"Exif", b"mime", b"av01"]), st.binary(max_size=60)), max_size=9))
def test_any_tables_of_a_heif(entries):
    def box(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", 8 + len(payload)) + kind + payload

    items = b"".join(
        box(b"infe", struct.pack(">BxxxHH4s", 2, number, 0, kind)) for number, (kind, _) in enumerate(entries)
    )
    tables = b"".join(payload for _, payload in entries)
    inner = box(b"iinf", struct.pack(">IH", 0, len(entries)) + items) + box(b"iloc", tables)
    data = box(b"ftyp", b"avif\0\0\0\0") + box(
        b"meta", bytes(4) + inner + box(b"iref", tables) + box(b"iprp", tables)
    )
    require_sane(read_container(data, formats.AVIF), data)


def test_a_format_without_a_reader_is_one_long_picture():
    found = read_container(b"anything", "XYZ")
    assert found.end == 8
    assert found.problems == ()


def endless_cases() -> dict[str, tuple[str, bytes]]:
    million = 1_000_000
    jpeg, png = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
    webp, gif, ftyp = b"RIFF\xff\xff\xff\x7fWEBP", b"GIF89a\1\0\1\0\0\0\0", b"\0\0\0\x10ftypavif\0\0\0\0"
    tag = struct.pack("<HHII", 700, 1, 2**31, 0)
    circle = b"II*\0" + struct.pack("<IH", 8, 1000) + tag * 1000 + struct.pack("<I", 8)
    chain = b"".join(struct.pack("<HI", 0, 14 + 6 * number) for number in range(100_000))
    infe = b"\0\0\0\x14infe\2\0\0\0\0\1\0\0Exif"
    items = b"\0\0\0\0\xff\xff" + infe * 100_000
    iinf = struct.pack(">I", 8 + len(items)) + b"iinf" + items
    places = b"\0\0\0\0\x44\0\xff\xff" + (b"\0\1\0\0\0\1" + bytes(4) + b"\x7f\xff\xff\xff") * 65_535
    iloc = struct.pack(">I", 8 + len(places)) + b"iloc" + places
    meta = struct.pack(">I", 12 + len(iinf + iloc)) + b"meta\0\0\0\0" + iinf + iloc
    index = b"MPF\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0xB002, 7, 16 * 2000, 26, 0)
    index += struct.pack("<IIIHH", 0, 2**31, 40_000, 0, 0) * 2000
    return {
        "nulls": ("JPEG", jpeg + bytes(million)),
        "fill bytes": ("JPEG", jpeg + b"\xff" * million + b"\0"),
        "tiny segments": ("JPEG", jpeg + b"\xff\xe5\0\2" * million),
        "zero lengths": ("JPEG", jpeg + b"\xff\xe1\0\0" * million),
        "beginnings": ("JPEG", jpeg * million),
        "comments": ("JPEG", jpeg + b"\xff\xfe\0\3a" * million),
        "one picture indexed again and again": (
            "JPEG",
            jpeg + b"\xff\xe2" + struct.pack(">H", len(index) + 2) + index + bytes(9000) + jpeg * million,
        ),
        "tiny chunks": ("PNG", png + b"\0\0\0\0tEXt\0\0\0\0" * million),
        "tiny chunks of pixels": ("PNG", png + b"\0\0\0\0IDAT\0\0\0\0" * million),
        "nulls in a PNG": ("PNG", png + bytes(million)),
        "RIFF chunks": ("WEBP", webp + b"EXIF\0\0\0\0" * million),
        "tiny blocks": ("GIF", gif + b"!\xfe\1a\0" * million),
        "tiny sub-blocks": ("GIF", gif + b"!\xfe" + b"\1a" * 4 * million),
        "pages in a circle": ("TIFF", circle),
        "pages": ("TIFF", b"II*\0\x08\0\0\0" + chain),
        "tiny boxes": ("AVIF", ftyp + b"\0\0\0\x08free" * million),
        "items": ("AVIF", ftyp + meta),
    }


@pytest.mark.parametrize("name", endless_cases())
def test_endless_files_end(name):
    image_format, data = endless_cases()[name]
    began = time.perf_counter()
    found = read_container(data, image_format)
    assert time.perf_counter() - began < PATIENCE_S
    require_sane(found, data)
    assert found.problems
    if found.jpeg is not None:
        assert len(found.jpeg.markers) <= MAX_PARTS + 1


@pytest.mark.parametrize("megabytes", [1, 200])
@pytest.mark.parametrize("keyword", [b"k", b"XML:com.adobe.xmp", b"Raw profile type xmp"])
def test_compressed_texts_unpack_to_no_more_than_their_limit(megabytes, keyword):
    text = zlib.compress(b"\nxmp\n 3\n" + bytes(megabytes << 20), 9)
    international = keyword + b"\0\1\0\0\0" + text
    chunks = hostile.png_chunk(b"zTXt", keyword + b"\0\0" + text)
    chunks += hostile.png_chunk(b"iTXt", international) * 40
    began = time.perf_counter()
    found = read_container(hostile.raw_png(1, 1, 8, 0, b"\0\0", before=chunks), formats.PNG)
    assert time.perf_counter() - began < PATIENCE_S
    kept = sum(len(text) for _, text in found.texts) + len(found.xmp or b"")
    assert kept <= MAX_TEXT_BYTES
    assert found.problems


def test_a_lying_length_costs_the_rest_and_no_more():
    jpeg = hostile.save(hostile.scene(), "JPEG", comment=b"kept")
    dqt = jpeg.index(b"\xff\xdb")
    found = read_container(jpeg[: dqt + 2] + b"\xff\xff" + jpeg[dqt + 4 :], formats.JPEG)
    assert found.texts == (("comment", "kept"),)
    assert found.end == len(jpeg)
    assert "a segment's length runs past the end of the file" in found.problems
