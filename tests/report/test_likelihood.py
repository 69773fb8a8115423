from doctored.measure.summary import Figure
from doctored.report.likelihood import tell_misleading, tell_strength


def test_the_part_lost_to_calibration_is_told():
    assert tell_strength(Figure(0.083, 100), Figure(0.08, 100)) == (
        "Its likelihood ratios cost 0.083 bits a picture (Cllr; 1 is knowing nothing), the least that this "
        "ranking allows "
        "is 0.080: 0.003 of it is lost to calibration."
    )


def test_ratios_worse_than_none_are_called_so():
    assert tell_strength(Figure(1.2, 100), Figure(0.4, 100)).endswith("they mislead more than they inform.")
    assert tell_strength(None, None) == "Likelihood ratios need real and fake pictures."


def test_evidence_for_the_wrong_side_is_counted():
    rows = [
        {"says": "real", "real": 90, "fake": 4},
        {"says": "neither", "real": 5, "fake": 6},
        {"says": "fake", "real": 5, "fake": 190},
    ]
    assert tell_misleading(rows) == (
        "The ratio supports the wrong side for 5 % of 100 real pictures and for 2 % of 200 fake pictures."
    )
