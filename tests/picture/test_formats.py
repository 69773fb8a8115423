import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
from doctored.picture.decode import PLUGINS
from doctored.picture.formats import promised_bytes, recognize_foreign_format, recognize_format

SEEDS = hostile.seeds()


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_bytes_tell_the_format(name):
    kind = {"mpo": "jpeg", "heic": "heif"}.get(name, name.split("_")[0])
    assert recognize_format(SEEDS[name]) == kind.upper()
    assert recognize_foreign_format(SEEDS[name]) is None


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"avif" + bytes(4) + b"mif1", "AVIF"),
        (b"mif1" + bytes(4) + b"miafavif", "AVIF"),
        (b"mif1" + bytes(4) + b"miafheic", "HEIF"),
        (b"heic" + bytes(4) + b"mif1", "HEIF"),
        (b"isom" + bytes(4) + b"mp42avc1", None),
    ],
)
def test_the_brands_of_a_box_file_decide(brands, expected):
    assert recognize_format((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands) == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"BM", b"BM, my friend, is short for bitmap", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"II*", b"GIF88a"],
)
def test_what_only_resembles_a_picture_is_none(data):
    assert recognize_format(data) is None


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_a_whole_file_promises_no_more_than_it_has(name):
    data = SEEDS[name]
    assert promised_bytes(data, recognize_format(data)) <= len(data)


@pytest.mark.parametrize("name", ["webp", "webp_lossless", "tiff_lzw", "tiff_big", "avif"])
def test_a_cut_file_promises_more_than_it_has(name):
    data = SEEDS[name]
    for cut in range(30, len(data) - 8, 7):
        if name.startswith("tiff") and promised_bytes(data, "TIFF") <= cut:
            continue
        assert promised_bytes(data[:cut], recognize_format(data)) > cut


@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0", b"II+\0", b"MM\0*", b"\0\0\0\x10ftypavif"]))
def test_no_bytes_break_the_readers(data, beginning):
    assert recognize_format(beginning + data) in {None, *PLUGINS}
    for image_format in PLUGINS:
        assert promised_bytes(beginning + data, image_format) >= 0
