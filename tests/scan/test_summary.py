import json

import pytest

from doctored.errors import UsageError
from doctored.scan.items import Row
from doctored.scan.summary import Summary, check_fail_on
from doctored.verdict import load_policy

CAREFUL = load_policy("careful")


def row(label="real", why=("strong_real",), codes=(), is_broken=False):
    record = {"verdict": label, "why": why, "findings": [{"code": code} for code in codes]}
    return Row(json.dumps(record).encode(), label, is_broken)


def test_counts_are_told_in_words():
    summary = Summary()
    for each in [row(), row("fake"), row("unsure", is_broken=True)]:
        summary.count(each)
    assert str(summary) == "3 pictures: 1 real, 1 fake, 1 unsure; 1 could not be examined"
    assert summary.total == 3


@pytest.mark.parametrize(
    ("fail_on", "rows", "code"),
    [
        ([], [], 0),
        ([], [row(), row("fake")], 0),
        ([], [row(is_broken=True)], 3),
        (["fake"], [row(), row("fake")], 1),
        (["fake"], [row("fake"), row(is_broken=True)], 1),
        (["fake"], [row(), row(is_broken=True)], 3),
        (["strong_real"], [row()], 1),
        (["real"], [row("fake", codes=("outside_domain",))], 0),
        (["outside_domain"], [row("fake", codes=("outside_domain",))], 1),
        (["empty"], [row("unsure", why=("empty", "not_examined"), is_broken=True)], 1),
    ],
)
def test_the_exit_code(fail_on, rows, code):
    summary = Summary(fail_on)
    for each in rows:
        summary.count(each)
    assert summary.exit_code == code


def test_a_word_that_nothing_can_say_is_refused():
    check_fail_on(["fake", "unsure", "outside_domain", "no_sign", "timed_out"], CAREFUL)
    with pytest.raises(UsageError, match="did you mean 'fake'"):
        check_fail_on(["fakes"], CAREFUL)
    with pytest.raises(UsageError, match="use a label"):
        check_fail_on(["qqqq"], CAREFUL)
