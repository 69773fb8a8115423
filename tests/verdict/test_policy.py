from collections import Counter

import pytest

import toy_findings as a
from doctored.records import Finding, Kind, Label, RecordError, Says, Strength
from doctored.verdict import decide, load_policy, not_examined
from doctored.verdict.facts import facts

CAREFUL, PLATFORM = load_policy("careful"), load_policy("platform")
SHIPPED = {policy.name: policy for policy in (CAREFUL, PLATFORM)}
DECISIVE = (a.SIGNED_FAKE, a.SIGNED_REAL)


@pytest.fixture(scope="module")
def combinations():
    """Every combination of the findings that a policy looks at, by their identities, with its facts."""
    return [(frozenset(map(id, findings)), findings, facts(findings)) for findings in a.every_combination()]


@pytest.fixture(scope="module", params=SHIPPED)
def policy(request):
    return SHIPPED[request.param]


@pytest.fixture(scope="module")
def outcomes(policy, combinations):
    """Every combination with the policy's verdict."""
    return [(ids, findings, decide(findings, policy)) for ids, findings, _ in combinations]


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
        ([a.UNSTABLE_FAKE], "unsure", "unstable", None),
        ([a.UNSTABLE_FAKE, a.NOT_GENERATED], "unsure", "unstable", None),
        ([a.UNSTABLE_FAKE, a.UNDECIDED, a.OUTSIDE], "unsure", "unstable", None),
        ([a.UNSTABLE_FAKE, a.REAL_OF_BOTH], "unsure", "contradictory", None),
        ([a.UNSTABLE_FAKE, a.SIGNED_REAL], "real", "decisive_real", None),
        ([a.UNSTABLE_FAKE, a.FAKE_GENERATED], "fake", "strong_fake", "generated"),
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


@pytest.mark.parametrize(
    ("findings", "kind"),
    [
        ([a.DECLARED], "generated"),
        ([a.DECLARED, a.REAL_OF_BOTH, a.WEAK_REAL], "generated"),
        ([a.DECLARED, a.UNSTABLE_FAKE], "generated"),
        ([a.sign("m", "declares_edit", Says.FAKE, Strength.WEAK, Kind.EDITED_WITH_AI)], "edited_with_ai"),
        ([a.sign("m", "declares_it", Says.FAKE, Strength.WEAK), a.WEAK_FAKE], None),
        ([a.DECLARED, a.sign("m", "declares_edit", Says.FAKE, Strength.WEAK, Kind.EDITED_WITH_AI)], None),
    ],
)
def test_the_platform_takes_a_file_at_its_word(findings, kind):
    verdict = decide(findings, PLATFORM)
    assert (verdict.label.value, verdict.rule, verdict.kind) == ("fake", "declared_fake", kind)
    assert verdict.probability is None
    assert decide(findings, CAREFUL).label is Label.UNSURE


def test_the_platform_differs_in_nothing_else(combinations):
    assert [row.rule for row in CAREFUL.rows] == [row.rule for row in PLATFORM.rows]
    pairs = zip(CAREFUL.rows, PLATFORM.rows, strict=True)
    assert [mine.rule for mine, other in pairs if mine != other] == ["declared_fake"]
    differing = Counter()
    for _, findings, _ in combinations:
        careful, platform = decide(findings, CAREFUL), decide(findings, PLATFORM)
        assert careful.rule == platform.rule
        if careful != platform:
            differing[careful.rule, careful.label, platform.label] += 1
    assert set(differing) == {("declared_fake", Label.UNSURE, Label.FAKE)}


def test_exactly_one_first_row_decides_and_each_row_is_reached(policy, combinations, outcomes):
    reached = {decide([a.FAILED], policy).rule}
    for (_, _, held), (_, _, verdict) in zip(combinations, outcomes, strict=True):
        fitting = [row for row in policy.rows if row.fits(held)]
        assert fitting[0].rule == verdict.rule
        assert fitting[-1] is policy.rows[-1]
        reached.add(verdict.rule)
    assert reached == {row.rule for row in policy.rows}


