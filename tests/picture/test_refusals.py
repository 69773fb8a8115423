"""What is refused, with which code, before anything was decoded, and in which words."""

import io
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

import hostile
from doctored.errors import PictureError
from doctored.picture import Limits, Picture, decode
from doctored.picture.decode import DEFAULT_LIMITS
from doctored.picture.formats import SIGNATURES

VALID = {name: data for name, data in hostile.seeds().items() if name != "tiff_float"}
SMALL = Limits(max_pixels=1_000_000)
ROOT = Path(__file__).resolve().parents[2]


def refusal(source, limits=DEFAULT_LIMITS):
    """The error's code; its message is one plain line that ends with what to do."""
    with pytest.raises(PictureError) as caught:
        decode(source, limits)
    message = caught.value.message
    assert message.isprintable()
    assert "; " in message or "pip install" in message
    assert not message.endswith(".")
    return caught.value.code.value


def decode_or_refuse(data, limits=SMALL):
    try:
        picture = decode(data, limits)
    except PictureError:
        return None
    assert isinstance(picture, Picture)
    assert picture.pixels.shape == (picture.height, picture.width, 3)
    assert picture.luma().shape == picture.stored_size[::-1]
    assert picture.icc is None or picture.icc.isprintable()
    return picture


@given(st.binary(max_size=600))
def test_any_bytes_give_a_picture_or_a_picture_error(data):
    decode_or_refuse(data)


@given(
    st.sampled_from(sorted([*SIGNATURES, *(data[:64] for data in VALID.values())])), st.binary(max_size=600)
)
def test_any_bytes_behind_a_true_beginning_do_too(beginning, data):
    decode_or_refuse(beginning + data)


