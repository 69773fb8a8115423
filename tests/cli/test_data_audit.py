"""`doctored data audit` from arguments to exit code; what it finds is tested in tests/data/audit."""

import json

import pytest

from benchmarks.audit_planted import write_planted
from doctored.cli.main import main


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    from data.audit.inline import work_through
    from doctored.data.audit import facts

    monkeypatch.setattr(facts, "work_through", work_through)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return write_planted(tmp_path_factory.mktemp("set") / "broken.zip", "quality", 3, 240)


def test_it_says_the_verdict_and_ends_with_1_where_asked(broken, capsys, tmp_path):
    arguments = ["data", "audit", str(broken), "--no-models"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert said.startswith("broken.zip: broken\n")
    assert "The JPEG quantisation tables: this alone tells real from fake" in said
    assert main([*arguments, "--fail-on", "broken", "--out", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out" / "index.html").exists()
    assert main([*arguments, "--fail-on", "clean"]) == 2


def test_json_and_fix(broken, capsys, tmp_path):
    assert (
        main(["data", "audit", str(broken), "--no-models", "--json", "--fix", str(tmp_path / "m.csv")]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["state"] == "broken"
    assert told["after"]["verdict"]["state"] == "clean"
    assert main(["data", "audit", str(tmp_path / "m.csv"), "--no-models", "--fail-on", "suspicious"]) == 0
    assert main(["data", "audit", str(tmp_path / "m.csv"), "--against", str(broken), "--no-models"]) == 0
    # Equalised pixels are other pixels, but near ones.
    assert "are in broken.zip too" in capsys.readouterr().out


def test_explore_tells_what_a_set_is_like(broken, capsys, tmp_path):
    assert main(["data", "explore", str(broken), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "broken.zip: 240 pictures" in said
    assert "format: JPEG 240" in said
    assert (tmp_path / "out" / "exploration.json").exists()
    assert main(["data", "explore", str(broken), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 240
