import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.detector.card import (
    MAX_CARD_BYTES,
    Asks,
    Card,
    Domain,
    DomainKind,
    Metric,
    ModelCard,
    Pool,
    PoolKind,
    Threshold,
)
from doctored.errors import DetectorError, UsageError
from doctored.picture import Preprocess
from doctored.records import Label
from toy_detectors import toy_card

numbers = st.floats(-1e6, 1e6)
shares = st.floats(0, 1)
counts = st.integers(1, 10**9)
printable = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
texts = st.text(printable | st.just(" "), max_size=40)


@st.composite
def threshold_lists(draw):
    budgets = draw(st.lists(st.floats(1e-6, 0.5), min_size=1, max_size=3, unique=True))
    pairs = [sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True))) for _ in budgets]

    def rows(which):
        return tuple(
            Threshold(budget, pair[which], draw(shares), draw(counts))
            for budget, pair in zip(budgets, pairs, strict=True)
        )

    return {"fake": rows(1), "real": rows(0)}


@st.composite
def domains(draw):
    smallest, largest = sorted((draw(counts), draw(counts)))
    return Domain(draw(st.sampled_from(DomainKind)), smallest, largest, draw(st.floats(0, 1e6)), draw(texts))


cards = st.builds(
    Card,
    name=st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True),
    version=texts,
    asks=st.sampled_from(Asks),
    domain=domains(),
    preprocess=st.sampled_from([Preprocess.exact(32), Preprocess.resize(224), Preprocess.center(64)]),
    pool=st.one_of(st.just(Pool()), st.builds(Pool, st.just(PoolKind.SMOOTHMAX), st.floats(1e-3, 1e3))),
    thresholds=threshold_lists(),
    card=st.builds(
        ModelCard,
        data=texts,
        counts=st.dictionaries(texts, counts, max_size=3),
        licence=texts,
        metrics=st.dictionaries(texts, st.builds(Metric, numbers, counts, numbers, numbers), max_size=3),
        limits=texts,
        commit=texts,
        command=texts,
        text=texts,
    ),
    digest=texts,
)


@given(cards)
def test_a_card_comes_back_from_its_json(card):
    assert Card.from_json(card.to_json()) == card


def spots(value, path=()):
    """The path of every value inside a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from spots(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from spots(item, (*path, index))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def shown(path):
    """A path as messages write it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


WHOLE = json.loads(toy_card(pool="smoothmax", temperature=2.0).to_json())
SPOTS = [path for path in spots(WHOLE) if path]
OBJECTS = [path for path in spots(WHOLE) if isinstance(at(WHOLE, path), dict)]
FREE = {("card", "counts"), ("card", "metrics")}  # objects whose keys are the author's
FIXED = [path for path in SPOTS if not isinstance(path[-1], int) and path[:-1] not in FREE]


def refused(value):
    with pytest.raises(DetectorError) as caught:
        Card.from_json(json.dumps(value))
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("path", FIXED, ids=shown)
def test_a_missing_key_is_named(path):
    value = copy.deepcopy(WHOLE)
    del at(value, path[:-1])[path[-1]]
    message = refused(value)
    assert path[-1] in message
    assert f"'{shown(path[:-1])}'" in message or len(path) == 1


@pytest.mark.parametrize("path", [path for path in OBJECTS if path not in FREE], ids=shown)
def test_an_unknown_key_is_named(path):
    value = copy.deepcopy(WHOLE)
    at(value, path)["surplus"] = 1
    message = refused(value)
    assert "'surplus'" in message
    assert f"'{shown(path)}'" in message or not path


def wrong_for(right):
    """Values of other types, and values of the same type that no key takes."""
    wrong = [None, True, [], {}, "\x1b[31m", "x" * 30_000, [1], {"a": 1}, 1e300, -1e300, math.inf, math.nan]
    if isinstance(right, str):
        return [*wrong, 1]
    return [*wrong, "text", -(10**30), 10**30]


@given(st.sampled_from([path for path in SPOTS if path[:-1] not in FREE]), st.data())
def test_a_wrong_value_is_refused_and_its_key_named(path, data):
    if path in FREE or (path[-1] == "thresholds" and len(path) == 1):
        wrong = [None, True, [], 1, "text"]
    else:
        wrong = wrong_for(at(WHOLE, path))
    value = copy.deepcopy(WHOLE)
    at(value, path[:-1])[path[-1]] = data.draw(st.sampled_from(wrong))
    message = refused(value)
    named = shown(path)
    # Preprocess names its own keys; an enclosing key is as good a pointer.
    while named and f"'{named}" not in message:
        named = named.rpartition(".")[0]
    assert named or path == ("schema",), message


