"""Gradient-boosted trees, judged on pictures that they were not grown on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.scoring import Bools, Codes, Score, each_fold, judge_scores
from doctored.errors import MissingExtra

_MOST_WORDS = 200


def judge_trees(
    values: NDArray[np.float64],
    is_words: Sequence[bool],
    is_fake: Bools,
    folds: Codes,
    units: Codes,
    confidence: float,
) -> Score | None:
    """Cross-validated figures of boosted trees on `values` [N, P]; columns where `is_words` hold codes.

    None where all columns are constant. Raises MissingExtra without scikit-learn.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from threadpoolctl import threadpool_limits  # comes with scikit-learn
    except ImportError as error:
        raise MissingExtra("train", "growing the audit's boosted trees (--no-models goes without)") from error
    varies = [_varies(values[:, place]) for place in range(values.shape[1])]
    if not any(varies):
        return None
    chosen = values[:, varies].copy()
    words = [is_word for is_word, keep in zip(is_words, varies, strict=True) if keep]
    for place in np.flatnonzero(words):
        chosen[:, place] = _commonest(chosen[:, place])
    probabilities = np.zeros(len(values))
    # Where others use the cores too, OpenMP's threads mostly wait for each other: ten times slower.
    with threadpool_limits(limits=1, user_api="openmp"):
        for learn, held in each_fold(folds):
            trees = HistGradientBoostingClassifier(
                max_iter=60,
                learning_rate=0.15,
                max_leaf_nodes=15,
                min_samples_leaf=min(20, max(2, len(learn) // 20)),
                l2_regularization=1.0,
                categorical_features=words if any(words) else None,
                early_stopping=False,
                random_state=0,
            )
            trees.fit(chosen[learn], is_fake[learn])
            probabilities[held] = trees.predict_proba(chosen[held])[:, 1]
    return judge_scores(probabilities, probabilities > 0.5, is_fake, units, confidence)


def _varies(column: NDArray[np.float64]) -> bool:
    known = column[np.isfinite(column)]
    return bool(known.size and (known.min() < known.max() or known.size < column.size))


def _commonest(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Codes 0, 1, ... from the most frequent on; rare ones share the last, for trees take no more."""
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank[places], _MOST_WORDS).astype(np.float64)
