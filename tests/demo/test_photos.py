import importlib.metadata

import pytest

from doctored.demo.photos import PHOTOS, find_photos
from doctored.errors import MissingExtra
from doctored.picture import decode

DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.name)
def test_a_photo_is_a_colour_picture_that_came_in_the_wheel(photo):
    path = find_photos()[photo.name]
    shipped = importlib.metadata.files(DISTRIBUTIONS[photo.package])
    assert path.resolve() in {file.locate().resolve() for file in shipped if file.name == path.name}
    pixels = decode(path).pixels
    assert pixels.shape[0] >= 300
    assert (pixels[..., 0] != pixels[..., 1]).any()
    assert photo.credit


def test_names_are_unique():
    assert len({photo.name for photo in PHOTOS}) == len(PHOTOS)


def test_without_the_packages_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'doctored\[demo\]'"):
        find_photos()


def test_one_missing_package_leaves_the_others(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "skimage" else find(name))
    assert set(find_photos()) == {photo.name for photo in PHOTOS if photo.package != "skimage"}