@settings(max_examples=300)
@given(st.sampled_from(sorted(VALID)), st.integers(0, 2**32))
def test_damaged_pictures_do_too(name, seed):
    decode_or_refuse(hostile.mutate(VALID[name], np.random.default_rng(seed)))


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_file_cut_short_is_called_truncated_or_has_lost_nothing(name):
    data = VALID[name]
    whole = decode(data).pixels
    cuts = {*range(1, len(data), max(1, len(data) // 60)), *range(max(1, len(data) - 24), len(data))}
    refused = set()
    for cut in cuts:
        try:
            picture = decode(data[:cut])
        except PictureError as error:
            refused.add(error.code.value)
            if error.code.value == "not_a_picture":
                assert cut < 18
        else:
            assert np.array_equal(picture.pixels, whole)
    # The box that holds all others may end just where the file was cut.
    boxed = {"unreadable"} if name.startswith(("avif", "heic")) else set()
    assert refused - boxed == {"truncated", "not_a_picture"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"BM is how this text begins, and it goes on for a while.", "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
        (b"\xff\x0a" + bytes(40), "unsupported"),
        (hostile.raw_png(0, 0, 8, 2, b""), "unreadable"),
        (hostile.raw_png(4, 4, 3, 5, bytes(80)), "unreadable"),
        (hostile.seeds()["tiff_float"], "unsupported"),
        (hostile.huge_png_header(), "too_many_pixels"),
        (hostile.png_text_bomb(8), "too_large"),
        (hostile.png_text_bomb(8, late=True), "too_large"),
        (hostile.png_text_bomb(1, chunks=66), "too_large"),
        (hostile.gif_bomb(), "too_many_pixels"),
        (VALID["jpeg"].replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"), "unsupported"),
        (VALID["png"][:60] + bytes(40) + VALID["png"][100:], "unreadable"),
    ],
)
def test_the_code_tells_what_is_wrong(data, code):
    assert refusal(data) == code


def test_a_thumbnail_is_not_taken_for_its_picture():
    tags = {254: 1, 256: 2, 257: 2, 258: (8, 8, 8), 259: 1, 262: 2, 277: 3, 278: 2}
    assert refusal(hostile.raw_tiff(tags, bytes(12))) == "unsupported"
    assert decode(hostile.raw_tiff({**tags, 254: 0}, bytes(12))).width == 2


def test_a_tile_larger_than_the_limit_is_refused():
    tags = {256: 16, 257: 16, 258: 8, 259: 5, 262: 1, 277: 1, 322: 1 << 15, 323: 1 << 15, 324: 8, 325: 4}
    assert refusal(hostile.raw_tiff(tags, bytes(4))) == "too_many_pixels"


def test_heic_without_its_extra_names_the_extra(monkeypatch):
    from doctored.picture.decode import _load_plugin

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    _load_plugin.cache_clear()
    with pytest.raises(PictureError, match=r"pip install 'doctored\[heif\]'") as caught:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("name", sorted(VALID))
def test_limits_are_kept_before_anything_is_decoded(name, monkeypatch):
    data = VALID[name]
    size = decode(data).stored_size

    def must_not_run(self):
        raise AssertionError("pixels were decoded")

    assert decode(data, Limits(max_pixels=size[0] * size[1], max_side=max(size), max_bytes=len(data)))
    loading = {type(Image.open(io.BytesIO(data))), ImageFile.ImageFile} if name != "heic" else set()
    for kind in loading:
        monkeypatch.setattr(kind, "load", must_not_run)
    assert refusal(data, Limits(max_pixels=size[0] * size[1] - 1)) == "too_many_pixels"
    assert refusal(data, Limits(max_side=max(size) - 1)) == "too_many_pixels"
    assert refusal(data, Limits(max_bytes=len(data) - 1)) == "too_large"


@pytest.mark.parametrize(
    "options",
    [
        {"image_format": "JPEG", "exif": hostile.exif(1) + bytes(5000)},
        {"image_format": "JPEG", "icc_profile": hostile.icc_profile("x") + bytes(70_000)},
        {"image_format": "JPEG", "comment": b"c" * 5000},
        {"image_format": "PNG", "icc_profile": hostile.icc_profile("x") + bytes(5000)},
        {"image_format": "WEBP", "xmp": b"x" * 5000},
        {"image_format": "WEBP", "exif": hostile.exif(1)[6:] + bytes(5000)},
        {"image_format": "AVIF", "icc_profile": hostile.icc_profile("x") + bytes(5000)},
        {"image_format": "TIFF", "icc_profile": hostile.icc_profile("x") + bytes(5000)},
        {"image_format": "GIF", "comment": b"c" * 5000},
    ],
    ids=lambda options: "-".join((options["image_format"], *options.keys() - {"image_format"})),
)
def test_metadata_has_a_limit(options):
    data = hostile.save(hostile.scene(), **options)
    assert decode(data)
    assert refusal(data, Limits(max_metadata_bytes=4096)) == "too_large"


def test_text_after_the_pixels_counts_as_metadata():
    late = b"".join(hostile.png_chunk(b"tEXt", name + b"\0" + bytes(3000)) for name in (b"one", b"two"))
    data = hostile.raw_png(1, 1, 8, 0, b"\0\0", after=late)
    assert decode(data)
    assert refusal(data, Limits(max_metadata_bytes=4096)) == "too_large"


@pytest.mark.parametrize("name", sorted(VALID))
def test_our_limit_counts_and_not_pillows(name, monkeypatch):
    expected = decode(VALID[name])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7)
    picture = decode(VALID[name])
    assert (picture.pixels == expected.pixels).all()
    assert (picture.luma() == expected.luma()).all()
    assert Image.MAX_IMAGE_PIXELS == 7


def test_no_warning_leaves_the_decoder_and_the_filters_are_as_before():
    invalid_animation = hostile.png_chunk(b"acTL", bytes(8))
    data = hostile.raw_png(1, 1, 8, 0, b"\0\0", before=invalid_animation)
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(io.BytesIO(data))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode(data) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decode(data).pixels.tolist() == [[[0, 0, 0]]]
    assert warnings.filters == before


MEASURED = """
import resource, sys
import hostile, numpy as np
from doctored.errors import PictureError
from doctored.picture import Limits, decode

bombs = [hostile.png_bomb(15_000), hostile.huge_png_header(), hostile.gif_bomb(), hostile.png_text_bomb()]
bombs += [hostile.png_text_bomb(20, chunks=40, late=late) for late in (False, True)]
seeds = list(hostile.seeds().values())
rng = np.random.default_rng(0)
for data in seeds:
    try: decode(data).luma()
    except PictureError: pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in [*bombs, *(hostile.mutate(seeds[i % len(seeds)], rng) for i in range(600))]:
    try: decode(data, Limits(max_pixels=1_000_000)).luma()
    except PictureError: pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_memory_stays_bounded_whatever_the_files_ask_for():
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 * 1024
