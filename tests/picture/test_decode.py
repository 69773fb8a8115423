"""What pixels come out, against oracles that know nothing of the decoder."""

import hashlib
import io
import pickle
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

import hostile
from doctored.picture import decode

SCENE = hostile.scene()
LOSSLESS = {
    "PNG": {"exif": True},
    "WEBP": {"exif": True, "lossless": True, "exact": True},
    "TIFF": {"tiffinfo": True},
}
# Exif's own words (tag 274): which visual side the stored 0th row and 0th column are.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def over_white(rgb, alpha):
    opacity = alpha.astype(float)[..., np.newaxis] / 255
    return np.rint(rgb * opacity + 255 * (1 - opacity))


def largest_difference(pixels, expected):
    assert pixels.shape == expected.shape
    return np.abs(pixels.astype(float) - expected).max()


@pytest.mark.parametrize("name", sorted(hostile.seeds().keys() - {"tiff_float"}))
def test_every_picture_keeps_the_contract(name):
    data = hostile.seeds()[name]
    picture = decode(data)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert not picture.pixels.flags.writeable
    assert picture.pixels.shape == (picture.height, picture.width, 3)
    turned = picture.orientation >= 5
    assert picture.stored_size == (picture.width, picture.height)[:: -1 if turned else 1]
    luma = picture.luma()
    assert luma.dtype == np.uint8
    assert luma.shape == picture.stored_size[::-1]
    assert not luma.flags.writeable
    assert picture.luma() is luma
    assert picture.bytes == data
    assert decode(data).pixels.tobytes() == picture.pixels.tobytes()


def test_the_formats_have_pillows_names():
    named = {name: decode(data).format for name, data in hostile.seeds().items() if name != "tiff_float"}
    for name, image_format in named.items():
        kind = {"mpo": "jpeg", "heic": "heif"}.get(name, name.split("_")[0])
        assert image_format == kind.upper()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", LOSSLESS)
def test_orientation_is_applied(image_format, orientation):
    stored = np.ascontiguousarray(STORED[orientation](SCENE))
    options = dict(LOSSLESS[image_format])
    if "exif" in options:
        options["exif"] = hostile.exif(orientation)[6:]
    else:
        options["tiffinfo"] = {274: orientation}
    picture = decode(hostile.save(stored, image_format, **options))
    assert (picture.pixels == SCENE).all()
    assert picture.orientation == orientation
    assert picture.stored_size == stored.shape[1::-1]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_pillow_would(orientation, order):
    data = hostile.save(SCENE, "JPEG", exif=hostile.exif(orientation, order))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert (decode(data).pixels == expected).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned(orientation):
    stored = decode(hostile.save(SCENE, "AVIF")).pixels
    picture = decode(hostile.save(SCENE, "AVIF", exif=hostile.exif(orientation)))
    assert picture.orientation == orientation
    assert (STORED[orientation](picture.pixels) == stored).all()


def test_a_png_may_give_its_orientation_after_its_pixels():
    late = hostile.png_chunk(b"eXIf", hostile.exif(3)[6:])
    rows = b"".join(b"\0" + row.tobytes() for row in SCENE)
    picture = decode(hostile.raw_png(hostile.WIDTH, hostile.HEIGHT, 8, 2, rows, after=late))
    assert (picture.pixels == SCENE[::-1, ::-1]).all()


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_over_white(image_format):
    alpha = np.linspace(0, 255, SCENE.shape[0] * SCENE.shape[1]).astype(np.uint8).reshape(SCENE.shape[:2])
    rgba = np.dstack([SCENE, alpha])
    options = {"lossless": True, "exact": True} if image_format == "WEBP" else {}
    pixels = decode(hostile.save(rgba, image_format, **options)).pixels
    assert largest_difference(pixels, over_white(SCENE, alpha)) <= 1
    assert (pixels[alpha == 0] == 255).all()
    assert (pixels[alpha == 255] == SCENE[alpha == 255]).all()


def test_grey_with_alpha_is_laid_over_white():
    grey, alpha = SCENE[..., 0], SCENE[..., 1]
    pixels = decode(hostile.save(Image.fromarray(np.dstack([grey, alpha]), "LA"), "PNG")).pixels
    assert largest_difference(pixels, over_white(np.dstack([grey] * 3), alpha)) <= 1


@pytest.mark.parametrize(("bands", "mode"), [(2, "La"), (4, "RGBA")])
def test_premultiplied_alpha_of_a_tiff_is_laid_over_white(bands, mode):
    colour, alpha = 60, 120
    data = bytes([colour] * (bands - 1) + [alpha]) * 4
    tags = {
        256: 2,
        257: 2,
        258: (8,) * bands,
        259: 1,
        262: 1 if bands == 2 else 2,
        277: bands,
        278: 2,
        338: 1,
    }
    picture = decode(hostile.raw_tiff(tags, data))
    assert picture.mode == mode
    assert largest_difference(picture.pixels, np.full((2, 2, 3), colour + 255 - alpha)) <= 1


