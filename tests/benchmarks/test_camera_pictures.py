from io import BytesIO

import pytest
from PIL import ExifTags, Image

from benchmarks import checks_speed
from benchmarks.camera_pictures import THUMBNAIL, camera_exif, make_pictures
from doctored.picture import decode


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return make_pictures(320, 240, 2)


def test_a_made_picture_is_like_a_camera_s(pictures):
    for data in pictures:
        picture = decode(data)
        header = picture.container().jpeg
        assert (picture.width, picture.height) == (320, 240)
        assert header is not None
        assert [component[1:3] for component in header.components] == [(2, 2), (1, 1), (1, 1)]
        assert picture.container().problems == ()


def test_pillow_reads_the_exif_and_its_thumbnail(pictures):
    with Image.open(BytesIO(pictures[0])) as image:
        exif = image.getexif()
        assert exif[0x0110] == "Example One"
        assert exif.get_ifd(0x8769)[0xA002] == 320
        assert float(exif.get_ifd(0x8769)[0x829A]) == 1 / 250
        thumbnail = exif.get_ifd(ExifTags.IFD.IFD1)
    block = decode(pictures[0]).container().exif
    assert block is not None
    start, size = thumbnail[0x0201], thumbnail[0x0202]
    assert Image.open(BytesIO(block[start : start + size])).size == THUMBNAIL
    assert camera_exif(320, 240, block[start : start + size]) == b"Exif\0\0" + block


def test_each_check_is_timed_and_shares_add_up(pictures):
    figures = checks_speed.measure("small", pictures, rounds=6)
    assert {"checks.small_ratio", "checks.small_ratio.checks", "checks.small_ratio.pillow"} <= set(figures)
    assert "checks.small_ms.container" in figures
    assert all(figure.value > 0 and figure.n == 6 for figure in figures.values())
