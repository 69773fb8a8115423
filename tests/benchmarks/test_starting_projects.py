"""The reruns: every row has a recipe and a command, the clock stops them, the table follows the figures."""

from pathlib import Path

import pytest

from benchmarks import starting_projects
from benchmarks.results_file import RESULTS, Figure, write_results
from benchmarks.starting_projects import PROJECTS, Project, Stopwatch, TimeIsUpError, rerun, write_table
from doctored.data.toy import make_toy
from doctored.training import Recipe

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.recipe)
def test_the_recipe_says_the_commands_of_the_table(project: Project) -> None:
    text = (ROOT / "recipes" / f"{project.recipe}.toml").read_text(encoding="utf-8")
    for command in project.commands():
        assert f"#   {command}\n" in text


def test_the_committed_table_is_that_of_the_committed_figures(tmp_path: Path) -> None:
    for file in RESULTS.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_table(tmp_path)
    name = "starting_projects.tsv"
    assert (tmp_path / name).read_text(encoding="utf-8") == (RESULTS / name).read_text(encoding="utf-8")


def test_a_measured_row_tells_figure_interval_and_what_differs(tmp_path: Path) -> None:
    project = PROJECTS[1]
    figures = {
        f"{project.figure}.accuracy": Figure(0.91234, "share", 20000, 0.908, 0.916),
        f"{project.figure}.epochs": Figure(3, "epochs", 1),
        f"{project.figure}.minutes": Figure(29.6, "minutes", 1),
        f"{project.figure}.stopped_by_clock": Figure(1, "yes or no", 1),
    }
    write_results("starting_projects", figures, "a command", tmp_path)
    write_table(tmp_path)
    head, *rows = (tmp_path / "starting_projects.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(PROJECTS)
    assert {len(row.split("\t")) for row in rows} == {len(head.split("\t"))}
    row = rows[1]
    assert "**0.9123** [0.9080, 0.9160], n = 20,000; 30 minutes, 3 of 5 epochs, stopped by the clock" in row
    assert "0.917" in row
    assert "no GPU, one fold" in row
    assert "not measured yet" in rows[0]


def test_the_clock_stops_before_an_epoch_that_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(starting_projects.time, "monotonic", lambda: now[0])
    watch = Stopwatch(minutes=1, epochs=4)
    now[0] = 10.0  # packing
    for epoch, end in ((1, 25.0), (2, 40.0)):
        watch.after_step(epoch - 1, 1, 5)
        now[0] = end
        watch.after_epoch({"epoch": epoch, "val_accuracy": 0.5})
    watch.after_step(2, 1, 5)
    now[0] = 55.0
    with pytest.raises(TimeIsUpError):
        watch.after_epoch({"epoch": 3, "val_accuracy": 0.5})
    watch.after_epoch({"epoch": 4, "val_accuracy": 0.5})  # there is no other one


def test_a_run_that_the_clock_stops_is_published_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(
        epochs=5, batch_size=32, val_fraction=0.2, average=0.9, precision="fp32", compile="off", threads=1
    )
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "toy.toml").write_text(recipe.to_toml(), encoding="utf-8")
    monkeypatch.setattr(starting_projects, "ROOT", tmp_path)
    data = make_toy(tmp_path / "faces.zip", n=240, archive="zip")
    project = Project("toy", "toys", "faces.zip", "nothing", "nothing")
    metrics, epochs, stopped = rerun(project, data, tmp_path, minutes=0.0)
    assert (epochs, stopped) == (1, True)
    assert 0 <= metrics["test.accuracy"]["value"] <= 1
    assert (tmp_path / "toy" / "detector.onnx").exists()
