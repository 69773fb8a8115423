import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle

from doctored.data.manifest import from_rows
from doctored.evaluate import evaluate, robustness, sample
from doctored.evaluate.grid import GRID, copy_seed, make_copy
from doctored.evaluate.robustness import measure_robustness
from doctored.picture import decode
from toy_detectors import toy_outputs

NAMES = ("jpeg_50", "rescale_0.5", "noise_10", "crop_0.8", "brightness_1.3", "delivered_messenger")
SMALL = [cell for cell in GRID if cell.name in NAMES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grid")


@pytest.fixture(scope="module")
def found(toy, judged, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "_CHUNK_BYTES", 5 * len(SMALL) * 32 * 32 * 3)
        return measure_robustness(toy, judged, folder, grid=SMALL, workers=2)


def direct_logits(manifest, cell):
    """The toy's own mathematics on copies made here."""
    copies = []
    for row in manifest.rows():
        pixels = decode(Path(row.source, row.member).read_bytes()).pixels
        seed = copy_seed(0, cell.name, row.member, None)
        copies.append(make_copy(pixels, cell.chain, seed, lambda width, height: width == height == 32))
    return toy_outputs(np.stack(copies))["logit"]


@pytest.mark.parametrize("index", range(len(SMALL)))
def test_cells_are_those_of_a_direct_computation(found, judged, index):
    cell, figures, failed = found.cells[index]
    labels, logits = judged.judgements.labels, direct_logits(judged.judgements.manifest, cell)
    assert failed == 0
    assert figures["accuracy"].value == oracle.accuracy_score(labels, logits >= 0)
    assert figures["accuracy_at_threshold"].value == oracle.accuracy_score(labels, logits >= 1)
    assert figures["roc_auc"].value == pytest.approx(oracle.roc_auc_score(labels, logits), abs=1e-12)
    assert figures["unsure"].value == pytest.approx((abs(logits) < 1).mean(), abs=1e-12)
    assert figures["real_called_fake"].value == pytest.approx((logits[labels == 0] >= 1).mean(), abs=1e-12)
    assert figures["accuracy"].low < figures["accuracy"].value < figures["accuracy"].high or (
        figures["accuracy"].value in (0.0, 1.0)
    )


def test_clean_figures_are_those_of_the_evaluation(found, judged):
    assert found.clean == found.clean_all
    assert found.clean["accuracy"] == judged.figures["accuracy"]
    assert found.clean["roc_auc"] == judged.figures["roc_auc"]
    assert found.clean["unsure"].value == judged.outcome.unsure.value


def watch_rows(monkeypatch):
    """The rows whose pictures are asked for from now on."""
    asked = []
    original = robustness.cut_chunks

    def watched(manifest, rows, bytes_a_row):
        asked.extend(rows.tolist())
        return original(manifest, rows, bytes_a_row)

    monkeypatch.setattr(robustness, "cut_chunks", watched)
    return asked


def test_an_interrupted_grid_goes_on_and_ends_as_a_whole_one(
    found, toy, judged, folder, tmp_path, monkeypatch
):
    lines = (folder / "robustness.jsonl").read_bytes().splitlines(keepends=True)
    assert len(lines) > 4
    (tmp_path / "robustness.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])
    done = {row for line in lines[1:3] for row in json.loads(line)["rows"]}
    asked = watch_rows(monkeypatch)
    again = measure_robustness(toy, judged, tmp_path, grid=SMALL, workers=1)
    assert again.to_json() == found.to_json()
    assert set(asked) == set(range(24)) - done
    assert (tmp_path / "robustness.json").read_bytes() == (folder / "robustness.json").read_bytes()


def test_a_finished_grid_asks_for_nothing(found, toy, judged, folder, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr(robustness, "work_through", refuse)
    seen = []
    again = measure_robustness(
        toy, judged, folder, grid=SMALL, progress=lambda done, total: seen.append((done, total))
    )
    assert again.to_json() == found.to_json()
    assert seen == [(24, 24)]


def test_what_failed_is_asked_again(found, toy, judged, folder, tmp_path, monkeypatch):
    head, *lines = (folder / "robustness.jsonl").read_bytes().splitlines(keepends=True)
    told = json.loads(lines[0])
    for table in ("logits", "distances"):
        told[table][1] = [None] * len(SMALL)
    (tmp_path / "robustness.jsonl").write_bytes(
        head + json.dumps(told).encode() + b"\n" + b"".join(lines[1:])
    )
    asked = watch_rows(monkeypatch)
    again = measure_robustness(toy, judged, tmp_path, grid=SMALL, workers=1)
    assert asked == [told["rows"][1]]
    assert again.to_json() == found.to_json()


def test_changed_pictures_begin_anew(toy, judged, tmp_path, monkeypatch):
    pictures, rows = tmp_path / "pictures", list(judged.judgements.manifest.rows())
    pictures.mkdir()
    for row in rows:
        shutil.copy(Path(row.source, row.member), pictures)
    moved = evaluate(toy, from_rows([replace(row, source=str(pictures)) for row in rows]), "test")
    measure_robustness(toy, moved, tmp_path / "out", grid=SMALL[:1], workers=1)
    asked = watch_rows(monkeypatch)
    os.utime(pictures / rows[0].member, (1, 1))
    measure_robustness(toy, moved, tmp_path / "out", grid=SMALL[:1], workers=1)
    assert sorted(asked) == list(range(24))


def test_another_draw_begins_anew(found, toy, judged, folder, tmp_path):
    (tmp_path / "robustness.jsonl").write_bytes((folder / "robustness.jsonl").read_bytes())
    other = measure_robustness(toy, judged, tmp_path, grid=SMALL[:1], pictures=6, seed=4, workers=1)
    assert other.pictures == 6
    assert other.cells[0][1]["accuracy"].n == 6


def test_the_threshold_that_does_not_survive_is_told(found):
    by_name = {cell.name: figures for cell, figures, _ in found.cells}
    # everything bright is called fake, and still the brighter ones are the fakes
    assert by_name["brightness_1.3"]["accuracy"].value < 0.6
    assert by_name["brightness_1.3"]["roc_auc"].value > 0.85
    assert found.insights[0].startswith("Ranking survives where the threshold does not in 1 of 6 cells")
    assert "brightness times 1.3" in found.insights[0]
    assert found.chance == 0.5
    assert replace(found, chance=1.0).insights == []  # what is no better than chance has nothing to lose


def test_the_file_holds_every_cell(found, folder):
    told = json.loads((folder / "robustness.json").read_text("utf-8"))
    assert [cell["name"] for cell in told["cells"]] == [cell.name for cell in SMALL]
    assert told["cells"][0]["chain"] == [["jpeg", 50]]
    assert told["cells"][0]["figures"]["accuracy"]["n"] == 24
    assert told["threshold"] == 1.0
    assert told["detector"]["name"] == "toy"
