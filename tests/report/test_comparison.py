import json

import pytest
from tests.page.reading import Seen

from doctored.errors import DoctoredError
from doctored.report.artefacts import Run
from doctored.report.comparison import draw_comparison
from toy_run import make_run


def make_runs(folder, **skills):
    return [
        Run(make_run(folder / name, seed=place, skill=skill))
        for place, (name, skill) in enumerate(skills.items())
    ]


def text_of(drawn):
    return Seen(drawn.page.removeprefix("<!doctype html>")).text


def test_a_difference_beyond_luck_is_called_one(tmp_path):
    drawn = draw_comparison(make_runs(tmp_path, strong=3.0, weak=0.5))
    text = text_of(drawn)
    assert drawn.problems == ()
    assert "strong has the highest accuracy" in text
    assert "beyond luck above weak." in text
    assert "Of 2 paired comparisons on the same 400 pictures, 2 are more than luck would explain." in text


def test_two_seeds_of_one_recipe_are_told_as_such_and_not_ranked(tmp_path):
    runs = make_runs(tmp_path, one=2.0, two=2.0)
    text = text_of(draw_comparison(runs))
    assert "but these pictures do not tell it apart from" in text
    assert "They differ in seed." in text
    assert "One recipe, 2 seeds: mean over runs" in text


def test_without_the_same_pictures_only_intervals_tell(tmp_path):
    runs = make_runs(tmp_path, strong=3.0, weak=0.5)
    for run in runs:
        (run.folder / "predictions.csv").unlink()
    text = text_of(draw_comparison(runs))
    assert "only intervals tell" in text
    assert "beyond luck above weak." in text


def test_runs_on_other_pictures_come_with_a_warning(tmp_path):
    runs = make_runs(tmp_path, one=2.0, two=2.0)
    file = runs[1].folder / "evaluation.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "manifest_digest": "another"}), encoding="utf-8")
    assert "not measured on the same pictures" in text_of(draw_comparison(runs))


def test_runs_of_one_name_are_told_apart(tmp_path):
    runs = [Run(make_run(tmp_path / place / "run")) for place in ("a", "b", "c")]
    text = text_of(draw_comparison(runs))
    assert "run, run (2) and run (3), side by side." in text
    assert "Nothing: the recipes are the same" in text


def test_a_run_that_cannot_be_read_is_named(tmp_path):
    runs = make_runs(tmp_path, one=2.0, two=2.0, three=2.0)
    for name in ("evaluation.json", "config.toml"):
        (runs[2].folder / name).write_text("{", encoding="utf-8")
    drawn = draw_comparison(runs)
    (problem,) = drawn.problems
    assert problem.startswith("three: evaluation.json cannot be read")
    with pytest.raises(DoctoredError, match="fewer than two runs"):
        draw_comparison(runs[1:])
