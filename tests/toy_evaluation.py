"""What `evaluation.json` of a run made by hand holds (tests/toy_run.py): docs/artefacts.md, small."""

import math

import numpy as np

from doctored.measure.summary import proportion
from doctored.report.measured import describe


def figure(value, n=400, spread=0.02):
    return {"value": value, "n": n, "low": max(0.0, value - spread), "high": min(1.0, value + spread)}


def evaluation(predictions):
    """As `describe` makes it of the predictions, with the parts that need more than they tell."""
    found = describe(predictions)
    labels, logits = predictions.labels, predictions.logits
    n = int(labels.size)
    outcome = answers(labels, logits)
    thresholds = {"fake": 1.0, "real": -1.0}
    halves = {
        name: {"figures": {"accuracy": proportion(int(part.sum()), part.size).to_json()}, "n": part.size}
        for name, part in (("ship", (logits[::2] < 0)), ("frog", (logits[1::2] >= 0)))
    }
    return {
        "doctored": "0.1.0",
        "detector": {"name": "toy-compact", "version": "1.0.0", "sha256": "ab" * 32},
        "data": "cifake.zip",
        "split": "test",
        "manifest_digest": "c4d356b7d445",
        **found,
        "outcome": outcome,
        "outcomes": [
            {**outcome, "budget": 0.05, "thresholds": thresholds},
            {**outcome, "thresholds": thresholds},
        ],
        "risk_coverage": {
            **found["risk_coverage"],
            "rows": [
                {
                    "coverage": 0.95,
                    "cut": 0.4,
                    "from": "validation",
                    "answered": figure(0.948),
                    "risk": figure(0.01, 380, 0.008),
                }
            ],
        },
        "likelihood_ratios": likelihood(labels, logits),
        "slices": {
            "subject": [
                {"value": name, "real": 100, "fake": 100, "figures": half["figures"], "outcome": {}}
                for name, half in halves.items()
            ]
        },
        "duplicates": {"within": 2, "in_training": 3, "n": 395, "figures": {"accuracy": figure(0.955, 395)}},
        "paired": paired(n),
    }


def likelihood(labels, logits):
    order = np.sort(logits / math.log(10))
    curves = {
        name: [
            [float(at), float((logits[labels == truth] / math.log(10) >= at).mean())] for at in order[::20]
        ]
        for truth, name in enumerate(("real", "fake"))
    }
    rows = [
        {"low": 1, "high": None, "says": "real", "words": "support for real", "real": 190, "fake": 6},
        {"low": 1, "high": None, "says": "fake", "words": "support for fake", "real": 10, "fake": 194},
    ]
    return {
        "prior_log_odds": 0.0,
        "prior_from": "as many fakes as real pictures on validation",
        "cllr": figure(0.12, 400, 0.01),
        "cllr_min": figure(0.11, 400, 0.01),
        "tippett": curves,
        "scale": {"source": "A guideline", "limits": ["Not a probability"], "rows": rows},
    }


def answers(labels, logits):
    n = int(labels.size)
    rows = {
        name: [
            int(((labels == truth) & where).sum())
            for where in (logits <= -1, (logits > -1) & (logits < 1), logits >= 1)
        ]
        for truth, name in enumerate(("real", "fake"))
    }
    return {
        "budget": 0.01,
        "table": {
            name: dict(zip(("real", "unsure", "fake"), counts, strict=True)) for name, counts in rows.items()
        },
        "unsure": proportion(rows["real"][1] + rows["fake"][1], n).to_json(),
        "error": proportion(
            rows["real"][2] + rows["fake"][0], n - rows["real"][1] - rows["fake"][1]
        ).to_json(),
        "real_called_fake": proportion(rows["real"][2], n // 2).to_json(),
        "fake_called_real": proportion(rows["fake"][0], n // 2).to_json(),
    }


def paired(n):
    return {
        "against": {"name": "other", "version": "1.0.0", "sha256": "cd" * 32},
        "n": n,
        "accuracy": {
            "ours": figure(0.96),
            "theirs": figure(0.93),
            "difference": figure(0.03, n, 0.01),
            "p": 0.002,
            "only_ours_right": 20,
            "only_theirs_right": 8,
            "p_mid": 0.001,
        },
        "roc_auc": {
            "ours": figure(0.99),
            "theirs": figure(0.99),
            "difference": figure(0.0, n, 0.0),
            "p": 0.9,
        },
    }
