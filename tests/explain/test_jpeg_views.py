import numpy as np
import pytest
from PIL import Image

from doctored.explain import view_jpeg
from doctored.picture import decode, encode_png
from toy_scenes import make_scene, save, to_jpeg


def spliced(**options):
    composed = save(make_scene(seed=1), 60)
    composed.paste(make_scene(96, 80, seed=2), (200, 24))
    return decode(to_jpeg(composed, 90, **options))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_map_marks_what_was_pasted_and_turns_with_the_picture(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    picture = spliced(exif=exif)
    views = view_jpeg(picture)
    mask = np.zeros((256, 320, 3), dtype=np.uint8)
    mask[24:104, 200:296] = 255
    turned = decode(to_jpeg(Image.fromarray(mask), 95, exif=exif)).pixels[..., 0] > 127
    cells = turned[::8, ::8] & turned[7::8, 7::8]
    assert views.saved_once.shape == cells.shape
    assert views.box == (0, 0, picture.width, picture.height)
    assert views.saved_once.min() >= 0
    assert views.saved_once.max() <= 1
    assert views.saved_once[cells].mean() > 0.8
    assert views.saved_once[~cells].mean() < 0.2
    assert (
        "quality 60" in views.reasons[0]
        or "quality 59" in views.reasons[0]
        or "quality 61" in views.reasons[0]
    )


def test_a_picture_saved_once_has_no_map_but_the_error_level():
    views = view_jpeg(decode(to_jpeg(make_scene(), 90)))
    assert views.saved_once is None
    assert views.box is None
    assert "no map" in views.reasons[0]
    assert "no evidence" in views.reasons[-1]
    assert views.error_level().shape == (256, 320, 3)
    assert views.error_level().any()


def test_the_error_level_is_the_change_enlarged():
    picture = decode(to_jpeg(make_scene(), 50))
    again = np.asarray(save(Image.fromarray(picture.pixels), 90, subsampling="4:2:0"))
    expected = np.clip(20 * np.abs(picture.pixels.astype(int) - again), 0, 255)
    np.testing.assert_array_equal(view_jpeg(picture).error_level(), expected)


def test_the_sheet_has_a_panel_for_each_view():
    with_map = view_jpeg(spliced()).sheet()
    without = view_jpeg(decode(to_jpeg(make_scene(), 90))).sheet()
    assert with_map.dtype == without.dtype == np.uint8
    assert with_map.shape[1] - without.shape[1] > 200


def test_clipped_blocks_are_not_marked():
    scene = np.array(make_scene(seed=3))
    scene[:128] = np.where(scene[:128] > 140, 255, scene[:128])
    views = view_jpeg(decode(to_jpeg(save(Image.fromarray(scene), 60), 90)))
    assert (views.saved_once[:15] > 0.9).mean() < 0.05


def test_other_pictures_have_no_such_views():
    assert view_jpeg(decode(encode_png(np.asarray(make_scene())))) is None
    assert view_jpeg(decode(to_jpeg(make_scene(63, 200), 90))) is None
    assert view_jpeg(decode(to_jpeg(make_scene().convert("CMYK"), 90))) is None


@pytest.mark.parametrize("size", [(64, 64), (67, 131), (200, 65)])
def test_odd_sizes_have_views(size):
    picture = decode(to_jpeg(save(make_scene(*size), 50), 90))
    views = view_jpeg(picture)
    assert views.saved_once.shape == (size[1] // 8, size[0] // 8)
    assert views.box == (0, 0, size[0] // 8 * 8, size[1] // 8 * 8)
    assert views.sheet().shape[2] == 3
