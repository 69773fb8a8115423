import pytest

from doctored.checks.base import could_not_check, run_checks
from doctored.errors import DetectorError
from doctored.records import Finding, Says, Strength


def finding(check: str, text: str) -> Finding:
    return Finding(check, "seen", Says.NEUTRAL, Strength.NONE, text)


class Plain:
    """A check of strings, which stand in for pictures; it fails on those that say so."""

    def __init__(self, name="plain", error=None):
        self.name = name
        self.error = error or ValueError("bad\n luck.")
        self.seen = []

    def run(self, picture):
        self.seen.append(picture)
        if "bad" in picture:
            raise self.error
        return [finding(self.name, picture)]


class Batched(Plain):
    def __init__(self, answers=None, **rest):
        super().__init__("batched", **rest)
        self.batches = []
        self.answers = answers

    def run_many(self, pictures):
        self.batches.append(list(pictures))
        if any("bad" in picture for picture in pictures):
            raise self.error
        return [[finding(self.name, picture)] for picture in pictures][: self.answers]


def summary(findings):
    return [[(each.check, each.code, each.text) for each in own] for own in findings]


def test_each_picture_gets_the_findings_of_each_check_in_their_order():
    found = run_checks([Plain("first"), Batched()], ["a", "b"])
    assert summary(found) == [
        [("first", "seen", "a"), ("batched", "seen", "a")],
        [("first", "seen", "b"), ("batched", "seen", "b")],
    ]


def test_no_pictures_and_no_checks_are_fine():
    assert run_checks([Plain()], []) == []
    assert run_checks([], ["a", "b"]) == [[], []]


def test_a_check_that_fails_says_so_on_that_picture_only():
    found = run_checks([Plain(), Plain("other", error=DetectorError("it broke; mend it"))], ["a", "bad", "c"])
    assert [[each.code for each in own] for own in found] == [
        ["seen", "seen"],
        ["could_not_check", "could_not_check"],
        ["seen", "seen"],
    ]
    plain, other = found[1]
    assert (plain.check, plain.says, plain.strength) == ("plain", Says.NEUTRAL, Strength.NONE)
    assert plain.details == {"error": "ValueError: bad luck"}
    assert other.details == {"error": "it broke; mend it"}
    assert other.text == "The check other could not look at this picture: it broke; mend it."


def test_a_batch_is_asked_once_and_after_a_failure_one_by_one():
    check = Batched()
    run_checks([check], ["a", "b", "c"])
    assert (check.batches, check.seen) == ([["a", "b", "c"]], [])
    found = run_checks([check], ["a", "bad", "c"])
    assert [own[0].code for own in found] == ["seen", "could_not_check", "seen"]


def test_a_batch_with_answers_missing_is_not_believed():
    found = run_checks([Batched(answers=1)], ["a", "b"])
    assert summary(found) == [[("batched", "seen", "a")], [("batched", "seen", "b")]]


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("x"), KeyError("k"), ValueError("x" * 9999)])
def test_any_failure_has_a_short_reason(error):
    reason = could_not_check("c", error).details["error"]
    assert type(error).__name__ in reason
    assert len(reason) <= 300


def test_an_interruption_is_no_failure_of_a_check():
    with pytest.raises(KeyboardInterrupt):
        run_checks([Plain(error=KeyboardInterrupt())], ["bad"])
