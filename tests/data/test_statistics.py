import numpy as np
import pytest

from doctored.data import statistics
from doctored.data.statistics import channel_statistics


@pytest.mark.parametrize("values_at_once", [1, 5000, 1 << 24])
def test_equal_to_numpy_in_float64(monkeypatch, values_at_once):
    monkeypatch.setattr(statistics, "_VALUES_AT_ONCE", values_at_once)
    pixels = np.random.default_rng(1).integers(0, 256, (40, 9, 7, 3), dtype=np.uint8)
    indices = np.array([3, 39, 0, 17])
    for chosen in (None, indices):
        mean, deviation = channel_statistics(pixels, chosen)
        values = (pixels if chosen is None else pixels[chosen]).reshape(-1, 3) / 255.0
        np.testing.assert_allclose(mean, values.mean(axis=0), rtol=0, atol=1e-12)
        np.testing.assert_allclose(deviation, values.std(axis=0), rtol=0, atol=1e-12)


def test_one_colour_has_no_deviation():
    mean, deviation = channel_statistics(np.full((3, 4, 4, 3), 51, np.uint8))
    assert mean.tolist() == [0.2, 0.2, 0.2]
    assert deviation.tolist() == [0.0, 0.0, 0.0]


def test_nothing_has_no_mean():
    with pytest.raises(ValueError, match="no pixels"):
        channel_statistics(np.zeros((0, 4, 4, 3), np.uint8))
