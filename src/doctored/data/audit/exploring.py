"""What a data set is like: distributions, outliers, balance, correlations, copies."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.channels import ChannelStatistics, measure_channels
from doctored.data.audit.facts import Facts
from doctored.data.audit.leaks import count_pairs
from doctored.data.audit.twins import find_twins

# Tukey's fences (Exploratory Data Analysis, 1977).
_FENCE = 1.5
_MOST_NAMED = 5
_MOST_WORDS = 12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of one property over `n` pictures: extremes, quartiles, mean, deviation, skewness (0 where all are
    alike), and `outliers` beyond one and a half interquartile ranges, the farthest of them by `names`."""

    n: int
    minimum: float
    quarter: float
    median: float
    three_quarters: float
    maximum: float
    mean: float
    deviation: float
    skew: float
    outliers: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Exploration:
    """`counts`: rows by split and label; `words`: the commonest formats, modes, ... with how often;
    `correlations`: Pearson's, of each two properties (and `is_fake`), where both vary; pairs of copies."""

    facts: Facts
    counts: dict[str, dict[str, int]]
    distributions: dict[str, Distribution]
    words: dict[str, dict[str, int]]
    correlations: dict[str, dict[str, float]]
    channels: ChannelStatistics
    equal_pairs: int
    near_pairs: int

    def to_json(self) -> dict[str, Any]:
        """Figures are rounded to six significant digits; the channels' are exact."""
        return {
            "rows": len(self.facts),
            "unread": len(self.facts.problems),
            "counts": self.counts,
            "distributions": {
                name: {key: _rounded(value) for key, value in asdict(told).items()}
                for name, told in self.distributions.items()
            },
            "words": self.words,
            "correlations": self.correlations,
            "channels": self.channels.to_json(),
            "equal_pairs": self.equal_pairs,
            "near_pairs": self.near_pairs,
        }


def explore(facts: Facts) -> Exploration:
    """Describe what was collected; pictures that could not be read are left out."""
    rows = np.flatnonzero(facts.records["is_read"])
    columns = {name: values[rows] for name, values in properties(facts).items()}
    twins = find_twins(facts.records)
    return Exploration(
        facts,
        count_labels(facts),
        {name: describe(values, rows, facts.manifest.column("id")) for name, values in columns.items()},
        {name: _count_words(facts, name, rows) for name in ("extension", "format", "mode", "subsampling")},
        _correlate({**columns, "is_fake": facts.is_fake[rows].astype(np.float64)}),
        measure_channels(facts),
        sum(count_pairs(twins.same).values()),
        len(twins.near),
    )


def properties(facts: Facts) -> dict[str, Floats]:
    """Numbers of each row, float64 [N]; NaN for the JPEG quality of other formats."""
    table = facts.records
    width, height = table["width"].astype(np.float64), table["height"].astype(np.float64)
    pixels = np.maximum(1.0, width * height)
    return {
        "width": width,
        "height": height,
        "pixels": pixels,
        "aspect": width / np.maximum(1.0, height),
        "file_bytes": table["file_bytes"].astype(np.float64),
        "bytes_per_pixel": table["file_bytes"] / pixels,
        "jpeg_quality": table["quality"].astype(np.float64),
        "brightness": table["sums"].sum(axis=1) / (3 * pixels),
    }


def describe(values: Floats, rows: NDArray[np.int64], ids: tuple[str, ...]) -> Distribution:
    """The distribution of `values` [K], those of `rows` [K] of the manifest; NaNs are left out."""
    known = np.isfinite(values)
    values, rows = values[known], rows[known]
    if not values.size:
        nan = float("nan")
        return Distribution(0, nan, nan, nan, nan, nan, nan, nan, nan, 0, ())
    quarter, median, three_quarters = np.quantile(values, [0.25, 0.5, 0.75])
    reach = _FENCE * (three_quarters - quarter)
    beyond = np.maximum(quarter - reach - values, values - three_quarters - reach)
    outliers = np.flatnonzero(beyond > 0)
    farthest = outliers[np.argsort(-beyond[outliers], kind="stable")[:_MOST_NAMED]]
    mean, deviation = float(values.mean()), float(values.std())
    skew = float(((values - mean) ** 3).mean() / deviation**3) if deviation > 1e-12 else 0.0
    return Distribution(
        len(values),
        float(values.min()),
        float(quarter),
        float(median),
        float(three_quarters),
        float(values.max()),
        mean,
        deviation,
        skew,
        len(outliers),
        tuple(ids[row] for row in rows[farthest]),
    )


def count_labels(facts: Facts) -> dict[str, dict[str, int]]:
    """Rows by split and label; `none` for what has neither."""
    manifest = facts.manifest
    pairs = Counter(zip(manifest.column("split"), manifest.column("label"), strict=True))
    counts: dict[str, dict[str, int]] = {}
    for (split, label), count in sorted(pairs.items(), key=str):
        counts.setdefault(split or "none", {})[label or "none"] = count
    return counts


def _count_words(facts: Facts, name: str, rows: NDArray[np.int64]) -> dict[str, int]:
    column = facts.words[name][rows]
    counts = np.bincount(column.codes, minlength=len(column.names))
    order = [int(code) for code in np.argsort(-counts, kind="stable")[:_MOST_WORDS] if counts[code]]
    return {column.names[code] or "none": int(counts[code]) for code in order}


def _correlate(columns: dict[str, Floats]) -> dict[str, dict[str, float]]:
    varying = {
        name: values
        for name, values in columns.items()
        if np.isfinite(values).all() and values.size and values.std() > 1e-12
    }
    if len(varying) < 2:
        return {}
    matrix: Floats = np.asarray(np.corrcoef(np.stack(list(varying.values()))))
    return {
        name: {other: round(float(matrix[row, place]), 4) for place, other in enumerate(varying)}
        for row, name in enumerate(varying)
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value
