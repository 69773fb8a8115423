import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from doctored.data.manifest import Manifest
from doctored.evaluate.judge import Judgements
from doctored.evaluate.sample import draw_sample, read_pictures, read_views
from doctored.picture import Preprocess


def judgements_of(labels, generators, logits):
    names = ["fake" if label else "real" for label in labels]
    manifest = Manifest(
        {"id": [str(index) for index in range(len(labels))], "label": names, "generator": generators}
    )
    nothing = ("",) * len(labels)
    values = np.array(logits, float)
    return Judgements(manifest, np.array(labels, np.uint8), values, nothing, nothing, ())


@given(
    some.lists(some.tuples(some.integers(0, 1), some.sampled_from(["a", "b"])), min_size=1, max_size=80),
    some.integers(1, 80),
    some.integers(0, 5),
)
def test_a_draw_keeps_the_share_of_every_stratum(pictures, at_most, seed):
    labels, generators = zip(*pictures, strict=True)
    judged = judgements_of(labels, generators, np.zeros(len(labels)))
    rows = draw_sample(judged, at_most, seed)
    assert len(rows) == min(at_most, len(labels))
    assert (np.diff(rows) > 0).all()
    for stratum in set(pictures):
        whole = pictures.count(stratum)
        drawn = sum(pictures[row] == stratum for row in rows)
        assert abs(drawn - whole * len(rows) / len(pictures)) <= 1


def test_a_draw_is_fixed_and_leaves_out_what_was_not_scored():
    labels = [0, 1] * 20
    logits = [np.nan if index % 4 == 3 else 0.0 for index in range(40)]
    judged = judgements_of(labels, [None] * 40, logits)
    rows = draw_sample(judged, 10)
    assert not np.isnan(np.array(logits)[rows]).any()
    np.testing.assert_array_equal(rows, draw_sample(judged, 10))
    assert draw_sample(judged, 10, seed=1).tolist() != rows.tolist()


def test_views_are_the_pictures_by_row(brightness):
    rows = np.array([30, 2, 17])
    views, is_read = read_views(brightness, rows, Preprocess.exact(32), workers=1)
    assert is_read.all()
    for view, (row, pixels) in zip(views, read_pictures(brightness, rows), strict=True):
        np.testing.assert_array_equal(view, pixels)
        assert row in rows
