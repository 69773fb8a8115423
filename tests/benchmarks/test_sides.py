"""What the two sides of the benchmarks share: the same pictures, the same numbers, nothing published."""

import random

import numpy as np

from benchmarks import resume, scan_speed
from benchmarks.training_sides import prepare, run_epochs
from doctored.data.toy import make_toy
from doctored.training import Recipe


def test_a_run_that_is_only_timed_stops_after_its_epochs(tmp_path):
    data = make_toy(tmp_path / "toy.zip", n=200, archive="zip")
    recipe = Recipe(epochs=9, batch_size=32, precision="fp32", compile="off", val_fraction=0.2)
    workload = prepare(data, 120, recipe, tmp_path)
    assert np.load(workload.pixels).shape == (120, 32, 32, 3)
    assert set(workload.examples.train).isdisjoint(workload.examples.val)
    seen = []
    run = tmp_path / "train.vs_any"  # no name of a detector
    run_epochs(workload, recipe, 2, run, lambda row: seen.append(row["pictures_per_second"]))
    assert len(seen) == 2
    assert min(seen) > 0
    assert not (run / "detector.onnx").exists()


def test_the_test_split_is_extracted_byte_for_byte(tmp_path):
    folder = make_toy(tmp_path / "toy", n=40)
    data = make_toy(tmp_path / "toy.zip", n=40, archive="zip")
    files = scan_speed.extract_test_split(data, tmp_path / "out", None)
    originals = {path.read_bytes() for path in (folder / "test").rglob("*.jpg")}
    assert {path.read_bytes() for path in files} == originals
    assert len(files) == len(originals)


def test_growth_ignores_the_start_and_the_end():
    start, flat, end = [0, 20, 60], [100] * 9, [5]
    assert scan_speed.growth(start + flat + end) == 0
    rising = list(range(0, 1300, 100))
    assert scan_speed.growth(rising) > 400


def test_records_agree_but_for_the_last_bits():
    row = {"path": "a", "probability": 0.5, "findings": [{"score": 1.0}]}
    assert resume.agree(row, {**row, "findings": [{"score": 1.0 + 5e-6}]})
    assert not resume.agree(row, {**row, "findings": [{"score": 1.0 + 5e-5}]})
    assert not resume.agree([row], [row, row])
    assert not resume.agree(row, {**row, "extra": 1})


def test_a_killed_scan_is_resumed_to_the_same_rows(tmp_path, monkeypatch):
    toys = tmp_path / "toys"
    toys.mkdir()
    for name in ("pack", "train", "scan"):
        make_toy(toys / f"{name}.zip", n=60, archive="zip")
    (scanning,) = (job for job in resume.make_jobs(toys) if job.name == "scan")
    monkeypatch.setattr(resume, "KILLS", 2)
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "home"))
    figure = resume.survive(scanning, tmp_path / "work", random.Random(0))
    assert (figure.value, figure.n) == (1.0, 2)
