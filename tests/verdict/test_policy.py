import hashlib
import json
import tomllib
from collections import Counter
from importlib import resources

import pytest

import toy_findings as a
from doctored.errors import UsageError
from doctored.records import Finding, Kind, Label, RecordError, Says, Strength
from doctored.verdict import decide, load_policy, not_examined, parse_policy
from doctored.verdict.facts import facts

CAREFUL = load_policy("careful")
DECISIVE = (a.SIGNED_FAKE, a.SIGNED_REAL)


@pytest.fixture(scope="module")
def outcomes():
    """Every combination of findings with the careful policy's verdict."""
    return [
        (frozenset(map(id, findings)), findings, decide(findings, CAREFUL))
        for findings in a.every_combination()
    ]


def has(ids, *findings):
    return any(id(finding) in ids for finding in findings)


# ------------------------------------------------------------------------------- the table of the design


@pytest.mark.parametrize(
    ("findings", "label", "rule", "kind"),
    [
        ([a.FAILED], "unsure", "not_examined", None),
        ([a.SIGNED_FAKE], "fake", "decisive_fake", "generated"),
        ([a.SIGNED_FAKE, a.REAL_OF_BOTH], "fake", "decisive_fake", "generated"),
        ([a.SIGNED_REAL], "real", "decisive_real", None),
        ([a.SIGNED_REAL, a.FAKE_TAMPERED], "real", "decisive_real", None),
        ([a.SIGNED_REAL, a.SIGNED_FAKE], "unsure", "contradictory", None),
        ([a.FAKE_GENERATED, a.NOT_GENERATED], "unsure", "contradictory", None),
        ([a.FAKE_GENERATED], "fake", "strong_fake", "generated"),
        ([a.FAKE_GENERATED, a.NOT_TAMPERED], "fake", "strong_fake", "generated"),
        ([a.FAKE_GENERATED, a.FAKE_TAMPERED], "fake", "strong_fake", None),
        ([a.FAKE_TAMPERED, a.FAKE_OF_NO_KIND], "fake", "strong_fake", "tampered"),
        ([a.DECLARED, a.REAL_OF_BOTH], "unsure", "declared_fake", None),
        ([a.DECLARED, a.FAKE_TAMPERED], "fake", "strong_fake", "tampered"),
        ([a.REAL_OF_BOTH], "real", "strong_real", None),
        ([a.NOT_GENERATED, a.NOT_TAMPERED], "real", "strong_real", None),
        ([a.NOT_GENERATED, a.WEAK_FAKE], "unsure", "no_generation_only", None),
        ([a.NOT_TAMPERED, a.OUTSIDE], "unsure", "no_tampering_only", None),
        ([a.UNDECIDED, a.OUTSIDE, a.WEAK_FAKE], "unsure", "undecided", None),
        ([a.OUTSIDE, a.WEAK_FAKE], "unsure", "outside", None),
        ([a.WEAK_FAKE, a.WEAK_REAL], "unsure", "weak_signs", None),
        ([a.NEUTRAL], "unsure", "no_sign", None),
        ([], "unsure", "no_sign", None),
        ([a.FAILED, a.REAL_OF_BOTH], "real", "strong_real", None),
    ],
)
def test_the_careful_table(findings, label, rule, kind):
    verdict = decide(findings, CAREFUL)
    assert (verdict.label.value, verdict.rule, verdict.kind) == (label, rule, kind)


def test_exactly_one_first_row_decides_and_each_row_is_reached(outcomes):
    reached = Counter()
    for _, findings, verdict in outcomes:
        held = facts(findings)
        fitting = [row for row in CAREFUL.rows if row.fits(held)]
        assert fitting[0].rule == verdict.rule
        assert fitting[-1] is CAREFUL.rows[-1]
        reached[verdict.rule] += 1
    assert set(reached) == {row.rule for row in CAREFUL.rows}


