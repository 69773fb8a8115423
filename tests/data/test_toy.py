import numpy as np
import pytest

from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy, planted_boxes
from doctored.errors import UsageError
from doctored.picture import decode


def roughness(pixels):
    """How unlike its four neighbours each pixel's luma is, float64 [H-2, W-2]."""
    luma = pixels.astype(np.float64).mean(axis=2)
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return np.abs(luma[1:-1, 1:-1] - around / 4)


def auc(of_fake, of_real):
    """The share of pairs in which the fake one scores higher, ties counted half."""
    difference = np.subtract.outer(of_fake, of_real)
    return float((np.sign(difference) / 2 + 0.5).mean())


@pytest.mark.parametrize("planted", ["checkerboard", "grid"])
def test_the_artefact_alone_tells_the_classes_apart(tmp_path, planted):
    path = make_toy(tmp_path / "toy", n=80, planted=planted)
    boxes = planted_boxes(path)
    scores = {"real": {}, "fake": {}}
    for row in read_dataset(path).rows():
        pixels = decode(path / row.member).pixels
        assert pixels.shape == (32, 32, 3)
        rough = roughness(pixels)
        scores[row.label][row.id] = (rough.mean(), pixels.mean(), row.bytes)
        assert (row.id in boxes) == (row.label == "fake")
        if row.label == "fake":
            x, y, width, height = boxes[row.id]
            inside = np.zeros(pixels.shape[:2], bool)
            inside[y : y + height, x : x + width] = True
            inside = inside[1:-1, 1:-1]
            assert rough[inside].mean() > 2 * rough[~inside].mean()
    fake, real = (np.array(list(scores[label].values())) for label in ("fake", "real"))
    assert len(fake) == len(real) == 40
    assert auc(fake[:, 0], real[:, 0]) > 0.98
    assert 0.3 < auc(fake[:, 1], real[:, 1]) < 0.7
    assert set(fake[:, 2]) == set(real[:, 2])


@pytest.mark.parametrize("layout", ["cifake", "folders"])
def test_every_form_holds_the_same(tmp_path, layout):
    made = [
        make_toy(tmp_path / name, n=24, archive=archive, layout=layout, seed=3)
        for name, archive in (("a", None), ("a.zip", "zip"), ("a.tar", "tar"), ("b.zip", "zip"))
    ]
    stores = [MemberStore(path) for path in made]
    contents = [{name: store.read(name) for name in store.members} for store in stores]
    assert contents[1:] == contents[:1] * 3
    assert len(contents[0]) == 25
    assert read_dataset(made[0]).metadata.reader == layout
    assert made[1].read_bytes() == made[3].read_bytes()
    other = make_toy(tmp_path / "c.zip", n=24, archive="zip", layout=layout, seed=4)
    assert other.read_bytes() != made[1].read_bytes()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"planted": "stripes"}, "take one of checkerboard, grid"),
        ({"archive": "rar"}, "take one of zip, tar"),
        ({"layout": "casia"}, "take one of cifake, folders"),
        ({"size": 8}, "larger n or size"),
        ({"n": 1}, "larger n or size"),
    ],
)
def test_what_cannot_be_made(tmp_path, options, complaint):
    with pytest.raises(UsageError, match=complaint):
        make_toy(tmp_path / "toy", **options)
