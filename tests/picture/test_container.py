"""Pillow writes the files: what it put in comes out again, byte for byte."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import hostile
from doctored.picture import decode
from doctored.picture.container import Container, read_container
from doctored.picture.formats import recognize_format

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
TAGS = Image.Exif()
TAGS[0x010F] = "A maker"
EXIF = TAGS.tobytes()
TIFF_BLOCK = EXIF.removeprefix(b"Exif\0\0")


def container(data: bytes) -> Container:
    image_format = recognize_format(data)
    assert image_format
    return read_container(data, image_format)


def saved(image_format: str, **options: object) -> Container:
    return container(hostile.save(hostile.scene(), image_format, **options))


@pytest.mark.parametrize("name", hostile.seeds())
def test_a_valid_file_is_followed_to_its_end(name):
    data = hostile.seeds()[name]
    found = container(data)
    assert found.problems == ()
    assert found.end == len(data)
    assert not found.has_manifest
    if name == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    with Image.open(BytesIO(data)) as image:
        assert found.pictures == getattr(image, "n_frames", 1)
        assert (found.jpeg is not None) == (image.format in ("JPEG", "MPO"))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_comes_out_as_it_went_in(image_format):
    assert saved(image_format, exif=EXIF).exif == TIFF_BLOCK
    assert saved(image_format).exif is None


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "AVIF", "TIFF"])
def test_xmp_comes_out_as_it_went_in(image_format):
    options = {"tiffinfo": {700: XMP}} if image_format == "TIFF" else {"xmp": XMP}
    assert saved(image_format, **options).xmp == XMP
    assert saved(image_format).xmp is None


def test_the_xmp_of_a_gif_comes_out():
    tail = bytes((1, *range(255, -1, -1), 0))
    extension = b"!\xff\x0bXMP DataXMP" + XMP + tail
    data = hostile.save(hostile.scene(), "GIF")
    screen = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    data = data[:screen] + extension + data[screen:]
    assert decode(data).pixels.shape == hostile.scene().shape
    assert container(data).xmp == XMP
    assert container(data).problems == ()


@pytest.mark.parametrize("packed", [False, True])
def test_the_texts_of_a_png_come_out(packed):
    written = PngImagePlugin.PngInfo()
    written.add_text("parameters", "a café", zip=packed)
    written.add_itxt("prompt", "ein Bild, 図", "de", "Aufforderung", zip=packed)
    written.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=packed)
    found = saved("PNG", pnginfo=written)
    assert found.texts == (("parameters", "a café"), ("prompt", "ein Bild, 図"))
    assert found.xmp == XMP


@pytest.mark.parametrize("image_format", ["JPEG", "GIF"])
def test_comments_come_out(image_format):
    assert saved(image_format, comment=b"caf\xc3\xa9").texts == (("comment", "café"),)
    assert saved(image_format, comment=b"caf\xe9").texts == (("comment", "café"),)


@pytest.mark.parametrize("quality", [1, 50, 75, 90, 100])
def test_quantisation_tables_are_those_that_pillow_reads(quality):
    data = hostile.save(hostile.scene(), "JPEG", quality=quality, subsampling="4:2:0")
    found = container(data).jpeg
    assert found is not None
    with Image.open(BytesIO(data)) as image:
        assert {key: list(table) for key, table in found.tables.items()} == image.quantization
        assert (found.width, found.height) == image.size
    assert [component[1:] for component in found.components] == [(2, 2, 0), (1, 1, 1), (1, 1, 1)]


def test_a_jpeg_says_how_it_is_coded():
    found = saved("JPEG", progressive=True, exif=EXIF, icc_profile=hostile.icc_profile("Display P3")).jpeg
    assert found is not None
    assert found.is_progressive
    assert found.scans > 1
    assert found.apps == ("JFIF", "Exif", "ICC")
    assert found.markers[0] == 0xD8
    assert found.markers[-1] == 0xD9
    assert found.markers.count(0xDA) == found.scans


@pytest.mark.parametrize("name", hostile.seeds())
@pytest.mark.parametrize("tail", [b"\0" * 1000, b"tail"])
def test_what_comes_after_the_end_is_no_part_of_the_picture(name, tail):
    data = hostile.seeds()[name]
    if name.startswith("tiff"):
        assert container(data + tail).end == len(data + tail)
    else:
        assert container(data + tail).end == len(data)


def test_a_picture_keeps_its_container():
    picture = decode(hostile.save(np.zeros((9, 9, 3), np.uint8), "JPEG", exif=EXIF))
    assert picture.container().exif == TIFF_BLOCK
    assert picture.container() is picture.container()


def test_several_jpegs_in_one_file_are_found_where_they_lie():
    data = hostile.seeds()["mpo"]
    found = container(data)
    assert found.pictures == 3
    for other in found.others:
        piece = data[other.start : other.start + other.size]
        assert container(piece).end == len(piece)
        assert decode(piece).pixels.shape == hostile.scene().shape


def test_the_metadata_of_a_heic_come_out_as_they_went_in():
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = BytesIO()
    image = pillow_heif.from_pillow(Image.fromarray(hostile.scene()))
    image.save(stream, exif=EXIF, xmp=XMP, quality=50)
    found = container(stream.getvalue())
    assert found.exif == TIFF_BLOCK
    assert found.xmp == XMP
    assert found.problems == ()


def test_the_frames_of_an_avif_are_counted():
    frames = [Image.fromarray(np.roll(hostile.scene(), shift, axis=1)) for shift in (0, 5, 9)]
    data = hostile.save(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    found = container(data)
    assert found.pictures == 3
    assert [other.kind for other in found.others] == ["frames"]
    assert found.end == len(data)


def test_the_pictures_and_thumbnails_of_a_heic_are_counted():
    pillow_heif = pytest.importorskip("pillow_heif")
    image = Image.fromarray(hostile.scene(200, 160))
    several, with_thumbnail = pillow_heif.from_pillow(image), pillow_heif.from_pillow(image)
    several.add_from_pillow(image)
    with_thumbnail[0].info["thumbnails"] = [64]
    counted = []
    for heic in (several, with_thumbnail):
        stream = BytesIO()
        heic.save(stream)
        found = container(stream.getvalue())
        counted.append((found.pictures, [other.kind for other in found.others]))
    assert counted == [(2, []), (1, ["preview"])]
