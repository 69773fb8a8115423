import json

import numpy as np
import pytest

from doctored.errors import DataError, UsageError
from doctored.report.artefacts import Absent, Run, command_for, names
from toy_run import make_run


@pytest.fixture
def run(tmp_path):
    return Run(make_run(tmp_path / "toy-compact"))


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="doctored train DATA --out"):
        Run(tmp_path)
    with pytest.raises(UsageError, match="is no folder; give the one"):
        Run(tmp_path / "nowhere")


def test_a_file_that_is_not_there_names_the_command_that_makes_it(run):
    (run.folder / "robustness.json").unlink()
    with pytest.raises(
        Absent,
        match=r"^robustness.json is not here yet: doctored evaluate toy-compact/detector.onnx cifake.zip ",
    ):
        run.json("robustness.json")
    assert command_for(run, "metrics.jsonl") == "doctored train cifake.zip --out toy-compact"
    assert command_for(run, "errors.json").endswith("--errors --out toy-compact")


def test_the_page_does_not_tell_where_on_this_machine_the_run_lies(run, monkeypatch):
    assert run.place == "toy-compact"
    monkeypatch.chdir(run.folder.parent)
    assert Run(type(run.folder)("toy-compact")).place == "toy-compact"
    monkeypatch.chdir(run.folder)
    assert Run(type(run.folder)(".")).place == "toy-compact"


@pytest.mark.parametrize("text", ["{", "[]", '{"a": NaN}', "\ufffe", "[" * 100_000])
def test_a_broken_file_is_an_error_in_one_line(run, text):
    (run.folder / "errors.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        run.json("errors.json")
    assert str(caught.value).startswith("errors.json ")
    assert "\n" not in str(caught.value)


def test_predictions_of_the_test_split_come_before_the_others(tmp_path):
    folder = make_run(tmp_path / "run", only=("config.toml",))
    (folder / "predictions.csv").write_text(
        "id,split,label,logit\na,val,fake,1.5\nb,test,real,-2.0\nc,test,fake,\nd,test,,1.0\ne,test,fake,3.0\n",
        encoding="utf-8",
    )
    found = Run(folder).predictions
    assert (found.split, found.ids) == ("test", ("b", "e"))
    np.testing.assert_array_equal(found.labels, [0, 1])
    np.testing.assert_array_equal(found.logits, [-2.0, 3.0])


def test_parquet_is_read_as_the_table_is(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    folder = make_run(tmp_path / "run", only=("config.toml",))
    columns = {"id": ["a", "b"], "split": ["val", "val"], "label": ["real", "fake"], "logit": [0.5, None]}
    parquet.write_table(pyarrow.table(columns), folder / "predictions.parquet")
    found = Run(folder).predictions
    assert (found.split, found.ids, found.logits.tolist()) == ("val", ("a",), [0.5])
    (folder / "predictions.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(DataError, match=r"predictions\.parquet cannot be read"):
        _ = Run(folder).predictions


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "errors/../../secret.png", "nothing.png", "errors"]
)
def test_only_pictures_of_the_run_are_read(run, name):
    (run.folder.parent / "secret.png").write_bytes(b"\x89PNG")
    with pytest.raises(Absent):
        run.picture(name)
    assert run.picture("errors/a.png").startswith(b"\x89PNG")


def test_metrics_without_an_epoch_are_absent(run):
    (run.folder / "metrics.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(Absent, match="no epoch"):
        _ = run.history


def test_an_adversarial_run_has_a_second_accuracy(run):
    rows = [
        json.loads(line) for line in (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    rows[0]["val_accuracy_attacked"] = 0.5
    (run.folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert [epoch.attacked for epoch in run.history][:2] == [0.5, None]


def test_names_are_listed_as_people_do():
    assert [names(found) for found in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
