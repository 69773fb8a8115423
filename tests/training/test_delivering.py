import numpy as np
import pytest

from doctored.errors import TrainingError
from doctored.picture.delivery import deliver
from doctored.training import delivering as module
from doctored.training.delivering import delivering

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), np.uint8)
SEEDS = [[5, 0, place] for place in range(7)]


@pytest.mark.parametrize("processes", [1, 3, 9])
def test_children_deliver_what_one_process_would(processes: int) -> None:
    with delivering(0.7, processes) as deliver_all:
        delivered = [deliver_all(PIXELS, SEEDS) for _ in range(2)]
    expected = [
        deliver(picture, 0.7, np.random.default_rng(seed))
        for picture, seed in zip(PIXELS, SEEDS, strict=True)
    ]
    for found in delivered:
        np.testing.assert_array_equal(found, expected)
    assert (np.stack(expected) != PIXELS).any()


def test_a_child_that_ends_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORKER", "doctored.version")  # it ends at once
    told = pytest.raises(TrainingError, match="could not be delivered: the child ended")
    with told, delivering(0.7, 1) as deliver_all:
        deliver_all(PIXELS, SEEDS)


def test_the_children_live_as_long_as_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class Watched(module.Child):
        def __init__(self, worker: str) -> None:
            super().__init__(worker)
            made.append(self)

    monkeypatch.setattr(module, "Child", Watched)
    with delivering(0.7, 2) as deliver_all:
        deliver_all(PIXELS, SEEDS)
        assert [child.is_alive for child in made] == [True, True]
    assert [child.is_alive for child in made] == [False, False]
