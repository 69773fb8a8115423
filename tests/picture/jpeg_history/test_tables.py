from io import BytesIO

import pytest
from PIL import Image, JpegPresets

from doctored.picture.jpeg_history.tables import (
    ANNEX_K_CHROMA,
    MOZJPEG,
    TableMatch,
    identify_tables,
    nearest_quality,
    standard_table,
)


def tables_of(**options):
    stream = BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 60)).save(stream, "JPEG", **options)
    found = Image.open(BytesIO(stream.getvalue())).quantization
    return tuple(found[0]), tuple(found.get(1, found[0]))


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_standards_tables_are_libjpegs(quality):
    luma, chroma = tables_of(quality=quality)
    assert luma == standard_table(quality)
    assert chroma == standard_table(quality, ANNEX_K_CHROMA)
    assert identify_tables(luma, chroma) == TableMatch("standard", quality)
    assert identify_tables(luma) == TableMatch("standard", quality)
    assert nearest_quality(luma) == quality


def test_photoshops_presets_are_known():
    named = set()
    for name in JpegPresets.presets:
        match = identify_tables(*tables_of(quality=name))
        assert match.encoder in ("photoshop", "standard")
        named.add(match.preset)
    assert {"web low", "low", "medium"} <= named


def test_mozjpegs_default_table_is_known():
    table = standard_table(82, MOZJPEG)
    assert identify_tables(table, table) == TableMatch("mozjpeg", 82)
    # At 100 all encoders divide by one, and at what everyone writes nobody is to be named.
    assert identify_tables((1,) * 64, (1,) * 64) == TableMatch("standard", 100)


def test_an_unknown_table_has_only_a_nearest_quality():
    odd = tuple(step + (place % 3 == 0) for place, step in enumerate(standard_table(90)))
    match = identify_tables(odd, odd)
    assert match.encoder is None
    assert match.preset is None
    assert 85 <= match.quality <= 91


def test_luma_and_chroma_of_different_qualities_are_no_encoders():
    assert identify_tables(standard_table(90), standard_table(70, ANNEX_K_CHROMA)).encoder is None
    assert identify_tables(standard_table(90), standard_table(90)).encoder is None


@pytest.mark.parametrize("step", [0, 1, 255, 65535])
def test_any_table_has_a_nearest_quality(step):
    assert 1 <= identify_tables((step,) * 64, (step,) * 64).quality <= 100
