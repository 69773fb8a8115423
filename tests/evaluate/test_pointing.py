import numpy as np
import pytest
from sklearn import metrics as oracle

from doctored.data.manifest import Row, from_rows
from doctored.evaluate.pointing import compare_masks, score_map
from doctored.picture import encode_png


@pytest.mark.parametrize("seed", range(5))
def test_figures_of_a_map_are_scikit_learns(seed):
    random = np.random.default_rng(seed)
    mask = random.random((9, 13)) < 0.3
    evidence = (random.normal(size=mask.shape) + mask).round(1).astype(np.float32)
    found = score_map(evidence, mask)
    truth, called = mask.ravel(), evidence.ravel() > 0
    assert found["pixel_auc"] == pytest.approx(oracle.roc_auc_score(truth, evidence.ravel()), abs=1e-12)
    assert found["f1"] == pytest.approx(oracle.f1_score(truth, called), abs=1e-12)
    assert found["iou"] == pytest.approx(oracle.jaccard_score(truth, called), abs=1e-12)
    assert found["pointing"] == truth[evidence.ravel().argmax()]
    assert found["area"] == truth.mean()


def test_masks_are_found_cut_and_compared(toy, tmp_path):
    pixels = np.full((32, 64, 3), 40, np.uint8)
    pixels[8:24, 8:24] = 250
    mask = np.zeros((32, 64, 3), np.uint8)
    mask[8:24, 8:24] = 255
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    (tmp_path / "m.png").write_bytes(encode_png(mask))
    (tmp_path / "wrong.png").write_bytes(encode_png(mask[:, :50]))
    common = {"source": str(tmp_path), "member": "a.png", "label": "fake"}
    manifest = from_rows(
        [
            Row("left", **common, box=(0, 0, 32, 32), mask="m.png"),
            Row("right", **common, box=(32, 0, 32, 32), mask="m.png"),  # nothing of it is masked
            Row("none", **common, box=(0, 0, 32, 32)),
            Row("unfit", **common, box=(0, 0, 32, 32), mask="wrong.png"),
            Row("size", **common, mask="m.png"),  # 64×32: outside the domain
        ]
    )
    figures, pictures = compare_masks(toy, manifest, np.arange(5))
    assert pictures == 1
    assert figures["pointing"].value == 1
    assert figures["area"].value == 0.25
    assert figures["pixel_auc"].value > 0.99
    assert 0.6 < figures["iou"].value <= figures["f1"].value


def test_without_masks_there_is_nothing_to_compare(toy, brightness):
    figures, pictures = compare_masks(toy, brightness, np.arange(4))
    assert pictures == 0
    assert figures["pixel_auc"].value is None
