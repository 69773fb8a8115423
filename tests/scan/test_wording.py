from hypothesis import given
from hypothesis import strategies as st

from doctored.scan.wording import is_neutral, lead, mark, strongest_first
from doctored.verdict import decide, load_policy
from toy_findings import DECLARED, FAKE_GENERATED, NEUTRAL, OUTSIDE, SIGNED_FAKE, every_combination


def record(text, *findings):
    return {"text": text, "findings": [finding.to_json() for finding in findings]}


def test_the_findings_sentences_are_left_out_of_every_verdict_that_ends_with_them():
    for policy in (load_policy("careful"), load_policy("platform")):
        told = {row.text.replace("{because}", "").rstrip() for row in policy.rows}
        for findings in every_combination(at_most=3):
            assert lead(record(decide(findings, policy).text, *findings)) in told


def test_a_verdict_with_words_behind_the_reasons_stays_whole():
    text = f"Fake, for this: {FAKE_GENERATED.text} So says the house."
    assert lead(record(text, FAKE_GENERATED)) == text


@given(st.text(), st.lists(st.text()))
def test_any_texts_come_to_an_end(text, sentences):
    given_record = {"text": text, "findings": [{"text": sentence} for sentence in sentences]}
    assert text.startswith(lead(given_record))


def test_marks_say_side_and_strength():
    marks = [mark(finding.to_json()) for finding in (SIGNED_FAKE, DECLARED, NEUTRAL)]
    assert marks == ["decisive fake", "weak fake", "neutral"]


def test_the_strongest_come_first_and_equals_keep_their_order():
    findings = [finding.to_json() for finding in (OUTSIDE, DECLARED, NEUTRAL, FAKE_GENERATED, SIGNED_FAKE)]
    codes = [finding["code"] for finding in strongest_first(findings)]
    assert codes == [
        "signed_generated", "detector_says_fake", "declares_generator", "outside_domain", "trailing_bytes"
    ]  # fmt: skip


def test_a_record_is_neutral_where_nothing_speaks_for_a_side():
    assert is_neutral(record("", NEUTRAL, OUTSIDE))
    assert is_neutral(record(""))
    assert not is_neutral(record("", NEUTRAL, DECLARED))
