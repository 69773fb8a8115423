import json

import pytest

from benchmarks import results_file
from benchmarks.results_file import Figure, read_figures, write_results


@pytest.fixture
def day_and_commit(monkeypatch):
    def become(commit):
        monkeypatch.setattr(results_file, "commit", lambda: commit)

    become("aaaaaaaaaaaa")
    return become


def test_a_file_holds_what_the_design_asks_for(tmp_path, day_and_commit):
    write_results("scan", {"scan.cold_ratio": Figure(1.4, "ratio", 9, 1.3, 1.5)}, "run it", tmp_path)
    content = json.loads((tmp_path / "scan.json").read_text())
    assert set(content) == {"command", "commit", "machine", "date", "figures"}
    assert content["figures"]["scan.cold_ratio"] == {
        "value": 1.4,
        "unit": "ratio",
        "n": 9,
        "low": 1.3,
        "high": 1.5,
    }
    assert [file.name for file in tmp_path.iterdir()] == ["scan.json"]


def test_another_run_keeps_the_figures_it_did_not_measure_and_says_where_they_are_from(
    tmp_path, day_and_commit
):
    write_results("scan", {"scan.a": Figure(1, "s", 1), "scan.b": Figure(2, "s", 1)}, "first", tmp_path)
    day_and_commit("bbbbbbbbbbbb")
    write_results("scan", {"scan.b": Figure(3, "s", 1)}, "second", tmp_path)
    day_and_commit("cccccccccccc")
    write_results("scan", {"scan.c": Figure(4, "s", 1)}, "third", tmp_path)
    figures = read_figures(tmp_path)
    assert {key: figure["value"] for key, figure in figures.items()} == {
        "scan.a": 1,
        "scan.b": 3,
        "scan.c": 4,
    }
    assert figures["scan.a"]["taken"]["commit"] == "aaaaaaaaaaaa"
    assert figures["scan.b"]["taken"]["command"] == "second"
    assert figures["scan.c"]["taken"]["commit"] == "cccccccccccc"


def test_the_same_run_twice_needs_no_note(tmp_path, day_and_commit):
    write_results("scan", {"scan.a": Figure(1, "s", 1)}, "run", tmp_path)
    content = write_results("scan", {"scan.b": Figure(1, "s", 1)}, "run", tmp_path)
    assert "taken" not in content["figures"]["scan.a"]


def test_one_id_lives_in_one_file(tmp_path, day_and_commit):
    for name in ("one", "two"):
        write_results(name, {"scan.a": Figure(1, "s", 1)}, "run", tmp_path)
    with pytest.raises(ValueError, match="in another file"):
        read_figures(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [(float("nan"), "s", 1), (2.0, "s", 0), (2.0, "s", 3, 2.1, 2.2), (2.0, "s", 3, 1.0, 1.9)],
)
def test_a_figure_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError):
        Figure(*arguments)


@pytest.mark.parametrize("figure_id", ["scan", "Scan.cold", "scan cold", ".x"])
def test_an_id_has_its_form(tmp_path, figure_id):
    with pytest.raises(ValueError, match="no figure's ID"):
        write_results("scan", {figure_id: Figure(1, "s", 1)}, "run", tmp_path)
