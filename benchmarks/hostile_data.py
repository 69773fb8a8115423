"""`hostile.data`: data sets that nobody should trust, each answered by `doctored data check`.

    python -m benchmarks.hostile_data

`hostile.data`: the share of cases of tests/hostile_sets.py (broken files, unreadable and encrypted members,
names of mixed case and of no encoding, links out of the folder, zip slip, zip and gzip bombs, annotations and
manifests that point elsewhere, an archive of a million members) that end as they must: the right exit code,
the right count of rows and of each thing that is odd, one line where nothing can be read, no traceback; and
nothing written beside the sets or followed out of them. `hostile.data_mb`: the peak PSS over all cases but
the largest. `hostile.data_million_mb`: that of the archive of a million members. Linux only.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.hostile_decode import MEGABYTE
from benchmarks.machine import ROOT
from benchmarks.memory import peak_pss
from benchmarks.results_file import Figure, share

CHECK = [sys.executable, "-m", "doctored.cli.main", "data", "check", "--full", "--json"]
# The cases themselves write nothing: what is here afterwards and was not before has slipped out.
SLIPPED = ("up.jpg", "root.jpg", "drive.jpg")


def answer(case: Any, hostile: Any) -> str:
    """What is wrong with the answer to one case; empty where it is right."""
    done = subprocess.run([*CHECK, str(case.path)], cwd=ROOT, capture_output=True)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    return str(hostile.judge(case, done.returncode, out, err))


def slipped_files(folder: Path) -> list[str]:
    places = [Path("/"), ROOT, folder, *(path for path in folder.iterdir() if path.is_dir())]
    return [str(place / name) for place in places for name in SLIPPED if os.path.lexists(place / name)]


def measure(members: int, folder: Path) -> dict[str, Figure]:
    sys.path.insert(0, str(ROOT / "tests"))
    hostile: Any = import_module("hostile_sets")
    right = n = 0
    peaks = []
    for case in hostile.make_cases(folder, members):
        problem = answer(case, hostile)
        print(f"{'WRONG  ' if problem else ''}{case.name}{': ' if problem else ''}{problem}", flush=True)
        n, right = n + 1, right + (not problem)
        command = [*CHECK, str(case.path)]
        peaks.append(max(peak_pss(command, cwd=ROOT, accept=(case.exit_code,)), default=0))
    if slipped := slipped_files(folder):
        print(f"WRONG  written outside: {slipped}")
        right = 0
    return {
        "hostile.data": share(right, n, "share answered"),
        "hostile.data_mb": Figure(max(peaks[:-1]) / MEGABYTE, "MB", n - 1),
        "hostile.data_million_mb": Figure(peaks[-1] / MEGABYTE, "MB", members),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--members", type=int, default=1_000_000, help="of the largest archive")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.members, Path(folder))
    commands.finish("hostile_data", figures, options)


if __name__ == "__main__":
    main()