def test_an_unexamined_picture_is_never_real(outcomes):
    for findings in ([a.FAILED], [a.FAILED] * 3):
        assert decide(findings, CAREFUL).label is Label.UNSURE
    assert decide([], CAREFUL).label is Label.UNSURE
    verdict = not_examined(RecordError("truncated", "the file ends early; fetch it again"), CAREFUL)
    assert (verdict.label, verdict.why) == (Label.UNSURE, ("truncated", "not_examined"))
    assert verdict.text == "Unsure: not examined. The file ends early; fetch it again."


def test_a_strong_fake_never_gives_real(outcomes):
    fakes = (a.FAKE_GENERATED, a.FAKE_TAMPERED, a.FAKE_OF_NO_KIND)
    for ids, _, verdict in outcomes:
        if has(ids, *fakes, a.SIGNED_FAKE) and not has(ids, a.SIGNED_REAL):
            assert verdict.label is not Label.REAL


def test_a_contradiction_is_unsure(outcomes):
    for ids, findings, verdict in outcomes:
        if not has(ids, *DECISIVE) and "contradiction" in facts(findings):
            assert (verdict.label, verdict.rule) == (Label.UNSURE, "contradictory")


def test_real_needs_strong_evidence_on_the_whole_question(outcomes):
    for ids, _, verdict in outcomes:
        if verdict.label is Label.REAL and not has(ids, a.SIGNED_REAL):
            assert has(ids, a.REAL_OF_BOTH) or (has(ids, a.NOT_GENERATED) and has(ids, a.NOT_TAMPERED))


def test_fake_needs_strong_evidence(outcomes):
    for ids, _, verdict in outcomes:
        if verdict.label is Label.FAKE:
            assert has(ids, a.FAKE_GENERATED, a.FAKE_TAMPERED, a.FAKE_OF_NO_KIND, a.SIGNED_FAKE)


def test_a_neutral_finding_never_changes_the_label(outcomes):
    neutral = {id(each) for each in (a.UNDECIDED, a.OUTSIDE, a.FAILED, a.NEUTRAL)}
    labels = {ids: verdict.label for ids, _, verdict in outcomes}
    for ids, label in labels.items():
        assert labels[ids - neutral] is label


def test_the_order_of_findings_does_not_matter(outcomes):
    for _, findings, verdict in outcomes[::97]:
        other = decide(tuple(reversed(findings)), CAREFUL)
        assert (other.label, other.rule, other.kind) == (verdict.label, verdict.rule, verdict.kind)
        assert set(other.codes) == set(verdict.codes)


def test_only_a_fake_is_of_a_kind_and_a_probability_is_one_detectors(outcomes):
    for _, findings, verdict in outcomes:
        if verdict.probability is not None:
            givers = [
                each
                for each in findings
                if each.check.startswith("detector:")
                and each.details.get("probability") == verdict.probability
            ]
            assert len(givers) == 1
            assert givers[0].code in verdict.codes


# --------------------------------------------------------------------------------------- what it says


def test_the_deciding_findings_are_named_and_quoted():
    verdict = decide([a.NEUTRAL, a.FAKE_GENERATED, a.FAKE_TAMPERED, a.WEAK_FAKE], CAREFUL)
    assert verdict.why == ("detector_says_fake", "strong_fake")
    assert verdict.text == "Fake. g says fake. t says fake."
    assert verdict.probability is None


def test_one_detector_that_decides_gives_its_probability():
    assert decide([a.FAKE_GENERATED, a.OUTSIDE], CAREFUL).probability == 0.99
    assert decide([a.NOT_GENERATED], CAREFUL).probability == 0.02
    assert decide([a.UNDECIDED, a.OUTSIDE], CAREFUL).probability == 0.4
    assert decide([a.NOT_GENERATED, a.NOT_TAMPERED], CAREFUL).probability is None
    assert decide([a.OUTSIDE], CAREFUL).probability is None
    assert decide([a.SIGNED_FAKE], CAREFUL).probability is None
    assert decide([a.SIGNED_FAKE, a.FAKE_GENERATED], CAREFUL).probability is None


def test_an_edit_with_ai_keeps_its_kind():
    edited = a.sign("content_credentials", "x", Says.FAKE, Strength.DECISIVE, Kind.EDITED_WITH_AI)
    assert decide([edited], CAREFUL).kind is Kind.EDITED_WITH_AI


