"""A page is made of the files that there are; a missing, broken or hostile one costs its part alone."""

import json
import re
from itertools import pairwise

import pytest
from tests.page.reading import HOSTILE, Seen

import toy_run
from doctored.report.artefacts import SHOWN, Run
from doctored.report.page import QUESTIONS, draw_report
from toy_run import make_run


def seen(page):
    return Seen(page.removeprefix("<!doctype html>"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return draw_report(Run(make_run(tmp_path_factory.mktemp("runs") / "toy-compact")))


def headings(page):
    return re.findall(r"<h([1-6])>", page)


def test_every_question_is_answered_with_an_insight(whole):
    assert whole.problems == ()
    sections = whole.page.split("<section")[1:]
    assert len(sections) == len(QUESTIONS)
    for question, section in zip(QUESTIONS, sections, strict=True):
        assert f"<h2>{question.heading.replace(chr(39), '&#x27;')}</h2>" in section
        assert 'class="insight"' in section or 'class="warning"' in section, question.place
        assert 'class="missing"' not in section, question.place


def test_headings_are_in_order_and_ids_are_unique(whole):
    levels = [int(level) for level in headings(whole.page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in seen(whole.page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for name, attributes in seen(whole.page).tags if name == "a"}
    assert links == {f"#{question.place}" for question in QUESTIONS}


def test_charts_have_names_and_their_numbers_and_overlays_their_probabilities(whole):
    tags = seen(whole.page).tags
    charts = [attributes for name, attributes in tags if name == "svg" and attributes.get("role") == "img"]
    assert len(charts) >= 10
    assert whole.page.count("<title>") == len(charts) + 1
    assert whole.page.count("<summary>The numbers</summary>") >= 7
    assert all(attributes["alt"] for name, attributes in tags if name == "img")
    for one in toy_run.gradcam()["pictures"]:
        fake, real = one["probability"]["fake"], one["probability"]["real"]
        assert f"Probability of fake {fake:.3f}, of real {real:.3f}." in whole.page


def test_the_page_asks_nobody_for_anything_and_runs_nothing(whole):
    assert "script" not in {name for name, _ in seen(whole.page).tags}
    sources = [attributes["src"] for _, attributes in seen(whole.page).tags if "src" in attributes]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)


@pytest.mark.parametrize("name", [name for name in SHOWN if name != "predictions.parquet"])
def test_each_file_alone_makes_a_page(tmp_path, name):
    folder = make_run(tmp_path / "run", only=(name,))
    drawn = draw_report(Run(folder))
    assert drawn.problems == ()
    assert "missing" in drawn.page


def test_what_is_missing_names_the_command(tmp_path):
    drawn = draw_report(Run(make_run(tmp_path / "run", only=("predictions.csv", "config.toml"))))
    text = seen(drawn.page).text
    assert "How quickly did it converge? metrics.jsonl is made by doctored train cifake.zip --out run" in text
    assert (
        "robustness.json is made by doctored evaluate run/detector.onnx cifake.zip --robustness --out run"
        in text
    )
    assert "A random fake scores above a random real picture" in text, "predictions are enough for a curve"


JSON_FILES = tuple(name for name in SHOWN if name.endswith(".json"))


@pytest.mark.parametrize("name", [*JSON_FILES, "config.toml", "metrics.jsonl"])
@pytest.mark.parametrize(
    "text", ["{}", "not at all {", '{"lists": 3, "verdict": [], "figures": "x", "curves": null}']
)
def test_a_broken_file_costs_its_sections_alone(tmp_path, name, text):
    folder = make_run(tmp_path / "run")
    (folder / name).write_text(text, encoding="utf-8")
    drawn = draw_report(Run(folder))
    assert drawn.problems
    for problem in drawn.problems:
        assert problem.endswith("makes it again")
        assert "\n" not in problem
    assert len(drawn.page.split("<section")) > len(QUESTIONS) - 2


def poisoned(value, text):
    """The same with every string that is no key's choice replaced by a hostile text."""
    kept = {
        "real",
        "fake",
        "unsure",
        "true_fake",
        "false_fake",
        "true_real",
        "false_real",
        "broken",
        "suspicious",
        "clean",
        "validation",
        "these",
        "jpeg",
        "delivered",
        "fgsm",
        "pgd",
        "bf16",
        "test",
    }
    if isinstance(value, dict):
        return {key: poisoned(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, text) for one in value]
    return text if isinstance(value, str) and value not in kept else value


@pytest.mark.parametrize("text", HOSTILE)
def test_no_file_writes_markup(tmp_path, whole, text):
    folder = make_run(tmp_path / "toy-compact")
    for name in JSON_FILES:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps(poisoned(content, text)), encoding="utf-8")
    drawn = draw_report(Run(folder))
    assert drawn.problems == ()
    found, expected = seen(drawn.page), seen(whole.page)
    names = {name for name, _ in found.tags}
    assert names <= {name for name, _ in expected.tags}
    assert not any(key.startswith("on") for _, attributes in found.tags for key in attributes)


def test_figures_of_validation_pictures_come_with_a_warning(tmp_path):
    folder = make_run(tmp_path / "run", only=("predictions.csv",))
    table = (folder / "predictions.csv").read_text(encoding="utf-8").replace(",test,", ",val,")
    (folder / "predictions.csv").write_text(table, encoding="utf-8")
    assert "the figures flatter" in draw_report(Run(folder)).page


def test_broken_data_is_said_before_the_figures(tmp_path):
    folder = make_run(tmp_path / "run")
    (folder / "audit.json").write_text(json.dumps(toy_run.audit("broken")), encoding="utf-8")
    page = draw_report(Run(folder)).page
    assert page.index("the audit calls this data broken, so figures") < page.index('class="tiles"')


def test_of_broken_data_what_a_network_sees_is_told_first(tmp_path):
    folder, audit = make_run(tmp_path / "run"), toy_run.audit("broken")
    seen = {"code": "size", "state": "broken", "text": "Width and height."}
    unseen = {"code": "name_word", "state": "broken", "text": "The first word of the file name."}
    for reasons, told in (
        ([unseen, seen], "broken, so figures on it mean little. Width and height."),
        ([unseen], "broken for what files tell and a network does not see. The first word of the file name."),
    ):
        audit["verdict"]["reasons"] = reasons
        (folder / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
        assert f"the audit calls this data {told}" in draw_report(Run(folder)).page


def test_attacks_that_were_not_possible_say_why(tmp_path):
    folder = make_run(tmp_path / "run")
    (folder / "attacks.json").write_text(
        '{"available": false, "reason": "The weights are not at hand"}', encoding="utf-8"
    )
    drawn = draw_report(Run(folder))
    assert drawn.problems == ()
    assert "The weights are not at hand." in drawn.page
