from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from doctored.detector import open_detector
from doctored.picture import Preprocess, decode, encode_jpeg, encode_png
from doctored.records import Finding, Label, Says, Strength, Verdict
from doctored.scan.items import Preview, read_rows, write_rows
from doctored.scan.items import Row as ItemRow
from doctored.scan.previews import MAX_SIDE, draw_preview, has_evidence
from toy_detectors import build_toy_detector

VERDICT = Verdict(Label.UNSURE, "undecided", "Unsure.", codes=("detector_undecided",))


@pytest.fixture(scope="module")
def detectors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    first = open_detector(build_toy_detector(folder / "a.onnx", preprocess=Preprocess.resize(32)))
    second = open_detector(build_toy_detector(folder / "b.onnx", preprocess=Preprocess.resize(32)))
    blind = open_detector(
        build_toy_detector(folder / "c.onnx", preprocess=Preprocess.resize(32), evidence=False)
    )
    yield {"detector:a": first, "detector:b": second, "detector:blind": blind}
    for detector in (first, second, blind):
        detector.close()


def photo(height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return decode(encode_png(pixels))


def finding(check, code="detector_undecided"):
    return Finding(check, code, Says.NEUTRAL, Strength.NONE, "x")


def draw(picture, findings, detectors):
    return draw_preview(picture, findings, VERDICT, detectors, 0.01)


def opened(file):
    image = Image.open(BytesIO(file))
    image.load()
    return image


@pytest.mark.parametrize(("height", "width"), [(480, 640), (2000, 30), (1, 3000), (321, 321), (129, 20)])
def test_a_preview_is_small_and_has_the_pictures_shape(height, width):
    preview = draw(photo(height, width), [], {})
    image = opened(preview.picture)
    assert image.format == "JPEG"
    assert max(image.size) == min(MAX_SIDE, max(height, width))
    assert min(image.size) == max(1, round(min(height, width) * max(image.size) / max(height, width)))
    assert (preview.overlays, preview.detector) == ((), "")


def test_a_tiny_picture_is_shown_pixel_by_pixel():
    picture = photo(32, 24)
    image = opened(draw(picture, [], {}).picture)
    assert image.format == "PNG"
    assert (np.asarray(image) == picture.pixels).all()


def test_no_byte_of_the_file_gets_into_the_preview():
    """What lies in a file beside its pixels, here a comment and what trails behind, is not carried over."""
    pixels = np.zeros((200, 200, 3), np.uint8)
    file = encode_jpeg(pixels)
    secret = b"\xff\xfe\x00\x0fSECRET-COMMENT"[:17]
    picture = decode(file[:2] + secret + file[2:] + b"SECRET-TRAILER")
    preview = draw(picture, [], {})
    assert b"SECRET" in picture.bytes
    assert b"SECRET" not in preview.picture


def test_the_detector_that_decided_lays_its_evidence_over(detectors):
    findings = [finding("detector:a", "detector_stable"), finding("detector:b")]
    preview = draw(photo(480, 640), findings, {"detector:b": detectors["detector:b"]})
    assert preview.detector == "toy"
    assert [opened(file).size for file in preview.overlays] == [(320, 240)] * 2
    assert len({preview.picture, *preview.overlays}) == 3


def test_overlays_of_tiny_pictures_are_enlarged(detectors):
    preview = draw(photo(32, 24), [finding("detector:a")], detectors)
    assert [opened(file).size for file in preview.overlays] == [(96, 128)] * 2
    assert opened(preview.picture).size == (24, 32)


def test_a_detector_without_a_map_leaves_it_to_the_next(detectors):
    assert draw(photo(40, 40), [finding("detector:blind"), finding("detector:a")], detectors).overlays
    assert draw(photo(40, 40), [finding("detector:blind")], detectors).overlays == ()


@pytest.mark.parametrize("code", ["outside_domain", "could_not_check"])
def test_outside_its_domain_a_detector_shows_nothing(detectors, code):
    assert not has_evidence("detector:a", code)
    assert draw(photo(40, 40), [finding("detector:a", code)], detectors).overlays == ()


def test_other_checks_have_no_evidence_map():
    assert not has_evidence("jpeg", "double_compression")


def test_a_preview_that_fails_costs_the_preview_only():
    assert draw(photo(40, 40), [finding("detector:unknown")], {}) is None


def test_rows_and_their_previews_survive_the_way_from_a_worker():
    rows = [
        ItemRow(b'{"a":1}', "fake", False, Preview(b"one", (b"two", b"three"), "toy")),
        ItemRow(b'{"a":2}', "unsure", True),
        ItemRow(b'{"a":3}', "real", False, Preview(b"four")),
    ]
    header, blobs = write_rows(rows)
    assert list(read_rows(header, blobs)) == rows
