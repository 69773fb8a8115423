"""What the check says of JPEGs whose past is known, and that no JPEG makes it raise."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from doctored.checks.base import run_checks
from doctored.checks.jpeg import JpegCheck
from doctored.checks.texts import LIMITS
from doctored.picture import decode, encode_png
from doctored.records import Kind, Says, Strength
from toy_scenes import make_scene, save, to_jpeg


def findings_of(data):
    found = run_checks([JpegCheck()], [decode(data)])[0]
    assert all(finding.check == "jpeg" and finding.limits == LIMITS["jpeg"] for finding in found)
    return {finding.code: finding for finding in found}


def test_a_picture_saved_once():
    found = findings_of(to_jpeg(make_scene(), 85))
    assert set(found) == {"jpeg_tables"}
    tables = found["jpeg_tables"]
    assert tables.says is Says.NEUTRAL
    assert tables.details == {"encoder": "standard", "quality": 85, "examined": True}
    assert "quality 85" in tables.text


def test_a_picture_saved_twice():
    found = findings_of(to_jpeg(save(make_scene(), 65), 90))
    assert set(found) == {"jpeg_tables", "jpeg_saved_twice"}
    twice = found["jpeg_saved_twice"]
    assert twice.says is Says.NEUTRAL
    assert abs(twice.details["first_quality"] - 65) <= 2
    assert twice.details["last_quality"] == 90


def test_a_picture_cropped_between_two_savings():
    scene = make_scene()
    found = findings_of(to_jpeg(save(scene, 65).crop((3, 5, *scene.size)), 90))
    assert set(found) == {"jpeg_tables", "jpeg_grid_shifted"}
    details = found["jpeg_grid_shifted"].details
    assert (details["grid_begins_down"], details["grid_begins_across"]) == (3, 5)


def spliced(**options):
    composed = make_scene(seed=1)
    composed.paste(save(make_scene(seed=2), 60).crop((3, 5, 163, 125)), (8, 8))
    return to_jpeg(composed, 90, **options)


def test_a_part_on_a_grid_of_its_own_is_a_weak_sign_of_tampering():
    part = findings_of(spliced())["jpeg_grids_differ"]
    assert part.says is Says.FAKE
    assert part.strength is Strength.WEAK
    assert part.kind is Kind.TAMPERED
    x, y, width, height = part.region
    assert 8 <= x + width / 2 <= 168
    assert 8 <= y + height / 2 <= 128


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_part_is_where_it_is_seen(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    data = spliced(exif=exif)
    picture = decode(data)
    x, y, width, height = findings_of(data)["jpeg_grids_differ"].region
    mask = np.zeros((256, 320, 3), dtype=np.uint8)
    mask[8:128, 8:168] = 255
    stream = BytesIO()
    Image.fromarray(mask).save(stream, "PNG", exif=exif)
    pasted = decode(stream.getvalue()).pixels[..., 0]
    assert pasted.shape == picture.pixels.shape[:2]
    assert pasted[y : y + height, x : x + width].mean() > 100


def test_other_formats_have_no_such_past():
    assert findings_of(encode_png(np.asarray(make_scene()))) == {}


@pytest.mark.parametrize("size", [(63, 200), (1, 1), (32, 32)])
def test_a_small_picture_has_only_its_tables_named(size):
    found = findings_of(to_jpeg(save(make_scene(*size), 50), 90))
    assert set(found) == {"jpeg_tables"}
    assert found["jpeg_tables"].details["examined"] is False


def test_tables_of_nobody_are_given_whole():
    steps = [min(255, 2 + 3 * (place // 8 + place % 8)) for place in range(64)]
    tables = findings_of(to_jpeg(make_scene(), -1, qtables=[steps, steps]))["jpeg_tables"]
    assert tables.details["encoder"] is None
    assert sorted(tables.details["tables"]) == ["0", "1"]
    assert sorted(tables.details["tables"]["0"]) == sorted(steps)
    assert "nearest" in tables.text


def test_photoshops_preset_is_named():
    tables = findings_of(to_jpeg(make_scene(), "web_low"))["jpeg_tables"]
    assert tables.details["encoder"] == "photoshop"
    assert "web low" in tables.text


def with_long_tables(data):
    """The same JPEG, its quantisation tables of 16 bits (T.81 B.2.4.1; made for extended sequential)."""
    at = data.index(b"\xff\xdb")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    rest = data[at + 4 : at + 2 + length]
    long = b"".join(
        bytes([0x10 | rest[start]])
        + bytes(byte for step in rest[start + 1 : start + 65] for byte in (0, step))
        for start in range(0, len(rest), 65)
    )
    return data[:at] + b"\xff\xdb" + (len(long) + 2).to_bytes(2, "big") + long + data[at + 2 + length :]


def test_tables_of_16_bits_are_read_alike():
    found = findings_of(with_long_tables(to_jpeg(save(make_scene(), 60), 90)))
    assert found["jpeg_tables"].details["quality"] == 90
    assert "jpeg_saved_twice" in found


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    mode=st.sampled_from(["RGB", "L", "CMYK"]),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0", "4:1:1"]),
    progressive=st.booleans(),
    has_long_tables=st.booleans(),
)
def test_any_jpeg_is_examined_without_an_error(
    width, height, mode, quality, subsampling, progressive, has_long_tables
):
    picture = make_scene(width, height).convert(mode)
    options = {"subsampling": subsampling, "progressive": progressive} if mode != "L" else {}
    data = to_jpeg(picture, quality, **options)
    if has_long_tables:
        data = with_long_tables(data)
    found = findings_of(data)
    assert set(found) <= {"jpeg_tables", "jpeg_saved_twice", "jpeg_grid_shifted", "jpeg_grids_differ"}
    assert found["jpeg_tables"].details["quality"] == quality
    assert found["jpeg_tables"].details["examined"] == (mode != "CMYK" and min(width, height) >= 64)


@pytest.mark.parametrize("length", range(0, 700, 23))
def test_a_header_that_breaks_off_is_no_error(length):
    """Pillow reads some files whose tables were cut out; the check then has nothing to say."""
    data = to_jpeg(make_scene(80, 80), 70)
    at = data.index(b"\xff\xdb")
    picture = decode(data)
    picture.bytes = data[: at + length]
    assert "could_not_check" not in {finding.code for finding in run_checks([JpegCheck()], [picture])[0]}
