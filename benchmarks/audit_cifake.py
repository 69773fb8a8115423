"""`audit.cifake.*`: the whole audit of CIFAKE from its archive, against one bare decoding pass.

    python -m benchmarks.audit_cifake --data cifake.zip

`audit.cifake.ratio`: seconds of `doctored data audit` (page and all) over those of a pool of as many
processes that do nothing but open every picture with Pillow and turn it into an array; `.audit` and `.bare`
are the sides. `.mb`: peak PSS of the audit's process tree, in a run of its own. `.duplicate_pairs`,
`.crossing_pairs`, `.bytes_auc`, `.pixels_auc` with their intervals, and `.broken`, 1 if the verdict is.
"""

import io
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import options as commands
from benchmarks.memory import peak_pss
from benchmarks.paired import interleave
from benchmarks.results_file import Figure
from doctored.workers import available_cores


def decode_bare(job: tuple[Path, list[str]]) -> int:
    """Open every member with Pillow and turn it into an array; how many there were."""
    path, names = job
    with zipfile.ZipFile(path) as archive:
        for name in names:
            np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"))
    return len(names)


def bare_seconds(path: Path, workers: int) -> float:
    started = time.perf_counter()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
    parts = [(path, names[start::workers]) for start in range(workers)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        done = sum(pool.map(decode_bare, parts))
    assert done == len(names)
    return time.perf_counter() - started


def audit_command(path: Path, out: Path, workers: int) -> list[str]:
    module = [sys.executable, "-m", "doctored.cli.main"]
    return [*module, "data", "audit", str(path), "--out", str(out), "--workers", str(workers)]


def audit_seconds(path: Path, out: Path, workers: int) -> float:
    started = time.perf_counter()
    subprocess.run(audit_command(path, out, workers), check=True, capture_output=True)
    return time.perf_counter() - started


def findings(out: Path) -> dict[str, Figure]:
    told = json.loads((out / "audit.json").read_text("utf-8"))
    pairs = told["leaks"]["equal_pairs"]
    crossing = sum(count for splits, count in pairs.items() if "+" in splits)
    rows = told["data"]["rows"]
    scores = {rule["name"]: rule["score"] for rule in told["rules"]}
    figures = {
        "audit.cifake.duplicate_pairs": Figure(sum(pairs.values()), "pairs", rows),
        "audit.cifake.crossing_pairs": Figure(crossing, "pairs", rows),
        "audit.cifake.broken": Figure(float(told["verdict"]["state"] == "broken"), "yes or no", 1),
    }
    for figure_id, rule in (("bytes_auc", "file_bytes"), ("pixels_auc", "pixel_model")):
        score = scores[rule]
        figure = Figure(score["auc"], "AUC", score["n"], score["low"], score["high"])
        figures[f"audit.cifake.{figure_id}"] = figure
    return figures


def main() -> int:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    path = commands.data_of(given).resolve()
    commands.wait_for_idle(given)
    workers = available_cores()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit"
        timed = interleave(
            lambda: audit_seconds(path, out, workers),
            lambda: bare_seconds(path, workers),
            given.rounds,
            warm_up=0,
        )
        figures = timed.figures("audit.cifake.ratio", "s", "audit", "bare") | findings(out)
        samples = peak_pss(audit_command(path, out, workers), interval_s=0.1)
        figures["audit.cifake.mb"] = Figure(max(samples) / 1e6, "MB", len(samples))
    commands.finish("audit_cifake", figures, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
