"""Where the command line begins and ends: errors, exit codes, help."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from doctored.cli import commands, scanning
from doctored.cli import main as entry
from doctored.cli.commands import COMMANDS, load_command
from doctored.cli.main import main
from doctored.cli.scanning import ScanOptions, read_plain
from doctored.errors import DoctoredError, UsageError
from doctored.version import __version__


def one_line(capsys):
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("doctored: ")
    assert told.err.count("\n") == 1
    return told.err


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"doctored {__version__}\n"
    for arguments in ([], ["--help"]):
        assert main(arguments) == 0
        shown = capsys.readouterr().out
        assert all(name in shown for name in COMMANDS)
    assert main(["scan", "--help"]) == 0
    assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["scam"], "did you mean 'scan'"),
        (["zzz"], "there are: scan, "),
        (["--bogus"], "--bogus"),
        (["scan", "x", "--bogus"], "see 'doctored scan --help'"),
        (["scan", "x", "--budget"], "--budget"),
        (["scan", "x", "--budget", "much"], "--budget"),
        (["scan", "x", "--workers", "0"], "--workers"),
        (["scan"], "nothing to scan"),
    ],
)
def test_wrong_usage_is_one_line_and_a_2(capsys, arguments, told):
    assert main(arguments) == 2
    assert told in one_line(capsys)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DoctoredError("it cannot; do that"), 4, "it cannot; do that"),
        (UsageError("not so; do this"), 2, "not so; do this"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (PermissionError(13, "Permission denied", "/x"), 4, "/x: Permission denied; check"),
        (OSError(28, "No space left on device"), 4, "No space left on device; check"),
    ],
)
def test_an_error_ends_in_its_code_and_one_line(capsys, monkeypatch, error, code, told):
    def fail(arguments, warm):
        raise error

    monkeypatch.setattr(entry, "_call", fail)
    assert main(["detectors"]) == code
    assert told in one_line(capsys)


def test_an_interrupt_inside_a_command_is_a_130(capsys, monkeypatch):
    def command() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "import_module", lambda name: SimpleNamespace(command=command))
    assert main(["detectors"]) == 130
    assert "interrupted" in one_line(capsys)


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    def command() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(commands, "import_module", lambda name: SimpleNamespace(command=command))
    with pytest.raises(ZeroDivisionError):
        main(["detectors"])


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (3, 3), ("text", 0)])
def test_what_a_command_returns_is_the_exit_code(monkeypatch, returned, code):
    def command() -> object:
        return returned

    monkeypatch.setattr(commands, "import_module", lambda name: SimpleNamespace(command=command))
    assert main(["detectors"]) == code


def test_debug_shows_the_traceback_wherever_it_stands(capsys):
    for arguments in (["--debug", "scan", "--resume", "x"], ["scan", "--resume", "x", "--debug"]):
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert "Traceback" in told
        assert told.splitlines()[-1].startswith("doctored: --resume goes on with a file")


def test_a_missing_command_breaks_no_other(capsys, monkeypatch):
    monkeypatch.setitem(COMMANDS, "gone", "Is not there.")
    assert main(["gone"]) == 4
    assert "the command 'gone' is missing here" in one_line(capsys)
    assert main(["--help"]) == 0
    assert "gone" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_explains_itself(name):
    command = load_command(name)
    assert command.help


def test_a_closed_pipe_is_quiet():
    command = [sys.executable, "-m", "doctored.cli.main", "--help"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


# --------------------------------------------------------------------------- the short way to a plain scan


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.jpg"],
        ["a.jpg", "b", "-"],
        ["--json", "a.jpg"],
        ["a.jpg", "--jsonl", "-q"],
        ["--quiet", "a.jpg", "--csv"],
        ["a.jpg", "--json", "--csv"],
    ],
)
def test_a_plain_scan_is_read_as_typer_reads_it(arguments, monkeypatch):
    seen = []
    monkeypatch.setattr("doctored.cli.scan.run_scan", lambda options, warm: seen.append(options) or 0)
    assert entry._call(["scan", *arguments], None) == 0
    plain = read_plain(arguments)
    assert plain is not None
    assert plain._replace(paths=list(plain.paths)) == seen[0]


@pytest.mark.parametrize(
    "arguments", [[], ["-q"], ["--help"], ["a", "--out", "b"], ["a", "--"], ["a", "--workers=2"], ["-x", "a"]]
)
def test_anything_else_is_left_to_typer(arguments):
    assert read_plain(arguments) is None


def test_the_defaults_are_the_same_both_ways(monkeypatch):
    seen = []
    monkeypatch.setattr("doctored.cli.scan.run_scan", lambda options, warm: seen.append(options) or 0)
    entry._call(["scan", "a"], None)
    assert seen == [ScanOptions(paths=["a"])]
    assert scanning.FLAGS.keys() <= _options_of_scan()


def _options_of_scan():
    return {option for parameter in load_command("scan").params for option in parameter.opts}
