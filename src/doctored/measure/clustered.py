"""Intervals of figures that several runs give of the same pictures: five seeds do not make more pictures.

Rows of one cluster (copies of a picture, pictures of one scene) vary together and count as such: the variance
is that of the clusters' sums.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from doctored.measure.intervals import CONFIDENCE, Interval, auc_interval, normal_quantile, placements
from doctored.measure.metrics import FloatArray, as_labels, as_scores


def share_interval(shares: ArrayLike, clusters: ArrayLike, confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of the mean of `shares`, float [N] in 0..1: of each picture how many of its runs were right.

    Wilson's interval for the number of independent pictures that would vary as much as these do (the
    effective sample size of Korn & Graubard 1998), never more than there are, and no more than there are
    clusters where nothing varies. None without pictures.
    """
    values = np.asarray(shares, dtype=np.float64)
    if not values.size:
        return None
    mean = float(values.mean())
    sums = sum_clusters(values - mean, clusters)
    variance = float(sums @ sums) / values.size**2 * sums.size / max(1, sums.size - 1)
    effective = float(sums.size) if variance == 0 else min(values.size, mean * (1 - mean) / variance)
    z = normal_quantile(confidence)
    centre = (mean + z * z / (2 * effective)) / (1 + z * z / effective)
    spread = math.sqrt(mean * (1 - mean) / effective + (z / (2 * effective)) ** 2)
    half = z * spread / (1 + z * z / effective)
    return Interval(0.0 if mean == 0 else centre - half, 1.0 if mean == 1 else centre + half)


def mean_auc_interval(
    labels: ArrayLike, scores: ArrayLike, clusters: ArrayLike, confidence: float = CONFIDENCE
) -> Interval | None:
    """Interval of the mean ROC AUC of several runs; `labels` [N], `scores` float [runs, N].

    As `auc_interval` with clusters, where each picture's placement is the mean of its placements in all runs:
    one run gives the same interval. None without both classes.
    """
    truth = as_labels(labels)
    runs = [as_scores(truth, row) for row in np.asarray(scores, dtype=np.float64)]
    fakes = int(truth.sum())
    if not 0 < fakes < truth.size:
        return None
    above, below = (
        np.mean(each, axis=0) for each in zip(*(placements(truth, run) for run in runs), strict=True)
    )
    auc = float(above.mean())
    if auc in (0.0, 1.0) or min(fakes, truth.size - fakes) == 1:
        return auc_interval(truth, runs[0], confidence)
    parts = np.empty(truth.size)
    parts[truth == 1], parts[truth == 0] = (above - auc) / len(above), (below - auc) / len(below)
    sums = sum_clusters(parts, clusters)
    independent = above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)
    variance = max(float(independent), float(sums @ sums) * sums.size / max(1, sums.size - 1))
    half = normal_quantile(confidence) * math.sqrt(variance)
    return Interval(max(0.0, auc - half), min(1.0, auc + half))


def sum_clusters(values: FloatArray, clusters: ArrayLike) -> FloatArray:
    """The sum of each cluster's values, float64 [clusters]."""
    _, places = np.unique(np.asarray(clusters), return_inverse=True)
    sums: FloatArray = np.bincount(places, weights=values).astype(np.float64)
    return sums
