"""How a file is built: what is found is named, neutral, and nothing is said about ordinary files."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import hostile
from doctored.checks.container import EXTENSIONS, KNOWN_EXTENSIONS, ContainerCheck
from doctored.checks.trailing_data import recognize
from doctored.errors import PictureError
from doctored.picture import decode
from doctored.picture.formats import recognize_format
from doctored.records import Finding, Says, Strength

JPEG = hostile.save(hostile.scene(64, 48), "JPEG", quality=90)
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x10mdat" + bytes(8)
# The seeds that hold more than one picture; all others are ordinary.
SEVERAL = {"mpo", "png_animated", "webp_animated", "gif_animated", "tiff_pages"}


def run(data: bytes, name: str | None = None) -> list[Finding]:
    found = ContainerCheck().run(decode(data, name=name))
    for finding in found:
        assert finding.check == "container"
        assert (finding.says, finding.strength) == (Says.NEUTRAL, Strength.NONE)
        assert finding.limits
        json.dumps(finding.to_json())
    return found


def only(data: bytes, name: str | None = None) -> Finding:
    (finding,) = run(data, name)
    return finding


def zip_archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", "text")
    return stream.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_xmp(packet: bytes) -> bytes:
    return JPEG[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet) + JPEG[2:]


def samsung(*blocks: bytes) -> bytes:
    directory = b"SEFH" + struct.pack("<II", 107, len(blocks))
    return b"".join(blocks) + directory + struct.pack("<I", len(directory)) + b"SEFT"


def multi_picture(other: bytes, attribute: int) -> bytes:
    """A JPEG whose index names `other`, which follows it."""
    entry_at = 8 + 2 + 12 + 4

    def index(size: int, offset: int) -> bytes:
        head = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0xB002, 7, 32, entry_at, 0)
        entries = struct.pack(">IIIHH", 0x030000, len(JPEG), 0, 0, 0)
        return head + entries + struct.pack(">IIIHH", attribute, size, offset, 0, 0)

    segment_bytes = 4 + 4 + len(index(0, 0))
    start = 2 + 4 + 4
    offset = len(JPEG) + segment_bytes - start
    return JPEG[:2] + segment(0xE2, b"MPF\0" + index(len(other), offset)) + JPEG[2:] + other


@pytest.mark.parametrize("name", sorted(hostile.seeds().keys() - SEVERAL))
def test_there_is_nothing_to_say_about_an_ordinary_file(name):
    data = hostile.seeds()[name]
    image_format = recognize_format(data)
    try:
        for extension in EXTENSIONS[image_format]:
            assert run(data, f"folder/A photo.{extension.upper()}") == []
    except PictureError:
        assert name == "tiff_float"


@pytest.mark.parametrize("name", ["", "photo", "photo.", ".jpg.bak", "Screenshot at 10.30", "a.b.c", "png"])
def test_a_name_that_promises_nothing_is_no_finding(name):
    assert [finding.code for finding in run(JPEG, name)] == []


@pytest.mark.parametrize("extension", sorted(KNOWN_EXTENSIONS - set(EXTENSIONS["JPEG"])))
def test_an_extension_unlike_the_content_is_said(extension):
    finding = only(JPEG, f"a photo.{extension.title()}")
    assert finding.code == "extension_unlike_content"
    assert finding.text == f"The file's name ends in .{extension}, but its content is JPEG."
    assert finding.details["name"] == f"a photo.{extension.title()}"


@pytest.mark.parametrize(
    ("tail", "kind", "what"),
    [
        (bytes(1), "padding", ""),
        (b"\xff\0\0\r\n" * 100, "padding", ""),
        (MP4, "video", "MP4"),
        (bytes(100) + MP4, "video", "MP4"),
        (b"\x1aE\xdf\xa3webm", "video", "Matroska"),
        (samsung(b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + MP4), "video", "Samsung"),
        (samsung(b"\0\0\1\x0a\x0e\0\0\0Image_UTC_Data1600000000000"), "maker", "Samsung"),
        (JPEG, "picture", "JPEG"),
        (bytes(7) + hostile.seeds()["png"], "picture", "PNG"),
        (hostile.seeds()["avif"], "picture", "AVIF"),
        (b"8BPS", "picture", "Photoshop"),
        (zip_archive(), "foreign", "ZIP archive"),
        (b"something before " + zip_archive(), "foreign", "ZIP archive"),
        (b"Rar!\x1a\x07\1\0", "foreign", "RAR archive"),
        (b"%PDF-1.7", "foreign", "PDF"),
        (b"MZ" + bytes(62) + b"PE\0\0", "foreign", "program (Windows)"),
        (b"<?php echo 1; ?>", "foreign", "script"),
        (b"x", "unknown", ""),
    ],
)  # fmt: skip
def test_what_follows_the_picture_is_named(tail, kind, what):
    finding = only(JPEG + tail)
    assert finding.code == "data_after_picture"
    assert finding.details == {
        "kind": kind,
        "what": what or None,
        "announced": False,
        "start": len(JPEG),
        "bytes": len(tail),
        "first_bytes": tail[:16].hex(),
    }
    assert f"({len(tail):,} byte" in finding.text


@pytest.mark.parametrize("name", ["png", "webp", "gif", "bmp", "avif", "jpeg_progressive"])
def test_data_after_a_picture_of_any_format(name):
    data = hostile.seeds()[name]
    finding = only(data + zip_archive())
    assert finding.details["what"] == "ZIP archive"
    assert finding.details["start"] == len(data)


@pytest.mark.parametrize(
    ("packet", "is_announced"),
    [
        (b'<x GCamera:MicroVideoOffset="40"/>', True),
        (b"<GCamera:MicroVideoOffset>40</GCamera:MicroVideoOffset>", True),
        (b'<i Item:Semantic="Primary" Item:Length="0"/><i Item:Length="40" Item:Padding="0"/>', True),
        (b'<i Item:Length="900"/><i Item:Length="40"/>', True),
        (b'<i Item:Length="15"/><i Item:Length="20" Item:Padding="5"/>', True),
        (b'<i Item:Length="41"/>', False),
        (b'<i Item:Length="999999999999999999999999"/>', False),
        (b"<x/>", False),
    ],
)
def test_what_the_metadata_announce_is_known_to_be_announced(packet, is_announced):
    finding = only(with_xmp(packet) + b"z" * 40)
    assert finding.details["announced"] is is_announced
    assert finding.details["kind"] == ("announced" if is_announced else "unknown")
    assert ("announce" in finding.text) is is_announced


@pytest.mark.parametrize(
    ("name", "pictures", "words"),
    [
        ("gif_animated", 3, "animation of 3 frames"),
        ("png_animated", 3, "animation of 3 frames"),
        ("webp_animated", 3, "animation of 3 frames"),
        ("tiff_pages", 3, "holds 3 pictures"),
        ("mpo", 3, "holds 2 further pictures"),
    ],
)
def test_several_pictures_in_one_file_are_counted(name, pictures, words):
    finding = only(hostile.seeds()[name])
    assert finding.code == "several_pictures"
    assert finding.details["pictures"] == pictures
    assert words in finding.text


def test_an_animated_avif_is_an_animation():
    frames = [hostile.scene(), hostile.scene()[::-1]]
    first, second = map(Image.fromarray, frames)
    finding = only(hostile.save(first, "AVIF", save_all=True, append_images=[second]))
    assert "animation of 2 frames" in finding.text


def gain_map_jpegs() -> dict[str, bytes]:
    return {
        "by its own XMP": with_xmp(b'<x hdrgm:Version="1.0" hdrgm:GainMapMax="2.3"/>'),
        "by Apple's XMP": with_xmp(b"<HDRGainMap:HDRGainMapVersion>65536</HDRGainMap:HDRGainMapVersion>"),
        "by ISO 21496-1": JPEG[:2] + segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0data") + JPEG[2:],
    }  # fmt: skip


@pytest.mark.parametrize("name", gain_map_jpegs())
def test_a_gain_map_is_named(name):
    finding = only(multi_picture(gain_map_jpegs()[name], 0))
    assert finding.details == {"pictures": 2, "others": {"gain map": 1}}
    assert "a gain map for bright screens" in finding.text


def test_previews_and_unnamed_pictures_are_named_as_what_they_are():
    assert "a preview, as" in only(multi_picture(JPEG, 0x010002)).text
    assert "a further picture" in only(multi_picture(JPEG, 0)).text
    assert "another stereo view" in only(multi_picture(JPEG, 0x020002)).text


def test_what_follows_the_last_picture_of_an_index_follows_the_file():
    data = multi_picture(JPEG, 0x010001)
    assert [finding.code for finding in run(data)] == ["several_pictures"]
    assert [finding.code for finding in run(data + MP4)] == ["data_after_picture", "several_pictures"]


@pytest.mark.parametrize(
    ("value", "is_mark"),
    [(b"FBMD01000ac60300004a1d0000", True), (b"FBMD", False), (b"FBMD are my initials", False)],
)
def test_facebook_s_mark_is_known(value, is_mark):
    iptc = b"\x1c\x02\x28" + struct.pack(">H", len(value)) + value
    resource = b"8BIM\4\4\0\0" + struct.pack(">I", len(iptc)) + iptc
    data = JPEG[:2] + segment(0xED, b"Photoshop 3.0\0" + resource) + JPEG[2:]
    found = run(data)
    assert [finding.code for finding in found] == ["platform_mark"] * is_mark
    if is_mark:
        assert found[0].details["mark"] == value.decode()


@pytest.mark.parametrize(
    ("name", "platform"),
    [
        ("24331480_454773231590240_2065369614_n.jpg", "Facebook or Instagram"),
        ("IMG-20200101-WA0001.jpg", "WhatsApp"),
        ("IMG_20200101_120000.jpg", None),
        ("1_2_3_n.jpg", None),
    ],
)
def test_names_that_platforms_give_are_known(name, platform):
    found = run(JPEG, name)
    assert [finding.details["platform"] for finding in found] == [platform] * (platform is not None)


def test_a_broken_structure_is_said():
    tables = JPEG.index(b"\xff\xdb")
    finding = only(JPEG[:tables] + b"\0\0" + JPEG[tables:])
    assert finding.code == "broken_structure"
    assert finding.details["problems"] == ["there are bytes between two segments that belong to neither"]


@given(st.binary(min_size=1, max_size=300), st.none() | st.binary(max_size=100))
def test_any_tail_is_of_some_kind(tail, packet):
    trailing = recognize(tail, packet)
    only(JPEG + tail)
    assert trailing.kind in {
        "padding", "video", "maker", "picture", "foreign", "announced", "unknown",
    }  # fmt: skip


@given(st.text(max_size=60))
def test_no_name_breaks_the_check_or_leaves_it_uncleaned(name):
    for finding in run(JPEG, name + ".png"):
        assert finding.text.isprintable()
        assert all(not isinstance(value, str) or value.isprintable() for value in finding.details.values())


def test_damaged_files_of_every_kind_are_answered():
    rng = np.random.default_rng(0)
    for data in hostile.seeds().values():
        for _ in range(12):
            try:
                picture = decode(hostile.mutate(data + MP4, rng), name="a.jpg")
            except PictureError:
                continue
            for finding in ContainerCheck().run(picture):
                json.dumps(finding.to_json())
