"""What the card promises of the pictures that a detector takes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from doctored.data.manifest import Manifest
from doctored.data.toy import make_toy
from doctored.detector.detector import Detector
from doctored.detector.session import Session
from doctored.picture import Preprocess
from doctored.training import train
from doctored.training.material import Material
from small_training import SMALL


def test_a_detector_takes_the_sizes_that_it_was_trained_on(tmp_path: Path) -> None:
    data = make_toy(tmp_path / "toy.zip", n=120, size=48, archive="zip")
    recipe = replace(SMALL, epochs=1, size=32, preprocess="resize", patch=16)
    run = train(data, tmp_path / "run", recipe, device="cpu")
    session = Session(run.detector.read_bytes())
    card = session.card
    assert card.preprocess == Preprocess.resize(32)
    assert (card.domain.min_side, card.domain.max_side) == (48, 48)
    assert card.domain.text == "pictures of exactly 48×48 pixels, like those of CIFAKE"
    assert "of exactly 48×48 pixels" in card.card.limits
    detector = Detector(session, "")
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    assert detector.predict(noise).logit is not None
    assert "CIFAKE" in detector.predict(noise[:40]).reason


@pytest.mark.parametrize(
    ("name", "title"),
    [("mine.csv", "mine"), ("my.set.tar.gz", "my.set"), ("holiday.2024", "holiday.2024"), ("A.ZIP", "A")],
)
def test_a_set_without_a_title_is_called_by_its_name(name: str, title: str) -> None:
    empty = Manifest({"id": ["a"], "label": ["real"]})
    assert Material(Path("data") / name, None, empty, {}).title == title  # type: ignore[arg-type]


def test_a_picture_smaller_than_the_cut_is_left_out_and_counted(tmp_path: Path) -> None:
    """Twenty-four pixels are too few for a cut of 32: with nothing left, that is said in one line."""
    from doctored.errors import DataError

    data = make_toy(tmp_path / "small.zip", n=40, size=24, archive="zip")
    with pytest.raises(DataError, match="none of"):
        train(data, tmp_path / "run", replace(SMALL, size=32, preprocess="center"), device="cpu")