def test_a_text_with_braces_is_quoted_as_it_is():
    finding = Finding("m", "x", Says.FAKE, Strength.STRONG, "Holds {because} and {0}.")
    assert decide([finding], CAREFUL).text == "Fake. Holds {because} and {0}."


# -------------------------------------------------------------------------------------- reading a table

SMALL = """
schema = 1
name = "small"
text = "For tests."

[[row]]
rule = "loud"
when = ["strong_fake"]
unless = ["decisive_real"]
label = "fake"
text = "Fake. {because}"

[[row]]
rule = "rest"
when = []
label = "unsure"
text = "Unsure."
"""


def test_a_table_of_ones_own_is_read_and_followed(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(SMALL, "utf-8")
    policy = load_policy(str(path))
    assert decide([a.FAKE_GENERATED], policy).rule == "loud"
    assert decide([a.REAL_OF_BOTH], policy).rule == "rest"
    assert not_examined(RecordError("empty", "it is empty; fetch it"), policy).label is Label.UNSURE


def test_the_digest_is_that_of_the_canonical_json():
    text = (resources.files("doctored.verdict") / "policies" / "careful.toml").read_text("utf-8")
    canonical = json.dumps(tomllib.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert CAREFUL.digest == hashlib.sha256(canonical.encode()).hexdigest()
    commented = parse_policy("# only a comment\n" + text)
    assert commented.digest == CAREFUL.digest
    assert parse_policy(text.replace("Fake. ", "Fake! ")).digest != CAREFUL.digest


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("schema = 1", "schema = 2", "schema 2"),
        ("schema = 1", "schema = 1\nnmae = 'x'", "did you mean 'name'"),
        ("schema = 1", "schema = 1\nzzz = 'x'", "unknown key 'zzz'"),
        ('name = "small"', "", "lacks 'name'"),
        ('name = "small"', "name = 3", "'name' of the table is not a text"),
        ('rule = "loud"', 'rule = "loud"\nlable = "x"', "did you mean 'label'"),
        ('rule = "loud"', "", "row 1 lacks 'rule'"),
        ('rule = "loud"', 'rule = "Very loud"', "snake_case"),
        ('rule = "loud"', 'rule = "rest"', "same rule"),
        ('label = "fake"', 'label = "maybe"', "one of real, fake, unsure"),
        ('when = ["strong_fake"]', 'when = ["strong_fakes"]', "did you mean 'strong_fake'"),
        ('when = ["strong_fake"]', 'when = "strong_fake"', "not a list"),
        ('when = ["strong_fake"]', 'when = ["decisive_real"]', "asks for a fact and against it"),
        ('when = ["strong_fake"]\nunless = ["decisive_real"]', "when = []", "always"),
        ("when = []", 'when = ["undecided"]', "last row must fit always"),
        ('label = "unsure"', 'label = "real"', "calls a picture real"),
        ('when = ["strong_fake"]\nunless = ["decisive_real"]\nlabel = "fake"',
         'when = ["unexamined"]\nlabel = "real"', "calls a picture real"),
        ("{because}", "{because!r}{0}", "no other brace"),
        ("{because}", "{because", "no other brace"),
        ("[[row]]", "[row]", "not TOML"),
        ("schema = 1", "schema =", "not TOML"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_its_reason(old, new, complaint):
    assert old in SMALL
    with pytest.raises(UsageError) as refused:
        parse_policy(SMALL.replace(old, new), origin="own.toml")
    assert complaint in str(refused.value)
    assert "own.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rows_must_be_tables():
    with pytest.raises(UsageError, match="row"):
        parse_policy('schema = 1\nname = "x"\ntext = "y"\nrow = [1]')
    with pytest.raises(UsageError, match="row"):
        parse_policy('schema = 1\nname = "x"\ntext = "y"\nrow = []')


def test_an_unknown_policy_gets_a_proposal(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'careful'"):
        load_policy("carefull")
    with pytest.raises(UsageError, match="there are: careful"):
        load_policy("zzz")
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(str(tmp_path / "none.toml"))
