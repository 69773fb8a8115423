"""What every benchmark takes on its command line, and how it ends."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.machine import MachineBusyError, require_idle
from benchmarks.results_file import RESULTS, Figure, write_results
from doctored.detector.shelf import shelf

DETECTOR = "cifake"


def parser(about: str, timed: bool = True) -> argparse.ArgumentParser:
    """A parser with --data, and --busy where the figures are of time."""
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument("--data", type=Path, help="CIFAKE, as a folder or an archive")
    if timed:
        made.add_argument("--busy", action="store_true", help="run on a busy machine; print, keep nothing")
    return made


def add_detector(parser: argparse.ArgumentParser) -> None:
    """--detector, the larger of the shipped ones if not given."""
    parser.add_argument("--detector", default=DETECTOR, help="a name from the shelf, or a file")


def shelf_path(name: str) -> Path:
    """The file of a detector on the shelf."""
    for entry in shelf():
        if entry.name == name:
            return entry.path
    sys.exit(f"no detector on the shelf is called {name!r}; doctored detectors lists them")


def id_part(name: str) -> str:
    """What a detector's name adds to an ID: nothing for the one that is measured if none is named."""
    return "" if name == DETECTOR else f".{name.removeprefix(DETECTOR + '-').replace('-', '_')}"


def data_of(options: argparse.Namespace) -> Path:
    if options.data is None or not options.data.exists():
        sys.exit(f"--data {options.data}: no such data set; give CIFAKE (see docs/data.md)")
    return Path(options.data)


def wait_for_idle(options: argparse.Namespace) -> None:
    if not options.busy:
        try:
            require_idle()
        except MachineBusyError as error:
            sys.exit(str(error))


def finish(name: str, figures: Mapping[str, Figure], options: argparse.Namespace) -> None:
    """Print the figures; keep them in benchmarks/results unless the machine was busy."""
    for figure_id, figure in figures.items():
        interval = "" if figure.low is None else f" [{figure.low:.4g}, {figure.high:.4g}]"
        print(f"{figure_id:<36} {figure.value:.4g} {figure.unit}{interval} (n = {figure.n:,})")
    if getattr(options, "busy", False):
        print("not kept: taken with --busy")
        return
    write_results(name, figures, command_line(name, options))
    print(f"kept in {(RESULTS / name).relative_to(RESULTS.parent.parent)}.json")


def command_line(name: str, options: argparse.Namespace) -> str:
    """The command that repeats this, with files by their names only: folders differ between machines."""
    words = [f"python -m benchmarks.{name}"]
    for key, value in vars(options).items():
        if value is None or value is False:
            continue
        shown = value.name if isinstance(value, Path) else value
        words.append(f"--{key.replace('_', '-')}" + ("" if value is True else f" {shown}"))
    return " ".join(words)
