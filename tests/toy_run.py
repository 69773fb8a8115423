"""A run's folder made by hand: every artefact of docs/artefacts.md and docs/training.md, small."""

import json
from functools import cache

import numpy as np

from doctored.picture import encode_png
from doctored.report.artefacts import Predictions
from toy_evaluation import evaluation, figure

CONFIG = """\
[recipe]
network = "compact"  # which network of the zoo
epochs = 12
seed = {seed}

[data]
name = "cifake.zip"
digest = "c4d356b7d445"

[chosen]
precision = "bf16"
channels_last = true
compiled = false
threads = 2

[timings]
"fp32 contiguous" = 68.7

[made]
doctored = "0.1.0"
torch = "2.13.0+cpu"
"""


def make_run(folder, seed=0, skill=2.0, only=None):
    """Write a run into `folder`; `only` names the files that are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions = draw_predictions(seed, skill)
    files = {
        "config.toml": CONFIG.format(seed=seed),
        "metrics.jsonl": "".join(json.dumps(row) + "\n" for row in history()),
        "training_metrics.json": json.dumps(training()),
        "model_card.json": json.dumps(card()),
        "split.json": json.dumps(split()),
        "audit.json": json.dumps(audit()),
        "predictions.csv": table(predictions),
        "evaluation.json": evaluation_text(seed, skill),
        "robustness.json": json.dumps(robustness()),
        "attacks.json": json.dumps(attacks()),
        "explanations.json": json.dumps(explanations()),
        "gradcam_results.json": json.dumps(gradcam()),
        "errors.json": json.dumps(errors()),
    }
    for name, text in files.items():
        if only is None or name in only:
            (folder / name).write_text(text, encoding="utf-8")
    if only is None:
        draw_pictures(folder, seed)
        (folder / "detector.onnx").write_bytes(b"not a real one")
    return folder


@cache
def draw_predictions(seed=0, skill=2.0, n=400):
    """Scores of the same pictures, whatever the seed."""
    labels = np.arange(n) % 2
    noise = np.random.default_rng(7).normal(size=n) + 0.5 * np.random.default_rng(seed).normal(size=n)
    logits = (2 * labels - 1) * skill + noise
    return Predictions("test", tuple(f"picture-{place}" for place in range(n)), labels, logits)


def table(predictions):
    rows = zip(predictions.ids, predictions.labels, predictions.logits, strict=True)
    lines = [f"{name},test,{('real', 'fake')[label]},{float(logit)!r}" for name, label, logit in rows]
    return "\n".join(["id,split,label,logit", *lines]) + "\n"


def history(epochs=12):
    return [
        {
            "epoch": epoch,
            "train_loss": 0.5 / epoch + 0.1,
            "val_loss": 0.4 / epoch + 0.05,
            "val_accuracy": 0.98 - 0.2 / epoch,
            "val_auc": 0.999 - 0.1 / epoch,
            "learning_rate": 0.001,
            "pictures_per_second": 1600.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def training():
    return {
        "parameters": 93825,
        "epochs": 12,
        "calibration": {"slope": 1.7, "offset": 0.07},
        "distance_limit": 19.0,
        "parity": {"largest_difference": 8.9e-7, "pictures": 256},
        "metrics": {
            "val.accuracy": figure(0.963),
            "test.accuracy": figure(0.96),
            "test.roc_auc": figure(0.99, 400, 0.005),
        },
    }


def card():
    points = [
        {"budget": 0.05, "logit": 0.0, "bound": 0.02, "n": 250},
        {"budget": 0.01, "logit": 1.4, "bound": 0.0097, "n": 250},
    ]
    return {
        "schema": 1,
        "name": "toy-compact",
        "version": "1.0.0",
        "asks": "generated",
        "domain": {
            "kind": "lab",
            "sizes": {"min_side": 32, "max_side": 32},
            "distance_limit": 19.0,
            "text": "pictures of exactly 32×32 pixels, like those of CIFAKE",
        },
        "preprocess": {"kind": "exact", "size": 32},
        "pool": {"kind": "mean"},
        "views": "one",
        "thresholds": {
            "fake": points,
            "real": [{**point, "logit": -point["logit"] - 0.1} for point in points],
        },
        "card": {
            "data": "CIFAKE",
            "counts": {"train.real": 800, "train.fake": 800},
            "licence": "MIT",
            "metrics": {"test.accuracy": figure(0.96), "test.real_called_fake_at_0.01": figure(0.012)},
            "limits": "Knows only 32×32 pictures. It says nothing about other pictures.",
            "commit": "0123456789ab",
            "command": "doctored train cifake.zip --out runs/toy-compact",
            "text": "The network 'compact', 93,825 parameters, trained for 12 epochs.",
        },
        "digest": "c4d356b7d445",
    }


def split():
    counts = {part: {"fake": 100, "real": 100} for part in ("train", "val", "test")}
    return {
        "rows": 600,
        "seed": 0,
        "drawn": ["val"],
        "counts": counts,
        "dropped": {"equal_pixels_in_test": 3},
    }


def audit(state="suspicious"):
    reasons = [
        {"code": "file_bytes", "state": state, "text": "Length of the file: not the same for both classes."}
    ]
    score = {"auc": 0.64, "low": 0.61, "high": 0.67, "accuracy": 0.6, "n": 600}
    rules = [
        {
            "name": "file_bytes",
            "about": "length of the file",
            "state": state,
            "text": "",
            "score": score,
            "values": [],
        },
        {"name": "format", "about": "format", "state": "clean", "text": "", "score": None, "values": []},
    ]
    return {
        "schema": 1,
        "data": {"rows": 600, "reader": "cifake", "unread": 0},
        "verdict": {"state": state, "reasons": [] if state == "clean" else reasons},
        "rules": rules,
        "notes": ["Boosted trees were not grown."],
    }


@cache
def evaluation_text(seed, skill):
    return json.dumps(evaluation(draw_predictions(seed, skill)))


def reaction(accuracy, auc):
    return {
        "accuracy": figure(accuracy, 300),
        "accuracy_at_threshold": figure(max(0.0, accuracy - 0.05), 300),
        "roc_auc": figure(auc, 300, 0.01),
        "unsure": figure(0.1, 300),
        "error": figure(0.05, 270),
        "real_called_fake": figure(0.02, 150),
        "fake_called_real": None,
    }


def robustness():
    cells = [
        {
            "name": f"jpeg_{q}",
            "family": "jpeg",
            "text": f"JPEG quality {q}",
            "strength": q,
            "chain": [["jpeg", q]],
            "failed": 0,
            "figures": reaction(0.5 + q / 200, 0.6 + q / 250),
        }
        for q in (95, 70, 40, 20)
    ]
    cells.append(
        {
            "name": "delivered_a",
            "family": "delivered",
            "text": "saved & sent",
            "strength": None,
            "chain": [],
            "failed": 1,
            "figures": {**reaction(0.7, 0.8), "accuracy": figure(0.72, 300)},
        }
    )
    return {
        "doctored": "0.1.0",
        "detector": {"name": "toy-compact"},
        "budget": 0.01,
        "threshold": 1.0,
        "pictures": 300,
        "of": 400,
        "seed": 0,
        "clean_all": reaction(0.96, 0.99),
        "clean": reaction(0.96, 0.99),
        "cells": cells,
        "insights": ["Ranking survives where the threshold does not in 2 of 5 cells"],
    }


def attacks():
    rows = [
        {
            "attack": name,
            "epsilon": epsilon,
            "figures": reaction(max(0.02, 0.9 - step * epsilon), 0.7),
            "turned": figure(0.4, 300),
        }
        for name, step in (("fgsm", 0.1), ("pgd", 0.5))
        for epsilon in (1, 2)
    ]
    return {
        "available": True,
        "pictures": 300,
        "seed": 0,
        "steps": 10,
        "clean": reaction(0.96, 0.99),
        "attacks": rows,
        "warning": "PGD breaks it.",
    }


def explanations(passes=True):
    steps = [0.0, 0.5, 1.0]
    curves = {"pictures": 50, "steps": steps}
    for way, evidence, random in (
        ("deletion", [0.9, 0.4, 0.5], [0.9, 0.8, 0.5]),
        ("insertion", [0.5, 0.9, 0.9], [0.5, 0.6, 0.9]),
    ):
        curves[way] = {
            "evidence": evidence,
            "random": random,
            "area_evidence": figure(0.5),
            "area_random": figure(0.7),
            "gain": figure(0.2, 50, 0.05),
        }
    return {
        "available": True,
        "curves": curves,
        "masks": None,
        "sanity": {
            "available": True,
            "pictures": 20,
            "steps": [
                {
                    "randomised": "the head",
                    "share": 0.01,
                    "correlation": {"value": 0.1, "n": 20, "low": -0.1, "high": 0.3},
                }
            ],
            "passes": passes,
        },
        "insights": ["Wiping out what it points at decides sooner"],
    }


GROUPS = ("true_fake", "false_real", "true_real", "false_fake")


def gradcam():
    rows = []
    for place, group in enumerate(GROUPS):
        called = group.partition("_")[2]
        truth = called if group.startswith("true") else {"real": "fake", "fake": "real"}[called]
        probability = 0.9 if called == "fake" else 0.1
        rows.append(
            {
                "file": f"{truth}-{place:02}.png",
                "id": f"picture-{place}",
                "truth": truth,
                "called": called,
                "group": group,
                "answer": called,
                "probability": {"fake": probability, "real": 1 - probability},
                "logit": 2.2,
                "reasons": ["The strongest evidence lies at the top left."],
                "evidence": [[0.1, -0.2]],
            }
        )
    return {"detector": {"name": "toy-compact"}, "data": "cifake.zip", "split": "test", "pictures": rows}


def errors():
    neighbour = {
        "file": "errors/b.png",
        "id": "picture-8",
        "label": "real",
        "split": "train",
        "distance": 1.25,
    }
    entry = {
        "file": "errors/a.png",
        "id": "picture-4",
        "truth": "real",
        "called": "fake",
        "answer": "fake",
        "probability": 0.998,
        "logit": 6.2,
        "problem": None,
        "neighbours": [neighbour, {**neighbour, "file": None}],
    }
    return {
        "budget": 0.01,
        "neighbours_from": "200 pictures of the training split",
        "lists": [
            {"name": "real_called_fake", "title": "Real pictures called fake", "of": 10, "pictures": [entry]},
            {
                "name": "ambiguous",
                "title": "Nearest to one half",
                "of": 400,
                "pictures": [{**entry, "file": None, "answer": None}],
            },
            {"name": "fake_called_real", "title": "Fakes called real", "of": 0, "pictures": []},
        ],
        "insights": ["The most confident mistake is picture-4"],
    }


def draw_pictures(folder, seed=0):
    (folder / "errors").mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    for one in gradcam()["pictures"]:
        (folder / one["file"]).write_bytes(encode_png(draw.integers(0, 255, (16, 48, 3), np.uint8)))
    for name in ("a", "b"):
        (folder / "errors" / f"{name}.png").write_bytes(
            encode_png(draw.integers(0, 255, (8, 8, 3), np.uint8))
        )
