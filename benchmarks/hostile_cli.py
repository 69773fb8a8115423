"""`hostile.scan`, `hostile.detector`: the whole program among hostile files, as a person would meet it.

    python -m benchmarks.hostile_cli

`hostile.scan`: the share of inputs that have their one row after one `doctored scan` over thousands of
damaged pictures and every special case of tests/hostile.py; the exit code must be 3 and stderr free of
tracebacks, else it is 0. `hostile.scan_mb`: the peak PSS of that whole process tree. `hostile.detector`: the
share of detector files that nobody should run (unknown, corrupt, foreign, greedy, endless, ...) that end in
exit code 4 and one line. Linux only.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.hostile_decode import MEGABYTE, hostile_files
from benchmarks.machine import ROOT
from benchmarks.memory import peak_pss
from benchmarks.results_file import Figure, share

DOCTORED = [sys.executable, "-m", "doctored.cli.main"]
DETECTOR_TIME_S = 200


def lay_out(count: int, seed: int, folder: Path) -> list[str]:
    """Write the hostile files; return every path that is to be scanned, in order."""
    paths = []
    for number, (_, source) in enumerate(hostile_files(count, seed, folder)):
        if isinstance(source, bytes):
            path = folder / f"{number:05d}.jpg"
            path.write_bytes(source)
            paths.append(str(path))
        elif not source.is_dir():  # a folder stands for what is in it, and a loop of folders for nothing new
            paths.append(str(source))
    return [*paths, str(folder / "no-such-file.jpg")]


def measure_scan(count: int, seed: int, folder: Path) -> dict[str, Figure]:
    paths = lay_out(count, seed, folder)
    listed, out = folder / "list.txt", folder / "rows.jsonl"
    listed.write_bytes(b"\n".join(os.fsencode(path) for path in paths) + b"\n")
    command = [*DOCTORED, "scan", "--from-file", str(listed), "--jsonl", "--out", str(out), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    answered = sum(is_row(row) for row in rows) if len(rows) == len(paths) else 0
    if done.returncode != 3 or "Traceback" in done.stderr:
        print(f"WRONG  exit code {done.returncode}: {done.stderr[-500:]}")
        answered = 0
    out.unlink()
    peak = max(peak_pss(command, cwd=ROOT, accept=(3,)))
    return {
        "hostile.scan": share(answered, len(paths), "share answered"),
        "hostile.scan_mb": Figure(peak / MEGABYTE, "MB", len(paths)),
    }


def is_row(row: dict[str, Any]) -> bool:
    """A verdict; and what could not be examined is never called real."""
    return row["verdict"] in ("real", "fake", "unsure") and (
        row["error"] is None or row["verdict"] == "unsure"
    )


def hostile_detectors(folder: Path) -> Iterator[tuple[str, str]]:
    """A name and what to give as --detector."""
    sys.path.insert(0, str(ROOT / "tests"))
    toys: Any = import_module("toy_detectors")
    honest = toys.build_toy_detector(folder / "honest.onnx").read_bytes()
    files = {
        "empty": b"",
        "random bytes": os.urandom(4096),
        "a picture": (ROOT / "examples" / "real.jpg").read_bytes(),
        "cut short": honest[: len(honest) // 2],
        "8 GB asked for by weights": toys.sparse_graph(),
        "8 GB asked for in a run": toys.greedy_graph(),
        "an endless loop": toys.endless_graph(),
        "minutes to open": toys.slow_to_open_graph(),
        "external data": toys.external_data_graph("honest.onnx"),
        "a custom operator": toys.custom_operator_graph(),
        "99 MB of metadata": toys.stuffed_file(),
        "a probability of its own": toys.lying_graph("probability", "Neg"),
    }
    yield "no such detector", "cifake-compcat"
    yield "no such file", str(folder / "nothing.onnx")
    yield "a folder", str(folder)
    for number, (name, content) in enumerate(files.items()):
        path = folder / f"{number}.onnx"
        path.write_bytes(content)
        yield name, str(path)


def measure_detectors(folder: Path) -> dict[str, Figure]:
    refused = n = 0
    environment = os.environ | {"DOCTORED_HOME": str(folder / "home")}
    for name, detector in hostile_detectors(folder):
        command = [*DOCTORED, "scan", str(ROOT / "examples"), "--detector", detector, "--jsonl"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=DETECTOR_TIME_S
        )
        lines = done.stderr.strip().splitlines()
        is_right = done.returncode == 4 and len(lines) == 1 and not done.stdout
        n, refused = n + 1, refused + is_right
        print(f"{'' if is_right else 'WRONG  '}{name}: {done.returncode}, {' / '.join(lines)[:160]}")
    return {"hostile.detector": share(refused, n, "share refused")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--files", type=int, default=5000, help="how many damaged pictures")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as pictures, tempfile.TemporaryDirectory() as detectors:
        figures = measure_scan(options.files, options.seed, Path(pictures))
        figures |= measure_detectors(Path(detectors))
    commands.finish("hostile_cli", figures, options)


if __name__ == "__main__":
    main()
