import pytest

from doctored.records import Kind, Says, Strength
from doctored.verdict.facts import FACTS, IMPLIED, facts, find_facts
from toy_findings import (
    ALL,
    DECLARED,
    FAILED,
    FAKE_GENERATED,
    FAKE_OF_NO_KIND,
    FAKE_TAMPERED,
    NEUTRAL,
    NOT_GENERATED,
    NOT_TAMPERED,
    OUTSIDE,
    REAL_OF_BOTH,
    REAL_OF_NOTHING,
    SIGNED_FAKE,
    SIGNED_REAL,
    UNDECIDED,
    UNSTABLE_FAKE,
    WEAK_FAKE,
    WEAK_REAL,
    detector,
    every_combination,
    sign,
    unstable,
)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], set()),
        ([FAILED], {"unexamined"}),
        ([FAILED, NEUTRAL], set()),
        ([SIGNED_FAKE], {"decisive_fake", "strong_fake"}),
        ([SIGNED_REAL], {"decisive_real", "no_generation", "no_tampering"}),
        ([FAKE_GENERATED], {"strong_fake"}),
        ([REAL_OF_BOTH], {"no_generation", "no_tampering"}),
        ([NOT_GENERATED], {"no_generation"}),
        ([NOT_TAMPERED], {"no_tampering"}),
        ([NOT_GENERATED, NOT_TAMPERED], {"no_generation", "no_tampering"}),
        ([REAL_OF_NOTHING], {"weak_sign"}),
        ([DECLARED], {"weak_sign", "declared_fake"}),
        ([WEAK_FAKE], {"weak_sign"}),
        ([WEAK_REAL], {"weak_sign"}),
        ([UNDECIDED], {"undecided"}),
        ([UNSTABLE_FAKE], {"unstable"}),
        ([unstable(REAL_OF_BOTH)], {"unstable"}),
        ([OUTSIDE], {"outside_domain"}),
        ([NEUTRAL], set()),
    ],
)
def test_what_each_finding_makes_so(findings, expected):
    assert facts(findings) == expected


@pytest.mark.parametrize(
    ("fake", "real", "contradicts"),
    [
        (FAKE_GENERATED, REAL_OF_BOTH, True),
        (FAKE_GENERATED, NOT_GENERATED, True),
        (FAKE_GENERATED, NOT_TAMPERED, False),
        (FAKE_TAMPERED, NOT_TAMPERED, True),
        (FAKE_TAMPERED, NOT_GENERATED, False),
        (FAKE_OF_NO_KIND, NOT_GENERATED, True),
        (FAKE_OF_NO_KIND, NOT_TAMPERED, True),
        (FAKE_GENERATED, REAL_OF_NOTHING, True),
        (SIGNED_FAKE, SIGNED_REAL, True),
        (SIGNED_FAKE, NOT_TAMPERED, False),
        (FAKE_TAMPERED, SIGNED_REAL, True),
        (WEAK_FAKE, REAL_OF_BOTH, False),
        (FAKE_GENERATED, WEAK_REAL, False),
        (UNSTABLE_FAKE, REAL_OF_BOTH, True),
        (UNSTABLE_FAKE, NOT_GENERATED, False),
        (FAKE_GENERATED, unstable(REAL_OF_BOTH), True),
        (FAKE_GENERATED, unstable(NOT_TAMPERED), False),
        (UNSTABLE_FAKE, unstable(NOT_TAMPERED), True),
        (detector("x", Says.FAKE, kind=Kind.EDITED_WITH_AI), NOT_TAMPERED, True),
        (detector("x", Says.FAKE, kind=Kind.EDITED_WITH_AI), NOT_GENERATED, True),
    ],
)
def test_strong_findings_contradict_only_on_the_same_question(fake, real, contradicts):
    for findings in ([fake, real], [real, NEUTRAL, fake]):
        held = find_facts(findings)
        assert ("contradiction" in held) is contradicts
        if contradicts:
            assert held["contradiction"] == [each for each in findings if each is not NEUTRAL]


def test_only_a_weak_statement_of_fake_is_a_declaration():
    assert "declared_fake" not in facts([sign("m", "declares_camera", Says.REAL, Strength.WEAK)])
    assert "declared_fake" not in facts([sign("m", "declares_generator", Says.FAKE, Strength.STRONG)])


def test_every_fact_can_hold_and_no_other_does():
    seen = set()
    for findings in every_combination(ALL, at_most=2):
        seen |= facts(findings)
    assert seen == set(FACTS)


def test_what_is_implied_always_holds_and_nothing_else_does():
    held = [facts(findings) for findings in every_combination(ALL, at_most=3)]
    for fact in FACTS:
        others = frozenset.intersection(*(each for each in held if fact in each)) - {fact}
        assert others == frozenset(IMPLIED.get(fact, ())), fact


def test_facts_keep_the_order_of_their_findings():
    held = find_facts(tuple(reversed(ALL)))
    assert held["strong_fake"] == [SIGNED_FAKE, FAKE_OF_NO_KIND, FAKE_TAMPERED, FAKE_GENERATED]
