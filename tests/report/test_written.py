"""What the writers write, the page reads: a run that is really trained, evaluated and looked into."""

import dataclasses

import pytest
from tests.page.reading import Seen

from doctored.cli.main import main
from doctored.data.toy import make_toy
from doctored.report import write_report
from doctored.report.artefacts import PREDICTIONS, SHOWN
from doctored.report.page import QUESTIONS
from small_training import SMALL

torch = pytest.importorskip("torch", reason="the extra 'train' trains the run")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from doctored.training import train

    folder = tmp_path_factory.mktemp("written")
    data = make_toy(folder / "toy.zip", n=80, archive="zip")
    train(data, folder / "run", dataclasses.replace(SMALL, epochs=1), device="cpu")
    looks = ["--robustness", "--explanations", "--errors"]
    assert main(["evaluate", str(folder / "run"), str(data), "--out", str(folder / "run"), *looks]) == 0
    return folder / "run"


def test_every_file_of_a_run_is_written_and_read(run):
    assert {name for name in SHOWN if not (run / name).is_file()} == {PREDICTIONS[1]}
    report = write_report([run])
    assert report.problems == ()
    text = Seen(report.page.read_text(encoding="utf-8").removeprefix("<!doctype html>")).text
    asked = {question.heading for question in QUESTIONS if question.heading in text}
    assert asked == {question.heading for question in QUESTIONS if not question.is_optional}
    assert "What is not here yet?" not in text
