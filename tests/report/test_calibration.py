from doctored.measure.summary import Figure
from doctored.report.calibration import tell_reliability, tell_selective


def bar(stated, found, half=0.05, n=100):
    return {
        "mean_probability": stated,
        "share_fake": found,
        "share_low": found - half,
        "share_high": found + half,
        "n": n,
    }


def test_groups_inside_their_interval_are_counted_and_the_farthest_is_named():
    bars = [bar(0.1, 0.11), bar(0.35, 0.47), bar(0.6, 0.68), bar(0.9, 0.9)]
    assert tell_reliability(bars, Figure(0.0123, 400)) == (
        "In two of four groups of pictures the probability it states lies within the 95 % interval of what "
        "was found; on "
        "average it is off by 1.23 points. It is farthest off where it says 35 % fake: there 47 % of 100 "
        "pictures are."
    )


def test_a_calibrated_detector_has_nothing_farthest_off():
    assert tell_reliability([bar(0.1, 0.11), bar(0.9, 0.88)], None).endswith("of what was found.")


CURVE = [(0.5, 0.0), (0.95, 0.004), (1.0, 0.025)]


def test_a_cut_bought_on_validation_is_preferred():
    risk = {"value": 0.009, "n": 18900, "low": 0.0078, "high": 0.0104}
    rows = [
        {
            "coverage": 0.95,
            "cut": 1.0,
            "from": "validation",
            "risk": risk,
            "answered": {"value": 0.947, "n": 20000},
        }
    ]
    assert tell_selective(CURVE, rows) == (
        "Answering only where it is surest, by a cut that was bought on validation pictures, it answers 94.7 "
        "% and is "
        "wrong on 0.90 % (0.78 to 1.04 %) of them, instead of 2.50 % of all."
    )


def test_a_cut_on_these_pictures_is_said_to_be_one():
    assert tell_selective(CURVE, []) == (
        "Leaving out the 5 % that it is least sure of takes wrong answers from 2.50 % to 0.40 % (the cut is "
        "chosen on these "
        "very pictures)."
    )


def test_abstaining_that_buys_nothing_is_not_praised():
    assert "does not lower" in tell_selective([(0.95, 0.03), (1.0, 0.025)], [])
