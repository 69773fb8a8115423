from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks import options as commands
from benchmarks.machine import MachineBusyError
from benchmarks.results_file import Figure


def test_the_command_that_repeats_a_figure_names_no_folder_of_this_machine():
    options = Namespace(data=Path("/somewhere/else/cifake.zip"), rounds=6, pictures=None, busy=False)
    assert commands.command_line("scan_speed", options) == (
        "python -m benchmarks.scan_speed --data cifake.zip --rounds 6"
    )


def test_what_was_taken_on_a_busy_machine_is_printed_and_not_kept(monkeypatch, capsys):
    kept = []
    monkeypatch.setattr(commands, "write_results", lambda *arguments: kept.append(arguments))
    figures = {"scan.cold_ratio": Figure(1.25, "ratio", 9, 1.2, 1.3)}
    commands.finish("scan_speed", figures, Namespace(busy=True))
    assert kept == []
    assert "1.25 ratio [1.2, 1.3] (n = 9)" in capsys.readouterr().out
    commands.finish("scan_speed", figures, Namespace(busy=False))
    assert len(kept) == 1


def test_a_busy_machine_ends_a_timed_benchmark(monkeypatch):
    def busy():
        raise MachineBusyError("1.20 cores are busy")

    monkeypatch.setattr(commands, "require_idle", busy)
    with pytest.raises(SystemExit, match="busy"):
        commands.wait_for_idle(Namespace(busy=False))
    commands.wait_for_idle(Namespace(busy=True))


def test_missing_data_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match=r"no such data set; give CIFAKE"):
        commands.data_of(Namespace(data=tmp_path / "nothing.zip"))
