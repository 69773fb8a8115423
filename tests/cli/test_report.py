import pytest

from doctored.cli.main import main
from toy_run import make_run


def test_a_run_gets_its_page(tmp_path, capsys):
    folder = make_run(tmp_path / "toy-compact")
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'index.html'} shows it\n"
    assert "<h1>toy-compact 1.0.0</h1>" in (folder / "index.html").read_text(encoding="utf-8")
    assert str(tmp_path) not in (folder / "index.html").read_text(encoding="utf-8")


def test_new_files_make_a_new_page(tmp_path):
    folder, out = make_run(tmp_path / "toy-compact"), tmp_path / "out"
    (folder / "robustness.json").unlink()
    assert main(["report", str(folder), "--out", str(out)]) == 0
    before = (out / "index.html").read_text(encoding="utf-8")
    make_run(folder, only=("robustness.json",))
    assert main(["report", str(folder), "--out", str(out)]) == 0
    after = (out / "index.html").read_text(encoding="utf-8")
    assert "Ranking survives" not in before
    assert "Ranking survives" in after
    assert main(["report", str(folder), "--out", str(out)]) == 0
    assert (out / "index.html").read_text(encoding="utf-8") == after, "the same files make the same page"


def test_several_runs_are_compared(tmp_path, monkeypatch):
    folders = [str(make_run(tmp_path / name, seed=place)) for place, name in enumerate(("one", "two"))]
    monkeypatch.chdir(tmp_path)
    assert main(["report", *folders]) == 0
    assert "<h1>2 runs compared</h1>" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_a_broken_file_ends_with_three_and_is_named(tmp_path, capsys):
    folder = make_run(tmp_path / "run")
    (folder / "errors.json").write_text("{", encoding="utf-8")
    assert main(["report", str(folder)]) == 3
    assert capsys.readouterr().err.startswith("doctored: errors.json cannot be read")


@pytest.mark.parametrize("arguments", [["report"], ["report", "nowhere"]])
def test_wrong_usage_is_one_line(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
