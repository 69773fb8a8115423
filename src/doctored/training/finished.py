"""A run opened again: its pictures and its best weights, and the detectors that they make."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.data.manifest import take_sources
from doctored.data.readers import read_dataset
from doctored.detector.card import Card
from doctored.detector.session import Session
from doctored.errors import DataError, UsageError
from doctored.training.loop import Hooks
from doctored.training.material import Material, count_splits, pack_manifest
from doctored.training.publish import (
    DISTANCE_PERCENTILE,
    About,
    Made,
    Trained,
    describe,
    make_card,
    make_detector,
    publish,
)
from doctored.training.quantise import (
    AT_ONCE,
    CALIBRATION_PICTURES,
    Comparison,
    Run,
    describe_speed,
    quantise,
    race,
    run_over,
    with_card,
)
from doctored.training.run import Plan, describe_command, find_commit, load_run

INT8 = "-int8"
EPOCHS = re.compile(r"trained for (\d{1,6}) epochs")  # as `publish.describe_network` tells them
MAX_NAME = 64

Note = Callable[[str], None]


def open_run(
    folder: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    hooks: Hooks | None = None,
) -> Trained:
    """What a run has learnt, of one that ended or that was stopped after an epoch.

    `data` is where its pictures lie now, if they were moved. Raises UsageError for a folder that is no run,
    DataError where the pictures are not those that it was trained on.
    """
    folder, hooks = Path(folder), hooks or Hooks()
    plan = Plan.from_toml(folder / "config.toml")
    manifest = read_dataset(folder / "manifest.parquet")
    if data is not None:
        manifest = take_sources(manifest, read_dataset(data))
    packed = pack_manifest(manifest, plan.recipe, hooks)
    if packed.manifest.digest() != plan.digest:
        raise DataError(
            f"the pictures are not those that {folder} was trained on; give those with --data, or train anew"
        )
    told = folder / "split.json"
    splits = json.loads(told.read_text(encoding="utf-8")) if told.exists() else {}
    material = Material(Path(plan.data), packed, packed.manifest, splits)
    examples = material.examples()
    told, card = folder / "model_card.json", None
    if told.exists():
        card = Card.from_json(told.read_text(encoding="utf-8"))
        of = card.card
        name = card.name
        about = About(
            of.data, of.licence, of.counts, of.command, of.commit, plan.start, plan.share, card.version
        )
    else:
        name = folder.name
        command = describe_command(plan.data, name, name, plan.recipe, plan.start)
        counts, commit = count_splits(examples), find_commit()
        about = About(material.title, material.licence, counts, command, commit, plan.start, plan.share)
    rows = folder / "metrics.jsonl"
    if rows.exists():
        epochs = len(rows.read_text(encoding="utf-8").splitlines())
    else:  # a restored run's rows are gone, and its card tells
        counted = EPOCHS.search(card.card.text) if card else None
        epochs = int(counted[1]) if counted else 0
    return Trained(load_run(folder), examples, packed.manifest, plan.recipe, name, about, epochs)


def export(folder: Path, trained: Trained, out: Path | None, note: Note) -> Path:
    """Write a run's detector again, through the same gate: to `out`, or into its folder with all tables."""
    if out is None:
        publish(trained, folder, note)
        return folder / "detector.onnx"
    return _write(out, make_detector(trained, note).file)


def export_int8(
    folder: Path, trained: Trained, out: Path | None, note: Note
) -> tuple[Path | None, Comparison]:
    """Write a run's detector in int8 if that is worth it: faster, and no more than 0.1 points less right.

    To `out`, by default `detector.int8.onnx` in the run's folder; None where nothing was written. Its
    thresholds, distance limit and figures are its own, measured on what int8 gives; both sides of the
    comparison are in its card. Raises UsageError for a network that is not of convolutions.
    """
    made = make_detector(trained, note)
    examples = trained.examples
    drawn = np.random.default_rng(trained.recipe.seed).permutation(examples.train)[:CALIBRATION_PICTURES]
    note(f"quantising, with ranges from {len(drawn)} training pictures")
    small = quantise(made.file, examples.pixels[np.sort(drawn)])
    note("measuring both on the validation split, and their speeds in turn")
    comparison, card = compare(trained, made, Session(small).run, Session(made.file).run)
    if comparison.objection():
        return None, comparison
    file = with_card(small, card.to_json())
    Session(file).close()
    return _write(out or folder / "detector.int8.onnx", file), comparison


def compare(trained: Trained, made: Made, int8: Run, float32: Run) -> tuple[Comparison, Card]:
    """int8 beside float, and the card of the int8 file."""
    examples, logits, limit = trained.examples, {}, 0.0
    for part in made.measured.logits:
        outputs = list(run_over(int8, examples.pixels, getattr(examples, part)))
        logits[part] = np.concatenate([output.logit for output in outputs]).astype(np.float64)
        if part == examples.buying:
            distances = np.concatenate([output.distance for output in outputs])[made.measured.within[part]]
            limit = float(np.percentile(distances, DISTANCE_PERCENTILE))
    labels = examples.labels[examples.val]
    pictures: NDArray[np.uint8] = examples.pixels[examples.val[:AT_ONCE]]
    comparison = Comparison(
        describe(labels, made.measured.logits["val"])["accuracy"],
        describe(labels, logits["val"])["accuracy"],
        race(int8, float32, pictures[:1]),
        race(int8, float32, pictures),
    )
    measured = made.measured._replace(logits=logits, distance_limit=limit)
    card = make_card(trained, measured, trained.name[: MAX_NAME - len(INT8)] + INT8)
    notes = replace(
        card.card,
        metrics={**card.card.metrics, **comparison.metrics()},
        text=f"{card.card.text} Its body runs in int8: {tell(comparison)}",
    )
    return comparison, replace(card, card=notes)


def tell(comparison: Comparison) -> str:
    """Both sides in one sentence."""
    int8, float32 = comparison.int8_accuracy, comparison.float_accuracy
    return (
        f"{describe_speed(comparison.one)} as float with one picture, {describe_speed(comparison.batch)} in "
        f"batches of {AT_ONCE}; accuracy on {int8.n:,} validation pictures {int8.value:.4f}, in float "
        f"{float32.value:.4f}."
    )


def _write(out: Path, file: bytes) -> Path:
    if out.is_dir():
        raise UsageError(f"{out} is a folder; name a file, such as {out / 'detector.onnx'}")
    with written_aside(out) as aside:
        aside.write_bytes(file)
    return out
