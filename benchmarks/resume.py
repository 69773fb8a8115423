"""`resume.*`: kill -9 at ten random moments each in packing, training and scanning; then resume.

    python -m benchmarks.resume

A figure is the share of kills after which the same command, given again, ended with what a run that was
never killed ends with: the same pixels and manifest, a detector equal to the last bit (eager fp32), the
same rows in the same order, none lost and none doubled. Every second kill takes the whole process group;
the others the parent alone, so that its workers have to notice. The set is a toy that it makes.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import Figure
from doctored.detector.card import METADATA_KEY

KILLS = 10
PACKED, TRAINED, SCANNED = 3000, 300, 1500
TOLERANCE = 1e-5  # onnxruntime may differ in the last bits with the batch


@dataclass(frozen=True)
class Job:
    """A command that can be resumed by `again`, and how to read what it ended with."""

    name: str
    first: Callable[[Path], list[object]]
    again: Callable[[Path], list[object]]
    is_begun: Callable[[Path], bool]
    is_done: Callable[[Path], bool]
    outcome: Callable[[Path], Any]
    is_same: Callable[[Any, Any], bool]


def doctored(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "doctored.cli.main", *map(str, arguments)]


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def read_detector(path: Path) -> list[Any]:
    """The graph's digest, and the card but for the commit: others may commit while this runs."""
    import onnx

    model = onnx.load(path)
    (card,) = (json.loads(entry.value) for entry in model.metadata_props if entry.key == METADATA_KEY)
    del card["card"]["commit"]
    del model.metadata_props[:]
    return [sha256(model.SerializeToString(deterministic=True)).hexdigest(), card]


def read_rows(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        del row["ms"]
    return rows


def agree(a: Any, b: Any) -> bool:
    """Equal, but for floats that differ by less than the tolerance."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= TOLERANCE
    return bool(a == b)


def make_jobs(toys: Path) -> list[Job]:
    """The three jobs, each on a toy set in `toys`; each writes into a folder of its own."""

    def packing(out: Path) -> list[object]:
        return ["data", "pack", toys / "pack.zip", out / "pack", "--preprocess", "exact:32"]

    def training(out: Path) -> list[object]:
        settings = ["compile=off", "patience=0", "val_fraction=0.3", "batch_size=32"]
        changed = [word for setting in settings for word in ("--set", setting)]
        data = toys / "train.zip"
        return ["train", data, "--out", out / "run", "--precision", "fp32", "--epochs", "6", *changed]

    def scanning(out: Path) -> list[object]:
        return ["scan", toys / "scan.zip", "--quiet", "--out", out / "rows.jsonl"]

    return [
        Job(
            "pack",
            packing,
            packing,
            lambda out: (out / "pack").exists(),
            lambda out: False,
            lambda out: [digest(out / "pack" / name) for name in ("pixels.npy", "manifest.csv")],
            lambda a, b: bool(a == b),
        ),
        Job(
            "train",
            training,
            training,
            lambda out: (out / "run").exists(),
            lambda out: (out / "run" / "detector.onnx").exists(),
            lambda out: read_detector(out / "run" / "detector.onnx"),
            lambda a, b: bool(a == b),
        ),
        Job(
            "scan",
            scanning,
            lambda out: [*scanning(out), "--resume"],
            lambda out: any(out.glob("rows*")),
            lambda out: False,
            lambda out: read_rows(out / "rows.jsonl"),
            agree,
        ),
    ]


def start(arguments: Sequence[object], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as stream:
        command = doctored(*arguments)
        return subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream, start_new_session=True)


def finish(arguments: Sequence[object], log: Path) -> None:
    code = start(arguments, log).wait()
    if code:
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise RuntimeError(f"exit code {code}: {' | '.join(tail)}")


def uninterrupted(job: Job, out: Path) -> tuple[Any, float, float]:
    """What the job ends with, and the seconds after its start at which its work begins and ends."""
    process, started, begun = start(job.first(out), out / "log"), time.monotonic(), 0.0
    while process.poll() is None:
        if not begun and job.is_begun(out):
            begun = time.monotonic() - started
        time.sleep(0.005)
    ended = time.monotonic() - started
    if process.returncode:
        raise RuntimeError((out / "log").read_text(encoding="utf-8"))
    return job.outcome(out), begun, ended


def killed(job: Job, out: Path, after_s: float, takes_workers: bool) -> bool:
    """Kill the job some seconds after its work began; whether it was still running then."""
    process = start(job.first(out), out / "log")
    while not job.is_begun(out) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(after_s)
    if process.poll() is not None:
        return False
    if takes_workers:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    return True


def survive(job: Job, folder: Path, moments: random.Random) -> Figure:
    """The share of kills after which the resumed job ended as the uninterrupted one did."""
    expected, begun, ended = uninterrupted(job, fresh(folder))
    same = done = 0
    while done < KILLS:
        out = fresh(folder)
        after_s = moments.uniform(0.0, ended - begun)
        if not killed(job, out, after_s, takes_workers=done % 2 == 1):
            continue  # it was over before its moment came: draw another
        if not job.is_done(out):
            finish(job.again(out), out / "log")
        is_same = job.is_same(job.outcome(out), expected)
        says = "the same" if is_same else "NOT THE SAME"
        print(f"{job.name}: killed {after_s:.2f} s into its work, resumed: {says}", flush=True)
        same += is_same
        done += 1
    return Figure(same / KILLS, "share of kills", KILLS)


def fresh(folder: Path) -> Path:
    """The same empty folder again: a detector's card knows the folder's name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["DOCTORED_HOME"] = str(folder / "home")
    return folder


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", choices=["pack", "train", "scan"], help="one of the three")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        toys = Path(folder) / "toys"
        toys.mkdir()
        for name, count in (("pack", PACKED), ("train", TRAINED), ("scan", SCANNED)):
            finish(["data", "toy", toys / f"{name}.zip", "--count", count], toys / "log")
        moments = random.Random(options.seed)
        figures = {
            f"resume.{job.name}": survive(job, Path(folder) / "work", moments)
            for job in make_jobs(toys)
            if options.only in (None, job.name)
        }
    commands.finish("resume", figures, options)


if __name__ == "__main__":
    main()
