"""Rows of a run's parts, told without a network."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from doctored.data.manifest import Manifest, Row, from_rows
from doctored.errors import TrainingError
from doctored.training.batches import Examples
from doctored.training.rows import find_domain, find_rows, write_predictions

SPLITS = ("train", "val", "test", "val", "train", "val", "val", "train", "test", "val")
LABELS = ("real", "fake")


def make(sources: str = "a" * 10) -> tuple[Manifest, Examples]:
    """Ten pictures, real and fake in turn, packed in another order than the manifest's."""
    manifest = from_rows(
        [
            Row(f"{row}.png", source=source, label=LABELS[row % 2], split=split)
            for row, (source, split) in enumerate(zip(sources, SPLITS, strict=True))
        ]
    )
    packed = np.arange(10) + 100
    examples = Examples(
        np.zeros((110, 1, 1, 3), np.uint8),
        np.arange(110, dtype=np.uint8) % 2,
        train=packed[[0, 4, 7]],
        val=packed[[3, 6]],
        test=packed[[2, 8]],
        held=packed[[1, 5, 9]],
    )
    return manifest, examples


def test_rows_of_val_are_parted_as_the_examples_are() -> None:
    found = {part: rows.tolist() for part, rows in find_rows(*make()).items()}
    assert found == {"train": [0, 4, 7], "val": [3, 6], "test": [2, 8], "held": [1, 5, 9]}


def test_another_manifest_is_refused() -> None:
    manifest, examples = make()
    with pytest.raises(TrainingError, match="not the manifest's rows"):
        find_rows(manifest.select(np.arange(9)), examples)


def test_the_domain_leaves_out_sources_of_one_class() -> None:
    manifest, examples = make("bbaabaaaba")  # b holds 0, 1, 4, 8: both classes
    assert all(inside.all() for inside in find_domain(manifest, examples).values())
    manifest, examples = make("aaaabaaaba")  # b holds 4 and 8, both real
    outside = {part: (~inside).tolist() for part, inside in find_domain(manifest, examples).items()}
    assert outside["train"] == [False, True, False]
    assert not any(outside["val"] + outside["held"])


def test_a_domain_that_would_lack_a_class_is_everything() -> None:
    manifest, examples = make("aaaaaacaaa")  # c holds 6, the only real picture of val
    assert all(inside.all() for inside in find_domain(manifest, examples).values())


def test_what_was_said_of_each_picture_is_written_beside_it(tmp_path: Path) -> None:
    manifest, examples = make()
    logits = {"val": np.array([0.0, 2.0]), "held": np.array([-1.0, 1.0, 3.0])}
    write_predictions(tmp_path / "predictions.parquet", manifest, examples, logits)
    rows = parquet.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [(row["id"], row["split"], row["part"], row["label"]) for row in rows] == [
        ("3.png", "val", "val", "fake"),
        ("6.png", "val", "val", "real"),
        ("1.png", "val", "held", "fake"),
        ("5.png", "val", "held", "fake"),
        ("9.png", "val", "held", "fake"),
    ]
    assert [row["logit"] for row in rows] == [0.0, 2.0, -1.0, 1.0, 3.0]
    np.testing.assert_allclose([row["probability"] for row in rows], 1 / (1 + np.exp([0, -2.0, 1, -1, -3])))
