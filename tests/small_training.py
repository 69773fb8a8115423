"""A training run of seconds, for tests: `python small_training.py DATA OUT` starts or resumes it."""

import sys
from collections.abc import Callable

from doctored.training import Recipe, train
from doctored.training.publish import Made, Trained, make_card, measure

SMALL = Recipe(
    epochs=3, batch_size=16, val_fraction=0.25, average=0.9, precision="fp32", compile="off", threads=1
)


def make_no_detector(trained: Trained, note: Callable[[str], None]) -> Made:
    """In place of `publish.make_detector`, where a test asks for figures and exporting would take longest."""
    measured = measure(trained)
    return Made(b"left out", make_card(trained, measured), measured, 0.0, 0)


if __name__ == "__main__":
    train(sys.argv[1], sys.argv[2], SMALL, device="cpu")
