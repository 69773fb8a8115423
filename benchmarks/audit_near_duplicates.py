"""`audit.near_duplicates`: near copies among a million perceptual hashes.

    python -m benchmarks.audit_near_duplicates

A million random 64-bit hashes, of which 10,000 are another one with 1 to 8 bits turned over.
`audit.near_duplicates.recall`: the share of these pairs that are found; `.seconds`: of the whole search;
`.mb`: the process's peak of resident memory, hashes and all.
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks import options as commands
from benchmarks.paired import median_figure
from benchmarks.results_file import share
from doctored.data.audit.near import RADIUS, find_near

RUNS = 6


def plant(count: int, planted: int, seed: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Random hashes, and pairs of positions [planted, 2] that differ in 1 to 8 bits."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, count, dtype=np.uint64)
    places = random.permutation(count)[: 2 * planted].reshape(-1, 2)
    for one, other in places:
        bits = random.choice(64, random.integers(1, RADIUS + 1), replace=False)
        hashes[other] = hashes[one] ^ np.uint64(sum(1 << int(bit) for bit in bits))
    return hashes, np.sort(places, axis=1)


def measure(count: int, planted: int, seed: int) -> dict[str, float]:
    hashes, places = plant(count, planted, seed)
    started = time.perf_counter()
    near = find_near(hashes)
    seconds = time.perf_counter() - started
    found = np.isin(places[:, 0] * count + places[:, 1], near.pairs[:, 0] * count + near.pairs[:, 1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "found": int(found.sum()), "bytes": peak}


def main() -> int:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--planted", type=int, default=10_000)
    parser.add_argument("--one", type=int, help="measure with this seed in this process, and print JSON")
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(measure(given.hashes, given.planted, given.one)))
        return 0
    commands.wait_for_idle(given)
    size = ["--hashes", str(given.hashes), "--planted", str(given.planted)]
    runs = []
    for seed in range(RUNS):
        command = [sys.executable, "-m", "benchmarks.audit_near_duplicates", *size, "--one", str(seed)]
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    found, total = sum(run["found"] for run in runs), RUNS * given.planted
    figures = {
        "audit.near_duplicates.recall": share(found, total),
        "audit.near_duplicates.seconds": median_figure([run["seconds"] for run in runs], "s"),
        "audit.near_duplicates.mb": median_figure([run["bytes"] / 1e6 for run in runs], "MB"),
    }
    commands.finish("audit_near_duplicates", figures, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
