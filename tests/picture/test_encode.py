import io

import numpy as np
import pytest
from PIL import Image

import hostile
from doctored.errors import UsageError
from doctored.picture import encode_jpeg, encode_png, encode_webp

RGB = hostile.scene(40, 24)
RGBA = np.dstack([RGB, RGB[..., 0]])


@pytest.mark.parametrize("pixels", [RGB, RGBA, RGB[::-1, ::2]], ids=["rgb", "rgba", "strided"])
def test_a_png_keeps_every_value(pixels):
    image = Image.open(io.BytesIO(encode_png(pixels)))
    assert image.format == "PNG"
    assert (np.asarray(image) == pixels).all()


@pytest.mark.parametrize("quality", [1, 75, 90, 100])
def test_a_jpeg_is_420_at_any_quality(quality):
    image = Image.open(io.BytesIO(encode_jpeg(RGB, quality)))
    assert image.format == "JPEG"
    assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]
    assert image.quantization == reference(quality).quantization


def reference(quality):
    return Image.open(io.BytesIO(hostile.save(RGB, "JPEG", quality=quality)))


def test_the_jpeg_has_quality_90_unless_told():
    assert encode_jpeg(RGB) == encode_jpeg(RGB, 90) != encode_jpeg(RGB, 89)


def test_a_webp_loses_little():
    image = Image.open(io.BytesIO(encode_webp(RGB, 95)))
    assert image.format == "WEBP"
    assert np.abs(np.asarray(image).astype(int) - RGB).mean() < 6


@pytest.mark.parametrize("encode", [encode_png, encode_jpeg, encode_webp])
@pytest.mark.parametrize(
    "pixels", [RGB.astype(float), RGB[..., 0], RGB[..., :2], RGB[:0], RGB[np.newaxis], RGB.astype(np.int8)]
)
def test_other_arrays_are_refused(encode, pixels):
    with pytest.raises(UsageError, match="; give uint8"):
        encode(pixels)


def test_only_a_png_takes_alpha():
    for encode in (encode_jpeg, encode_webp):
        with pytest.raises(UsageError, match=r"; give uint8 \[H, W, 3\]"):
            encode(RGBA)


@pytest.mark.parametrize(("encode", "quality"), [(encode_jpeg, 0), (encode_jpeg, 101), (encode_webp, -1)])
def test_a_quality_has_its_range(encode, quality):
    with pytest.raises(UsageError, match="; give"):
        encode(RGB, quality)
