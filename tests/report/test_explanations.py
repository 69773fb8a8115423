from doctored.report.explanations import tell_curves
from toy_run import figure


def curves(deletion, insertion):
    return {
        "pictures": 50,
        "deletion": {"gain": {"value": deletion, "n": 50, "low": deletion - 0.02, "high": deletion + 0.02}},
        "insertion": {
            "gain": {"value": insertion, "n": 50, "low": insertion - 0.02, "high": insertion + 0.02}
        },
    }


def test_a_map_that_decides_is_told_from_one_that_does_not():
    assert "what the map points at decides: both curves beat a random order" in tell_curves(curves(0.2, 0.1))
    assert "beats a random order in deletion only" in tell_curves(curves(0.2, 0.01))
    assert "not told apart from a random one" in tell_curves(curves(0.01, -0.01))
    assert "points away from what decides" in tell_curves(curves(-0.2, 0.01))


def test_the_gains_are_told_with_their_intervals():
    assert tell_curves(curves(0.2, 0.1)).endswith(
        "(deletion gains +0.200 (+0.180 to +0.220); insertion gains +0.100 (+0.080 to +0.120))."
    )


def test_a_curve_without_a_gain_is_not_praised():
    found = curves(0.2, 0.1)
    found["deletion"]["gain"] = found["insertion"]["gain"] = {**figure(0.2), "value": None}
    assert tell_curves(found) == "On 50 pictures the map's order is not told apart from a random one."
