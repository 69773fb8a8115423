import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from doctored.picture.metadata.exif import MAX_TEXT_BYTES, read_exif
from provenance_metadata import comment, exif, jpeg_of, scene, with_thumbnail

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60).map(str.strip)
RATIONALS = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6))


def block(tags: dict[int, object], camera: dict[int, object] | None = None) -> bytes:
    return exif(tags, camera or {}).tobytes().removeprefix(b"Exif\0\0")


def in_order(data: bytes, order: str) -> bytes:
    """One SHORT tag and one ASCII tag, by hand, in either byte order."""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entries = struct.pack(f"{order}HHIHH", 274, 3, 1, 6, 0) + struct.pack(
        f"{order}HHII", 271, 2, len(data), 38
    )
    return magic + struct.pack(f"{order}IH", 8, 2) + entries + bytes(4) + data


@given(
    texts=st.dictionaries(st.sampled_from([270, 271, 272, 305, 315]), TEXTS.filter(bool)),
    iso=st.integers(1, 65535),
    exposure=RATIONALS,
    size=st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1)),
)
def test_values_are_those_that_pillow_wrote_and_reads(texts, iso, exposure, size):
    camera = {33434: exposure[0] / exposure[1], 34855: iso, 40962: size[0], 40963: size[1]}
    data = block(dict(texts), camera)
    oracle = Image.Exif()
    oracle.load(data)
    found = read_exif(data)
    assert found.problems == ()
    for tag, text in texts.items():
        assert found.tags[ExifTags.TAGS[tag]] == oracle[tag].rstrip("\0") == text
    theirs = oracle.get_ifd(0x8769)
    assert found.tags["ISO"] == theirs[34855] == iso
    assert found.tags["ExposureTime"] == pytest.approx(float(theirs[33434]))
    assert (found.tags["PixelXDimension"], found.tags["PixelYDimension"]) == size


@pytest.mark.parametrize("order", ["<", ">"])
def test_either_byte_order_is_read(order):
    assert read_exif(in_order(b"Canon\0", order)).tags == {"Orientation": 6, "Make": "Canon"}


def test_a_big_tiff_is_read():
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16)
    entries = struct.pack("<HHQ", 274, 3, 1) + struct.pack("<H6x", 3) + struct.pack("<HHQQ", 271, 2, 10, 72)
    data = head + struct.pack("<Q", 2) + entries + struct.pack("<Q", 0)
    assert len(data) == 72
    assert read_exif(data + b"Hasselblad").tags == {"Orientation": 3, "Make": "Hasselblad"}


@pytest.mark.parametrize("order", ["be", "le"])
@pytest.mark.parametrize("text", ["Steps: 20", "ein Fuchs, größer", "狐の写真 Steps: 20"])
def test_a_unicode_comment_is_read_in_either_order(order, text):
    assert read_exif(block({}, {37510: comment(text, order)})).tags["UserComment"] == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"ASCII\0\0\0Steps: 20\0\0", "Steps: 20"),
        (b"JIS\0\0\0\0\0" + "狐".encode("iso2022_jp"), "狐"),
        (bytes(8) + "größer".encode(), "größer"),
        (b"UNICODE\0" + "fox".encode("utf-16"), "fox"),
        (b"no prefix at all", "no prefix at all"),
        (b"UNICODE\0", ""),
        (b"UNICODE\0a", "\ufffd"),
    ],
)
def test_comments_of_every_code(raw, text):
    assert read_exif(block({}, {37510: raw})).tags["UserComment"] == text


def test_a_comment_of_windows_is_utf_16():
    raw = "größer".encode("utf-16-le") + b"\0\0"
    assert read_exif(block({0x9C9C: raw})).tags["XPComment"] == "größer"


def test_the_thumbnail_is_that_of_the_second_directory():
    thumbnail = jpeg_of(scene(1, 48, 32))
    found = read_exif(with_thumbnail({271: "Canon", 272: "EOS"}, thumbnail)[6:])
    assert found.thumbnail == thumbnail
    assert found.tags == {"Make": "Canon", "Model": "EOS"}


def test_the_thumbnail_is_pillow_s_too():
    thumbnail = jpeg_of(scene(1, 48, 32))
    data = with_thumbnail({271: "Canon"}, thumbnail)
    stream = BytesIO()
    scene().save(stream, "JPEG", exif=data)
    theirs = Image.open(stream).getexif().get_ifd(ExifTags.IFD.IFD1)
    assert theirs[513] + theirs[514] == len(data) - 6
    assert read_exif(data[6:]).thumbnail == thumbnail


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "it does not begin as a TIFF block does"),
        (b"II*\0\xff\0\0\0", "a directory lies behind the end"),
        (b"II*\0\x08\0\0\0\xff\xff" + bytes(12), "a directory has more tags than any real one"),
        (b"II*\0\x08\0\0\0\x02\0" + bytes(12), "a directory runs past the end"),
        (b"II*\0\x08\0\0\0\x00\0\x08\0\0\0", "a directory points back to one that was read"),
        (in_order(b"", "<")[:26] + struct.pack("<II", 9999, 38) + bytes(4), "a value runs past the end"),
        (b"II*\0\x08\0\0\0\x01", "it ends in the middle of a directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(data, problem):
    assert problem in read_exif(data).problems


def test_tags_that_share_one_place_cannot_ask_for_more_than_the_budget():
    names = [270, 271, 272, 305, 315, 33432, 11]
    entries = b"".join(struct.pack("<HHII", tag, 2, 2 * MAX_TEXT_BYTES, 0) for tag in names)
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", len(names)) + entries + b"x" * (3 * MAX_TEXT_BYTES)
    found = read_exif(data)
    assert sum(len(value) for value in found.tags.values()) <= 4 * MAX_TEXT_BYTES


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data):
    for head in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"):
        read_exif(head + data)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12), st.integers(0, 500))
def test_any_damage_is_read(changes, end):
    data = bytearray(with_thumbnail({271: "Canon", 272: "EOS", 305: "GIMP"}, b"\xff\xd8\xff\xd9" * 20)[6:])
    for place, value in changes:
        data[place % len(data)] = value
    for value in read_exif(bytes(data[:end])).tags.values():
        assert value is None or isinstance(value, str | int | float | tuple)
