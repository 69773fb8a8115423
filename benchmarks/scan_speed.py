"""`scan.*`: what `doctored scan` costs, cold on one picture and warm on 20,000.

    python -m benchmarks.scan_speed --data cifake.zip [--detector cifake]

`scan.cold_ratio`: wall time of the whole process `doctored scan one.jpg` over that of a process that only
imports numpy, Pillow and onnxruntime and opens the same detector. `scan.cifake_ratio`: pictures a second of
`doctored scan FOLDER --jsonl` (every check on) over those of a process that decodes with Pillow, stacks 256
at a time and runs onnxruntime, on the same files and as many threads; both from start to end of the
process. `*_mb`: peak PSS of the process tree, in runs of their own, for sampling costs time.
`scan.cifake_growth_mb`: PSS in the last quarter of the run less that in the second. All of them of
`cifake-compact`, which leaves the most of the time to everything but inference; with `--detector cifake`, the
default of `scan`, they are `scan.robust_*` and `scan.cold_robust_*`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.memory import peak_pss
from benchmarks.paired import LEAST_ROUNDS, interleave, median_figure, seconds
from benchmarks.results_file import Figure
from doctored.data.members import MemberStore
from doctored.data.readers import read_dataset

IDS = {"cifake-compact": ("cold", "cifake"), "cifake": ("cold_robust", "robust")}
MEGABYTE = 10**6
COLD_ROUNDS = 31
# Both sides run from compiled modules, as they do where pip installed them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def scan(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "doctored.cli.main", "scan", *map(str, arguments)]


def bare(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.bare_scan", *map(str, arguments)]


def run(command: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=quiet, stderr=quiet)


def rate(command: Sequence[str], pictures: int) -> float:
    started = time.perf_counter()
    run(command)
    return pictures / (time.perf_counter() - started)


def extract_test_split(data: Path, folder: Path, limit: int | None) -> list[Path]:
    """Write the test split's files, as they are, into a folder; return their paths."""
    rows = [row for row in read_dataset(data).rows() if row.split == "test"][:limit]
    written = []
    with MemberStore(data) as store:
        for row in rows:
            assert row.member is not None
            written.append(folder / Path(row.member).parent.name / Path(row.member).name)
            written[-1].parent.mkdir(parents=True, exist_ok=True)
            written[-1].write_bytes(store.read(row.member))
    return written


def megabytes(peaks: Sequence[int]) -> Figure:
    return median_figure([peak / MEGABYTE for peak in peaks], "MB")


def measure_cold(picture: Path, name: str, rounds: int) -> dict[str, Figure]:
    command, (own, _) = scan("--quiet", "--detector", name, picture), IDS[name]
    detector = commands.shelf_path(name)
    paired = interleave(
        seconds(lambda: run(command)), seconds(lambda: run(bare(detector))), rounds, warm_up=2
    )
    peaks = [max(peak_pss(command, cwd=ROOT, interval_s=0.002)) for _ in range(LEAST_ROUNDS)]
    figures = paired.figures(f"scan.{own}_ratio", "s", "ours", "bare")
    return figures | {f"scan.{own}_mb": megabytes(peaks)}


def measure_warm(files: list[Path], folder: Path, name: str, rounds: int) -> dict[str, Figure]:
    command = scan("--quiet", "--jsonl", "--detector", name, folder)
    detector, (_, own) = commands.shelf_path(name), IDS[name]
    rows = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.splitlines()
    assert len(rows) == len(files)
    assert not any(b'"error":{' in row.replace(b" ", b"") for row in rows)
    paired = interleave(
        lambda: rate(command, len(files)), lambda: rate(bare(folder, detector), len(files)), rounds
    )
    runs = [peak_pss(command, cwd=ROOT) for _ in range(LEAST_ROUNDS)]
    return paired.figures(f"scan.{own}_ratio", "pictures/s", "ours", "bare") | {
        f"scan.{own}_mb": megabytes([max(samples) for samples in runs]),
        f"scan.{own}_growth_mb": median_figure([growth(samples) / MEGABYTE for samples in runs], "MB"),
    }


def growth(samples: Sequence[int]) -> float:
    """Median of the last quarter, less its very end where workers leave, minus median of the second."""
    quarter = len(samples) // 4
    return statistics.median(samples[-quarter:-1]) - statistics.median(samples[quarter : 2 * quarter])


def measure(options: Namespace, folder: Path) -> dict[str, Figure]:
    files = extract_test_split(commands.data_of(options), folder, options.pictures)
    commands.wait_for_idle(options)
    cold = measure_cold(files[0], options.detector, COLD_ROUNDS)
    if options.cold:
        return cold
    return cold | measure_warm(files, folder, options.detector, options.rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--detector", default="cifake-compact", choices=IDS)
    parser.add_argument("--pictures", type=int, help="only this many files; else the whole test split")
    parser.add_argument("--rounds", type=int, default=9, help="measured scans of each side")
    parser.add_argument("--cold", action="store_true", help="only the cold start")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options, Path(folder))
    commands.finish("scan_speed", figures, options)


if __name__ == "__main__":
    main()
