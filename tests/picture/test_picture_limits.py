import dataclasses

import pytest

from doctored.errors import UsageError
from doctored.picture import Limits


def test_the_defaults_are_those_of_the_design():
    assert dataclasses.asdict(Limits()) == {
        "max_bytes": 256 * 2**20,
        "max_pixels": 200_000_000,
        "max_side": 65_500,
        "max_metadata_bytes": 32 * 2**20,
        "max_frames": 1,
        "time_s": 20.0,
    }


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, True, None, "9", float("nan"), float("inf")])
def test_a_limit_is_a_number_above_0(name, value):
    with pytest.raises(UsageError, match=f"{name}.*; give a"):
        Limits(**{name: value})


def test_only_the_time_may_be_a_fraction():
    assert Limits(time_s=0.5).time_s == 0.5
    with pytest.raises(UsageError, match="whole number"):
        Limits(max_pixels=0.5)


def test_limits_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().max_bytes = 1
