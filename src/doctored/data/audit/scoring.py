"""How well a rule tells the classes apart on pictures that it was not made from."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.measure.intervals import auc_interval, wilson
from doctored.measure.metrics import roc_auc

FOLDS = 5
MOST_BINS = 32
# Pictures of prior belief: a word seen twice in training says little.
_PRIOR_WEIGHT = 4.0

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """Cross-validated figures over `n` pictures; `low` and `high` bound the AUC at a confidence corrected
    for the number of rules, `accuracy_low` and `accuracy_high` alike; `majority` is the accuracy of always
    naming the larger class."""

    n: int
    auc: float
    low: float
    high: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    majority: float

    def to_json(self) -> dict[str, Any]:
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def assign_folds(units: Codes, is_fake: Bools, seed: int = 0, folds: int = FOLDS) -> Codes:
    """A fold 0 to `folds` − 1 for each row: rows of one unit share it, and both classes are spread evenly."""
    _, places = np.unique(units, return_inverse=True)
    count = int(places.max(initial=-1)) + 1
    rows = np.bincount(places, minlength=count)
    fakes = np.bincount(places, weights=is_fake, minlength=count)
    stratum = (fakes > 0) * 1 + (fakes == rows) * 1
    order = np.random.default_rng(seed).permutation(count)
    fold_of_unit = np.zeros(count, np.int64)
    for kind in np.unique(stratum):
        chosen = order[stratum[order] == kind]
        before = np.cumsum(rows[chosen]) - rows[chosen]
        fold_of_unit[chosen] = before * folds // max(1, int(rows[chosen].sum()))
    return fold_of_unit[places]


def each_fold(folds: Codes) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Row numbers to learn from and row numbers held out."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def bin_values(values: Floats) -> Codes:
    """Numbers as codes of at most 32 bins of about equal count, and one for what is not known (NaN).

    The bins are drawn without the labels, so they may be drawn from all rows.
    """
    known = np.isfinite(values)
    edges = np.empty(0)
    if known.any():
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, MOST_BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, np.where(known, values, 0.0), side="left")
    return np.where(known, codes, MOST_BINS).astype(np.int64)


def score_codes(codes: Codes, is_fake: Bools, folds: Codes) -> tuple[Floats, Bools]:
    """What a table of codes learned on the other folds says of each row: how much more often than on the
    whole its code is fake, and whether that makes `fake` the likelier class."""
    excess = np.zeros(len(codes))
    calls = np.zeros(len(codes), bool)
    size = int(codes.max(initial=0)) + 1
    for learn, held in each_fold(folds):
        prior = float(is_fake[learn].mean())
        seen = np.bincount(codes[learn], minlength=size)
        fakes = np.bincount(codes[learn], weights=is_fake[learn], minlength=size)
        share = (fakes + _PRIOR_WEIGHT * prior) / (seen + _PRIOR_WEIGHT)
        # Rounded, so that a rule which is the same for all is a tie, whatever the last bits say.
        excess[held] = np.round(share - prior, 9)[codes[held]]
        calls[held] = share[codes[held]] > 0.5
    return excess, calls


def judge_scores(
    scores: Floats, calls: Bools, is_fake: Bools, units: Codes, confidence: float
) -> Score | None:
    """None without both classes."""
    auc = roc_auc(is_fake, scores)
    bounds = auc_interval(is_fake, scores, confidence, clusters=units)
    if auc is None or bounds is None:
        return None
    right, n = int((calls == is_fake).sum()), len(is_fake)
    share = wilson(right, n, confidence)
    assert share is not None
    fakes = float(is_fake.mean())
    return Score(n, auc, *bounds, right / n, *share, max(fakes, 1 - fakes))
