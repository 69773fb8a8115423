import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.detector.card import Pool, PoolKind
from doctored.detector.outputs import RANKS, Outputs, check_outputs
from doctored.errors import DetectorError


def honest(views=3, pool=None, scale=5.0):
    generator = np.random.default_rng(views)
    evidence = (generator.normal(size=(views, 4, 5)) * scale).astype(np.float32)
    logit = (pool or Pool()).apply(evidence).astype(np.float32)
    return {
        "probability": (1 / (1 + np.exp(-logit.astype(np.float64)))).astype(np.float32),
        "logit": logit,
        "evidence": evidence,
        "embedding": generator.normal(size=(views, 7)).astype(np.float32),
        "distance": generator.uniform(0, 9, views).astype(np.float32),
    }


@given(st.integers(1, 20), st.floats(0, 200), st.sampled_from([None, 0.5, 3.0]))
def test_honest_outputs_pass(views, scale, temperature):
    pool = Pool() if temperature is None else Pool(PoolKind.SMOOTHMAX, temperature)
    arrays = honest(views, pool, scale)
    outputs = check_outputs(arrays, views, pool)
    assert all(getattr(outputs, name) is arrays[name] for name in RANKS)


def test_only_the_evidence_may_be_missing():
    for name in RANKS:
        arrays = honest()
        del arrays[name]
        if name == "evidence":
            assert check_outputs(arrays, 3, Pool()).evidence is None
        else:
            with pytest.raises(DetectorError, match=f"no '{name}'"):
                check_outputs(arrays, 3, Pool())


@pytest.mark.parametrize("name", RANKS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: array.astype(np.float64),
        lambda array: array.astype(np.int32),
        lambda array: array[:-1],
        lambda array: array[..., None],
        lambda array: array[:, None][..., :0] if array.ndim == 1 else array[..., :0],
        lambda array: array * np.nan,
        lambda array: array + np.inf,
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_array_of_the_wrong_make_is_named(name, spoil):
    arrays = honest()
    arrays[name] = spoil(arrays[name])
    with pytest.raises(DetectorError, match=f"'{name}'"):
        check_outputs(arrays, 3, Pool())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"surplus": np.zeros(3, np.float32)}, "'surplus' is not one of its outputs"),
        ({"distance": np.array([0, 1, -1], np.float32)}, "a distance is negative"),
        ({"probability": np.array([0.1, 2.0, 0.1], np.float32)}, "not the sigmoid"),
        ({"evidence": np.zeros((3, 2, 2), np.float32)}, "does not pool to the logit"),
    ],
)
def test_a_broken_promise_is_told(change, complaint):
    with pytest.raises(DetectorError, match=complaint) as caught:
        check_outputs({**honest(), **change}, 3, Pool())
    assert "\n" not in str(caught.value)


def test_the_evidence_must_pool_as_the_card_says():
    with pytest.raises(DetectorError, match="does not pool"):
        check_outputs(honest(pool=Pool(PoolKind.SMOOTHMAX, 1.0)), 3, Pool())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.booleans())
def test_parts_are_joined_in_order(sizes, has_evidence):
    parts = []
    for views in sizes:
        arrays = honest(views)
        if not has_evidence:
            del arrays["evidence"]
        parts.append(check_outputs(arrays, views, Pool()))
    whole = Outputs.join(parts)
    assert np.array_equal(whole.logit, np.concatenate([part.logit for part in parts]))
    assert whole.embedding.shape == (sum(sizes), 7)
    assert (whole.evidence is not None) == has_evidence