@pytest.mark.parametrize("alphas", [bytes((0, 128, 255, 60)), bytes((255, 0))])
def test_a_palette_is_expanded_with_its_transparency(alphas):
    indices = (np.arange(24).reshape(4, 6) % 4).astype(np.uint8)
    colours = np.array([[10, 20, 30], [250, 0, 0], [0, 250, 9], [77, 77, 200]], np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(colours.tobytes())
    assert (decode(hostile.save(image, "PNG")).pixels == colours[indices]).all()
    alpha = np.frombuffer(alphas.ljust(4, b"\xff"), np.uint8)[indices]
    pixels = decode(hostile.save(image, "PNG", transparency=alphas)).pixels
    assert largest_difference(pixels, over_white(colours[indices], alpha)) <= 1


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP", "GIF"])
def test_black_and_white(image_format):
    bits = SCENE[..., 0] > 100
    pixels = decode(hostile.save(Image.fromarray(bits), image_format)).pixels
    assert (pixels == np.where(bits, 255, 0)[..., np.newaxis]).all()


def test_a_colour_key_is_transparent():
    image = SCENE.copy()
    image[3:6, 4:9] = (1, 2, 3)
    pixels = decode(hostile.save(image, "PNG", transparency=(1, 2, 3))).pixels
    image[3:6, 4:9] = 255
    assert (pixels == image).all()


def test_the_first_frame_of_a_gif_is_the_picture():
    first, second = np.zeros((8, 9), np.uint8), np.full((8, 9), 200, np.uint8)
    first[2, 3] = 255
    frames = [Image.fromarray(frame) for frame in (first, second)]
    data = hostile.save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    assert (decode(data).pixels == first[..., np.newaxis]).all()


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_the_upper_8_of_16_bits_are_kept_in_a_png(bands):
    values = np.random.default_rng(0).integers(0, 65536, (5, 7, bands)).astype(np.uint16)
    upper = (values >> 8).astype(np.uint8)
    colour = upper[..., :3] if bands > 2 else np.repeat(upper[..., :1], 3, axis=2)
    alpha = upper[..., -1] if bands in (2, 4) else np.full((5, 7), 255)
    assert largest_difference(decode(hostile.png_16(values)).pixels, over_white(colour, alpha)) <= 1


@pytest.mark.parametrize("order", "<>")
def test_the_upper_8_of_16_bits_are_kept_in_a_tiff(order):
    values = np.random.default_rng(0).integers(0, 65536, (5, 7)).astype(np.uint16)
    tags = {256: 7, 257: 5, 258: 16, 259: 1, 262: 1, 277: 1, 278: 5}
    data = hostile.raw_tiff(tags, values.astype(f"{order}u2").tobytes(), order)
    assert (decode(data).pixels == (values >> 8)[..., np.newaxis]).all()


def test_white_may_be_zero_in_a_tiff_of_16_bits():
    values = np.array([[0, 65535, 256]], "<u2")
    data = hostile.raw_tiff({256: 3, 257: 1, 258: 16, 259: 1, 262: 0, 277: 1, 278: 1}, values.tobytes())
    assert decode(data).pixels[0, :, 0].tolist() == [255, 0, 254]


def test_12_bits_are_not_taken_for_16():
    packed = bytes.fromhex("fff 000 800 0ff".replace(" ", ""))
    data = hostile.raw_tiff({256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 277: 1, 278: 1}, packed)
    assert decode(data).pixels[0, :, 0].tolist() == [255, 0, 128, 15]


def test_a_colour_key_of_16_bits_matters_in_grey_and_is_left_alone_in_colour():
    grey = np.array([[513, 514, 40000]], np.uint16)
    key = hostile.png_chunk(b"tRNS", struct.pack(">H", 513))
    assert decode(hostile.png_16(grey, before=key)).pixels[0, :, 0].tolist() == [255, 2, 156]
    colour = np.full((1, 2, 3), 300, np.uint16)
    key = hostile.png_chunk(b"tRNS", struct.pack(">HHH", 1, 1, 1))
    assert (decode(hostile.png_16(colour, before=key)).pixels == 1).all()


def test_cmyk_is_ink_on_white():
    cmyk = np.random.default_rng(0).integers(0, 256, (6, 5, 4)).astype(np.uint8)
    pixels = decode(hostile.save(Image.fromarray(cmyk, "CMYK"), "TIFF")).pixels
    ink = cmyk.astype(float) / 255
    expected = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
    assert largest_difference(pixels, expected) <= 1.5


def test_a_jpeg_of_adobe_stores_its_inks_inverted():
    data = hostile.save(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    assert largest_difference(decode(data).pixels, np.full((16, 16, 3), (255.0, 0, 0))) <= 4


def test_ycbcr_is_that_of_rec_601():
    ycc = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    y, cb, cr = (ycc[..., band].astype(float) for band in range(3))
    rgb = (
        y + 1.402 * (cr - 128),
        y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
        y + 1.772 * (cb - 128),
    )
    pixels = decode(hostile.save(Image.fromarray(ycc, "YCbCr"), "TIFF")).pixels
    assert largest_difference(pixels, np.clip(np.dstack(rgb), 0, 255)) <= 1.5


def test_lab_has_black_middle_grey_and_white_where_they_belong():
    lab = bytes([0, 0, 0, 137, 0, 0, 255, 0, 0])
    tags = {256: 3, 257: 1, 258: (8, 8, 8), 259: 1, 262: 8, 277: 3, 278: 1}
    pixels = decode(hostile.raw_tiff(tags, lab)).pixels
    # L* of 53.7 is the linear value 0.2159, which sRGB writes as 128.
    assert largest_difference(pixels[0], np.array([[0, 0, 0], [128] * 3, [255] * 3])) <= 2


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_luma_lies_on_the_grid_of_the_stored_jpeg(orientation, subsampling):
    """Blocks of one grey each come back as blocks of one Y each, just where the encoder cut them."""
    blocks = np.random.default_rng(0).integers(0, 256, (3, 5)).astype(np.uint8)
    grey = np.kron(blocks, np.ones((8, 8), np.uint8))[:20, :36]
    data = hostile.save(
        np.dstack([grey] * 3),
        "JPEG",
        quality=100,
        subsampling=subsampling,
        exif=hostile.exif(orientation),
    )
    luma = decode(data).luma()
    assert largest_difference(luma, grey.astype(float)) <= 1
    for top in range(0, 20, 8):
        for left in range(0, 36, 8):
            assert np.ptp(luma[top : top + 8, left : left + 8]) == 0


def test_luma_of_a_jpeg_is_its_own_y_and_not_that_of_its_rgb():
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    data = hostile.save(noise, "JPEG", quality=60)
    untouched = Image.open(io.BytesIO(data))
    untouched.draft("YCbCr", None)
    picture = decode(data)
    assert (picture.luma() == np.asarray(untouched)[..., 0]).all()
    assert (picture.luma() != np.asarray(Image.fromarray(picture.pixels).convert("L"))).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_luma_of_other_formats_is_rec_601_as_stored(orientation):
    picture = decode(hostile.save(SCENE, "PNG", exif=hostile.exif(orientation)))
    assert largest_difference(picture.luma(), SCENE @ np.array([0.299, 0.587, 0.114])) <= 0.51


def test_a_cmyk_jpeg_has_luma_too():
    picture = decode(hostile.seeds()["jpeg_cmyk"])
    assert largest_difference(picture.luma(), picture.pixels @ np.array([0.299, 0.587, 0.114])) <= 0.51


def test_a_large_picture_is_handed_over_in_strips_that_fit_together():
    large = np.resize(np.arange(256, dtype=np.uint8), (2300, 1111, 3))
    picture = decode(hostile.save(large, "BMP"))
    assert (picture.pixels == large).all()
    assert not picture.pixels.flags.writeable


def test_profiles_are_named_and_nothing_is_managed_by_them():
    plain = decode(hostile.save(SCENE, "PNG"))
    wide = decode(hostile.save(SCENE, "PNG", icc_profile=hostile.icc_profile("Display P3")))
    assert plain.icc is None
    assert wide.icc == "Display P3"
    assert (wide.pixels == plain.pixels).all()


@pytest.mark.parametrize("keyword", ["exif", "icc_profile", "transparency"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_a_text_of_a_telling_name_means_nothing(keyword, kind):
    text = keyword.encode() + b"\0" + (b"6" if kind == b"tEXt" else b"\0" + b"x\x9c3\x03\x00\x007\x007")
    rows = b"".join(b"\0" + row.tobytes() for row in SCENE)
    data = hostile.raw_png(hostile.WIDTH, hostile.HEIGHT, 8, 2, rows, before=hostile.png_chunk(kind, text))
    picture = decode(data)
    assert (picture.pixels == SCENE).all()
    assert picture.icc is None


def test_a_picture_survives_pickling():
    picture = decode(hostile.seeds()["jpeg_exif"])
    again = pickle.loads(pickle.dumps(picture))
    assert (again.pixels == picture.pixels).all()
    assert (again.luma() == picture.luma()).all()
    assert (again.sha256, again.icc, again.orientation) == (picture.sha256, "Adobe RGB (1998)", 8)


def test_the_sha256_is_that_of_the_bytes():
    data = b"\x89PNG" + hostile.seeds()["png"][4:]
    assert decode(data).sha256 == hashlib.sha256(data).hexdigest()


def test_a_picture_knows_what_its_file_is_called(tmp_path):
    path = tmp_path / "a folder" / "a.b.png"
    path.parent.mkdir()
    path.write_bytes(hostile.seeds()["png"])
    assert decode(path).name == decode(str(path)).name == "a.b.png"
    assert decode(path.read_bytes()).name is None
    assert decode(path.read_bytes(), name="photos.zip!/folder/b.jpg").name == "b.jpg"
    with path.open("rb") as stream:
        assert decode(stream).name is None
