"""Minutes are those of the epochs up to the first that is good enough; without one there is no figure."""

import json
from pathlib import Path

import pytest

from benchmarks import cifake_minutes
from benchmarks.cifake_clean import count_parameters


def make_run(folder: Path, name: str, accuracies: list[float], speed: float = 100.0) -> Path:
    folder = folder / name
    folder.mkdir()
    rows = [{"pictures_per_second": speed, "val_accuracy": right} for right in accuracies]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "config.toml").write_text('[recipe]\nnetwork = "residual"\nbatch_size = 256\n')
    counts = {"train.real": 3000, "train.fake": 3100, "val.real": 50, "test.real": 70}
    (folder / "model_card.json").write_text(json.dumps({"name": name, "card": {"counts": counts}}))
    (folder / "training_metrics.json").write_text(json.dumps({"parameters": 1234}))
    return folder


def test_epochs_are_counted_up_to_the_first_that_is_good_enough(tmp_path: Path) -> None:
    training = cifake_minutes.read_training(make_run(tmp_path, "cifake-small", [0.9, 0.97, 0.96, 0.98]))
    epoch = 23 * 256 / 100 / 60  # of 6,100 pictures the 23 full batches
    assert training.reached == 2
    assert training.minutes(2) == pytest.approx(2 * epoch)
    assert training.row()[2:7] == ("1,234", "100", f"{2 * epoch:.1f}", "2 of 4", "0.9800")


def test_a_run_that_never_got_there_has_a_row_and_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run(tmp_path, "cifake-slow", [0.9, 0.9699]), make_run(tmp_path, "cifake-record", [0.98])]
    kept = {}
    monkeypatch.setattr(cifake_minutes, "RESULTS", tmp_path)
    monkeypatch.setattr(cifake_minutes.commands, "finish", lambda _, figures, options: kept.update(figures))
    cifake_minutes.main(["--runs", *map(str, runs)])
    assert set(kept) == {"cifake.minutes.record"}
    head, slow, record = (tmp_path / "cifake_minutes.tsv").read_text().splitlines()
    assert head.split("\t") == list(cifake_minutes.HEAD)
    assert "not reached" in slow
    assert "0.9699" in slow
    assert record.split("\t")[0] == "cifake-record"


def test_a_card_says_how_many_parameters() -> None:
    assert count_parameters("The network 'compact', 93,825 parameters, trained for 32 epochs.") == 93_825
    with pytest.raises(AssertionError):
        count_parameters("A linear head.")
