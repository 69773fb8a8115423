import numpy as np
import pytest

from doctored.demo.forgeries import FORGERIES, forge, mark, soft_ellipse
from doctored.demo.photos import find_photos
from doctored.picture import decode


@pytest.fixture(scope="module")
def photos():
    return {name: decode(path).pixels for name, path in find_photos().items()}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_only_the_ellipse_is_changed(forgery, photos):
    base = photos[forgery.base]
    forged = forge(forgery, photos)
    x, y, width, height = forgery.put
    down, across = np.mgrid[0 : base.shape[0], 0 : base.shape[1]]
    from_middle = (
        (across + 0.5 - x - width / 2) / (width / 2 + 1),
        (down + 0.5 - y - height / 2) / (height / 2 + 1),
    )
    inside = from_middle[0] ** 2 + from_middle[1] ** 2 <= 1
    changed = (forged != base).any(axis=2)
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.5
    assert (forge(forgery, photos) == forged).all()


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_what_is_taken_and_where_it_is_put_lie_in_their_photos(forgery, photos):
    for name, (x, y, width, height) in ((forgery.donor, forgery.taken), (forgery.base, forgery.put)):
        rows, columns = photos[name].shape[:2]
        assert min(x, y) >= 0
        assert x + width <= columns
        assert y + height <= rows


def test_a_copy_of_the_same_size_is_exact_in_its_middle(photos):
    (forgery,) = [one for one in FORGERIES if one.name == "two-rockets"]
    assert forgery.is_copy_move
    forged = forge(forgery, photos)
    (fx, fy, width, height), (tx, ty, *_) = forgery.taken, forgery.put
    middle = slice(height // 3, height // 2), slice(width // 3, width // 2)
    source = photos["rocket"][fy : fy + height, fx : fx + width][middle]
    assert (forged[ty : ty + height, tx : tx + width][middle] == source).all()


def test_there_are_splices_and_copy_moves():
    assert {forgery.is_copy_move for forgery in FORGERIES} == {True, False}


def test_the_edge_is_soft():
    mask = np.array(soft_ellipse(120, 80))
    assert mask[40, 60] == 255
    assert max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) < 20
    across = np.unique(mask[40, :60])
    assert len(across) > 5


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_the_marks_show_what_was_done(forgery, photos):
    forged = forge(forgery, photos)
    marked = mark(forgery, forged)
    x, y, width, height = forgery.put
    centre = (y + height // 2, x + width // 2)
    assert (marked[centre] == forged[centre]).all()
    corner = forged[-1, 0].astype(int)
    assert marked[-1, 0].astype(int) == pytest.approx(0.45 * corner, abs=1)
    assert (marked[y + height // 2, x] == 255).all()
    if forgery.is_copy_move:
        x, y, width, height = forgery.taken
        assert (marked[y + height // 2, x] == 255).all()
