from doctored.report.paired import tell_paired
from toy_run import figure


def paired(difference, p):
    gap = {"value": difference, "n": 400, "low": difference - 0.1, "high": difference + 0.1}
    test = {"ours": figure(0.96), "theirs": figure(0.93), "difference": gap, "p": p}
    return {"n": 400, "accuracy": test, "roc_auc": None}


def test_better_is_said_only_where_the_test_says_so():
    assert (
        tell_paired(paired(0.03, 0.002), "a", "b")
        == "a against b on the same 400 pictures: a has the higher accuracy (p = 0.0020)."
    )
    assert tell_paired(paired(-0.03, 0.00001), "a", "b").endswith(
        "b has the higher accuracy (p under 0.0001)."
    )
    assert tell_paired(paired(0.03, 0.2), "a", "b").endswith(
        "no difference in accuracy that these pictures could show (p = 0.20)."
    )


def test_no_test_tells_nothing():
    assert (
        tell_paired({"n": 400, "accuracy": None, "roc_auc": None}, "a", "b") == "Nothing tells a and b apart."
    )
