"""Distributions and copies, held against numpy and scipy."""

import json

import numpy as np
import pytest
from scipy import stats

from benchmarks.audit_planted import write_planted
from doctored.data.audit.exploring import describe, explore
from doctored.data.audit.facts import collect_facts
from doctored.data.audit.output import write_exploration
from doctored.data.readers import read_dataset


def test_a_distribution_is_numpys_and_scipys():
    values = np.random.default_rng(0).gamma(2.0, 3.0, 500)
    values[7] = np.nan
    told = describe(values, np.arange(500), tuple(f"row {row}" for row in range(500)))
    known = values[np.isfinite(values)]
    assert told.n == 499
    assert (told.minimum, told.maximum) == (known.min(), known.max())
    assert [told.quarter, told.median, told.three_quarters] == np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    assert told.skew == pytest.approx(stats.skew(known))
    high = told.three_quarters + 1.5 * (told.three_quarters - told.quarter)
    low = told.quarter - 1.5 * (told.three_quarters - told.quarter)
    assert told.outliers == int(((known > high) | (known < low)).sum()) > 0
    assert told.names[0] == f"row {np.nanargmax(values)}"


def test_what_is_alike_has_neither_skew_nor_outliers():
    told = describe(np.full(20, 32.0), np.arange(20), tuple(map(str, range(20))))
    assert (told.skew, told.outliers, told.names) == (0.0, 0, ())


def test_an_exploration_counts_and_draws(tmp_path):
    data = write_planted(tmp_path / "copies.zip", "copies", 2, 120)
    found = explore(collect_facts(read_dataset(data)))
    assert found.counts == {"test": {"fake": 20, "real": 20}, "train": {"fake": 40, "real": 40}}
    assert found.equal_pairs == 2
    assert found.words["format"] == {"JPEG": 120}
    assert found.distributions["width"].maximum == 32
    assert abs(found.correlations["is_fake"]["file_bytes"]) < 0.4
    assert "width" not in found.correlations
    write_exploration(found, data.name, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "exploration.json").read_text("utf-8"))
    assert told["distributions"]["width"]["median"] == 32
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert page.count("data:image/png") == 48
    assert page.count("<svg") == page.count("</svg>") >= 2
