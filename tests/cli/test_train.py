"""`doctored train`: what it prints at its end, and what it refuses."""

from pathlib import Path

import pytest

from doctored.cli.main import main
from doctored.cli.training_tables import tell_pool
from doctored.data.toy import make_toy

QUICK = [f"--set={word}" for word in ("batch_size=16", "val_fraction=0.25", "precision=fp32", "compile=off")]


def figure(value: float, n: int = 50) -> dict[str, float]:
    return {"value": value, "n": n, "low": value - 0.02, "high": value + 0.02}


def test_a_search_prints_what_to_set_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_toy(tmp_path / "toy.zip", n=120, archive="zip")
    out = tmp_path / "run"
    assert main(["train", str(data), "--out", str(out), "--find-rate", "--device", "cpu", *QUICK]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("the loss falls fastest at learning_rate ")
    assert lines[-1].startswith(f"next: doctored train DATA --out {out} --set learning_rate=")
    assert "--set muon_rate=" in lines[-1]
    assert (out / "learning_rate.json").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--find-rate", "--folds", "3"], "--find-rate trains nothing"),
        (["--find-rate", "--track", "mlflow"], "--find-rate trains nothing"),
        (["--folds", "1"], "give 2 or more"),
        (["--seeds", "0"], "at least one seed"),
        (["--track", "papyrus"], "no tracker is called 'papyrus'"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_a_2(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "nothing.zip", "--out", str(tmp_path / "run"), *options]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert told in printed.err


def test_the_table_of_a_pool_has_a_line_a_run_a_line_a_seed_and_one_for_all() -> None:
    pooled = {
        "runs": [
            {"folder": f"fold-{fold}-seed-0", "epochs": 3, "accuracy": figure(0.9), "roc_auc": figure(0.95)}
            for fold in (1, 2)
        ],
        "by_seed": [
            {"seed": seed, "accuracy": figure(0.9, 100), "roc_auc": figure(0.95, 100)} for seed in (0, 1)
        ],
        "pooled": {"accuracy": figure(0.9, 100), "roc_auc": {**figure(0.95, 100), "low": None, "high": None}},
        "spread": {
            "accuracy": {"mean": 0.9, "deviation": 0.01, "lowest": 0.89, "highest": 0.91},
            "roc_auc": {"mean": 0.95, "deviation": None, "lowest": 0.95, "highest": 0.95},
        },
        "failed": {"fold-2-seed-1": "the loss is no longer a number"},
    }
    lines = list(tell_pool(pooled, Path("pool")))
    assert [line.split()[0] for line in lines[:3]] == ["run", "fold-1-seed-0", "fold-2-seed-0"]
    assert len({len(line) for line in lines[:5]}) == 1
    assert lines[3].startswith("seed 0, all folds")
    assert lines[5].startswith("all ")
    assert lines[5].endswith("0.9000 [0.8800, 0.9200]                   0.9500")
    assert lines[6] == "accuracy over 2 seeds: mean 0.9000, standard deviation 0.0100, from 0.8900 to 0.9100"
    assert lines[7] == "left out with its seed: fold-2-seed-1: the loss is no longer a number"
    assert lines[-1] == "the table: pool/pooled.json"
    assert list(tell_pool({}, Path("pool"))) == []
