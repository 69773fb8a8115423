"""`hostile.*`: damaged and odd files, thousands of them, each answered with a picture or a clear refusal.

    python -m benchmarks.hostile_decode

`hostile.decode`: the share of files that `decode` answers with a picture or a `PictureError`, under the
default limits; the files are mutations of small valid pictures of every format and mode, and every special
case of tests/hostile.py (bombs, links in a circle, FIFO, ...). All of them are decoded in one child process,
so that a crash, a hang or any other exception counts against it. `hostile.decode_mb`: that child's resident
memory at its highest, as the kernel counts it: what a sampler would see, and what comes and goes between two
samples as well. Linux only.
"""

import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import Figure, share
from doctored.errors import PictureError
from doctored.picture import Limits, decode

MEGABYTE = 10**6
REPORT, CURRENT = "report.json", "current"


def hostile_files(count: int, seed: int, folder: Path) -> Iterator[tuple[str, bytes | Path]]:
    """`count` damaged pictures as bytes, then the special cases as paths, each with a name."""
    sys.path.insert(0, str(ROOT / "tests"))
    hostile: Any = import_module("hostile")
    seeds = list(hostile.seeds().items())
    rng = np.random.default_rng(seed)
    for index in range(count):
        name, data = seeds[index % len(seeds)]
        yield f"{name} {index}", hostile.mutate(data, rng)
    special = folder / "special"
    special.mkdir()
    yield from hostile.special_cases(special).items()


def decode_all(options: Namespace, folder: Path) -> None:
    """The child: decode every file, and leave a report; `CURRENT` holds the file that it may die of."""
    answers: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = (0.0, "")
    for name, source in hostile_files(options.files, options.seed, folder):
        if isinstance(source, bytes):
            (folder / CURRENT).write_bytes(source)
        faulthandler.dump_traceback_later(3 * Limits().time_s, exit=True)
        started = time.perf_counter()
        try:
            picture = decode(source)
            picture.luma()
            answers[f"picture ({picture.format})"] += 1
        except PictureError as error:
            answers[error.code.value] += 1
        except Exception as error:
            wrong.append(f"{name}: {error!r}")
        slowest = max(slowest, (time.perf_counter() - started, name))
    faulthandler.cancel_dump_traceback_later()
    report = {"answers": dict(answers), "wrong": wrong, "slowest": slowest, "peak": peak_resident_bytes()}
    (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")


def peak_resident_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def measure_decoding(options: Namespace, folder: Path) -> dict[str, Figure]:
    command = [sys.executable, "-m", "benchmarks.hostile_decode", "--into", str(folder)]
    command += ["--files", str(options.files), "--seed", str(options.seed)]
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        kept = Path(tempfile.gettempdir()) / "hostile-file"
        kept.write_bytes((folder / CURRENT).read_bytes())
        sys.exit(f"the decoder ended with {error.returncode}; the file it died of is {kept}")
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    for answer, count in sorted(report["answers"].items()):
        print(f"{answer:<24} {count:>6,}")
    seconds, name = report["slowest"]
    print(f"slowest: {name}, {seconds:.2f} s")
    for line in report["wrong"]:
        print(f"WRONG  {line}")
    answered = sum(report["answers"].values())
    n = answered + len(report["wrong"])
    return {
        "hostile.decode": share(answered, n, "share answered"),
        "hostile.decode_mb": Figure(report["peak"] / MEGABYTE, "MB", n),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--files", type=int, default=5000, help="how many damaged pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path, help="for the child process only")
    options = parser.parse_args(arguments)
    if options.into:
        # libtiff writes its own complaints about broken files to stderr.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        decode_all(options, options.into)
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_decoding(options, Path(folder))
    commands.finish("hostile_decode", figures, options)


if __name__ == "__main__":
    main()