def test_an_unexamined_picture_is_never_real(policy):
    for findings in ([], [a.FAILED], [a.FAILED] * 3):
        assert decide(findings, policy).label is Label.UNSURE
    verdict = not_examined(RecordError("truncated", "the file ends early; fetch it again"), policy)
    assert (verdict.label, verdict.why) == (Label.UNSURE, ("truncated", "not_examined"))
    assert verdict.text == "Unsure: not examined. The file ends early; fetch it again."


def test_a_strong_fake_never_gives_real(outcomes):
    fakes = (a.FAKE_GENERATED, a.FAKE_TAMPERED, a.FAKE_OF_NO_KIND)
    for ids, _, verdict in outcomes:
        if has(ids, *fakes, a.SIGNED_FAKE) and not has(ids, a.SIGNED_REAL):
            assert verdict.label is not Label.REAL


def test_a_contradiction_is_unsure(combinations, outcomes):
    for (ids, _, held), (_, _, verdict) in zip(combinations, outcomes, strict=True):
        if not has(ids, *DECISIVE) and "contradiction" in held:
            assert (verdict.label, verdict.rule) == (Label.UNSURE, "contradictory")


def test_real_needs_strong_evidence_on_the_whole_question(outcomes):
    for ids, _, verdict in outcomes:
        if verdict.label is Label.REAL and not has(ids, a.SIGNED_REAL):
            assert has(ids, a.REAL_OF_BOTH) or (has(ids, a.NOT_GENERATED) and has(ids, a.NOT_TAMPERED))


def test_fake_needs_strong_evidence_or_the_files_word_on_a_platform(policy, outcomes):
    strong = (a.FAKE_GENERATED, a.FAKE_TAMPERED, a.FAKE_OF_NO_KIND, a.SIGNED_FAKE)
    enough = strong if policy is CAREFUL else (*strong, a.DECLARED)
    for ids, _, verdict in outcomes:
        if verdict.label is Label.FAKE:
            assert has(ids, *enough)


def test_findings_that_feed_no_row_change_nothing(policy, outcomes):
    for _, findings, verdict in outcomes:
        assert decide((a.NEUTRAL, *findings), policy) == verdict
        if findings:
            assert decide((*findings, a.FAILED), policy) == verdict


def test_an_abstention_changes_no_label(outcomes):
    abstaining = {id(each) for each in (a.UNDECIDED, a.OUTSIDE)}
    verdicts = {ids: verdict for ids, _, verdict in outcomes}
    for ids, verdict in verdicts.items():
        without = verdicts[ids - abstaining]
        assert verdict == without or verdict.rule in ("undecided", "outside")
        assert verdict.label is without.label


def test_nothing_is_raised_by_judging_copies(policy):
    """Whichever detectors turn out unstable, the label is the one it was, or unsure."""
    lowered = 0
    for others in a.every_combination((a.SIGNED_FAKE, a.SIGNED_REAL, a.DECLARED, a.UNDECIDED)):
        for strong in a.every_combination(a.DETECTORS):
            label = decide((*others, *strong), policy).label
            for unstable in a.every_combination(strong):
                judged = tuple(
                    a.unstable(each) if any(each is one for one in unstable) else each for each in strong
                )
                now = decide((*others, *judged), policy).label
                assert now in (label, Label.UNSURE)
                lowered += now is not label
    assert lowered


def test_the_order_of_findings_does_not_matter(policy, outcomes):
    for _, findings, verdict in outcomes[::97]:
        other = decide(tuple(reversed(findings)), policy)
        assert (other.label, other.rule, other.kind) == (verdict.label, verdict.rule, verdict.kind)
        assert set(other.codes) == set(verdict.codes)


def test_a_probability_is_one_detectors(outcomes):
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