@pytest.mark.parametrize("name", ["", "Toy", "a b", "../x", "toy\n", "x" * 65, "ü", "a_b"])
def test_a_name_is_one_plain_word(name):
    assert "'name'" in refused({**WHOLE, "name": name})


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"schema": ' + "9" * 10_000 + "}", "not JSON"),
        ('{"name": "a", "name": "b"}', "appears twice"),
        ("[]", "an object is expected"),
        ('{"\\ud800": 1}', "cannot be shown"),
        (" " * (MAX_CARD_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_card_at_all(text, because):
    with pytest.raises(DetectorError, match=because) as caught:
        Card.from_json(text)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_card_or_a_detector_error(text):
    with pytest.raises(DetectorError):
        Card.from_json(text)


def test_a_later_schema_asks_for_a_newer_doctored():
    with pytest.raises(DetectorError, match=r"schema 2.*pip install --upgrade doctored"):
        Card.from_json(json.dumps({"schema": 2, "something": "new"}))


@pytest.mark.parametrize(
    ("fake", "real", "because"),
    [
        ([(0.05, 1.0)], [(0.05, 1.0)], "not below"),
        ([(0.05, 1.0)], [(0.05, 2.0)], "not below"),
        ([(0.05, 1.0)], [(0.01, -1.0)], "different budgets"),
        ([(0.05, 1.0), (0.05, 2.0)], [(0.05, -1.0)], "appears twice"),
        ([(0.0, 1.0)], [(0.0, -1.0)], "a number from"),
        ([], [], "at least 1"),
    ],
)
def test_thresholds_that_would_contradict_each_other(fake, real, because):
    sides = {
        side: [{"budget": budget, "logit": logit, "bound": 0.1, "n": 10} for budget, logit in rows]
        for side, rows in (("fake", fake), ("real", real))
    }
    assert because in refused({**WHOLE, "thresholds": sides})


def test_several_views_and_tiles_are_left_to_a_later_doctored():
    assert "'views'" in refused({**WHOLE, "views": "tiles"})
    tiles = Preprocess.tiles(32, 16).to_json()
    assert "'preprocess'" in refused({**WHOLE, "preprocess": tiles})


def test_a_threshold_is_found_by_its_budget():
    card = toy_card()
    assert card.threshold("fake", 0.01).logit == 1.0
    assert card.threshold("real", 0.05).logit == -0.5
    with pytest.raises(UsageError, match=r"0\.05, 0\.01"):
        card.threshold("fake", 0.02)


@pytest.mark.parametrize(
    ("logit", "label"),
    [(1.0, Label.FAKE), (5.0, Label.FAKE), (0.999, Label.UNSURE), (-0.999, Label.UNSURE), (-1.0, Label.REAL)],
)
def test_a_logit_on_a_threshold_is_past_it(logit, label):
    assert toy_card().decide(logit, 0.01) is label


def test_pools_are_the_mean_and_a_soft_maximum():
    evidence = np.random.default_rng(0).normal(size=(5, 3, 4)) * 50
    assert np.allclose(Pool().apply(evidence), evidence.mean(axis=(1, 2)))
    for temperature in (0.5, 2.0, 1e3):
        pool = Pool(PoolKind.SMOOTHMAX, temperature)
        cells = evidence.reshape(5, -1).astype(np.longdouble)
        expected = temperature * np.log(np.exp(cells / temperature).mean(axis=1))
        assert np.allclose(pool.apply(evidence), expected.astype(float))
    hottest = Pool(PoolKind.SMOOTHMAX, 1e6).apply(evidence)
    coldest = Pool(PoolKind.SMOOTHMAX, 1e-3).apply(evidence)
    assert np.allclose(hottest, evidence.mean(axis=(1, 2)), atol=0.01)
    assert np.allclose(coldest, evidence.max(axis=(1, 2)), atol=0.01)


def test_writing_a_card_that_holds_no_number_is_a_mistake():
    card = toy_card()
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(card, domain=replace(card.domain, distance_limit=math.nan)).to_json()
