import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
from doctored.picture.tags import UNNAMED, read_orientation, read_profile_name


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_orientation_is_read_in_both_byte_orders(order, prefix):
    for orientation in range(1, 9):
        exif = hostile.exif(orientation, order).removeprefix(b"Exif\0\0")
        assert read_orientation(prefix + exif) == orientation


def test_the_tag_is_found_among_others_and_as_a_long():
    entries = struct.pack("<HHIHH", 0x010F, 2, 3, 65, 0) + struct.pack("<HHII", 0x0112, 4, 1, 6)
    assert read_orientation(b"II*\0" + struct.pack("<IH", 8, 2) + entries) == 6


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0",
        hostile.exif(0),
        hostile.exif(9),
        hostile.exif(6)[:20],
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 2, 1, 6),
    ],
)
def test_anything_else_means_upright(exif):
    assert read_orientation(exif) == 1


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0MM\0*\0\0\0\x08"]))
def test_no_exif_block_breaks_the_reader(data, beginning):
    assert 1 <= read_orientation(beginning + data) <= 8


@pytest.mark.parametrize("version", [2, 4])
def test_a_profile_is_named_by_its_description(version):
    assert read_profile_name(hostile.icc_profile("Adobe RGB (1998)", version)) == "Adobe RGB (1998)"


def test_a_real_profile_is_named():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    assert read_profile_name(profile.tobytes()) == ImageCms.getProfileDescription(profile).strip()


@pytest.mark.parametrize("profile", [b"", bytes(128), bytes(300), hostile.icc_profile("Display P3")[:150]])
def test_a_profile_that_cannot_be_read_is_there_all_the_same(profile):
    assert read_profile_name(profile) == UNNAMED


def test_a_name_cannot_write_to_a_terminal_or_fill_a_page():
    name = read_profile_name(hostile.icc_profile("\x1b[31mred\n" + "x" * 500))
    assert name.isprintable()
    assert len(name) == 100


@given(st.binary(max_size=300))
def test_no_profile_breaks_the_reader(data):
    assert read_profile_name(bytes(128) + data).isprintable()
