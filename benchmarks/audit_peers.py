"""`audit.peers.*`: what two tools that people clean data with find in the same pictures, and in what time.

    python -m benchmarks.audit_peers --data cifake.zip --envs peers

20,000 pictures in a folder: the test split of CIFAKE, of which 600 gave way to copies of others, 150 of each
kind of COPIES. Each tool runs alone on it, in an environment of its own (made in `--envs`), in turn, with all
its defaults. `audit.peers.TOOL.ratio`: seconds of `doctored data audit`, start and page and all, over the
tool's seconds of work, its start not counted; `.doctored` and `.peer` are the sides. `audit.peers.TOOL.KIND`:
the share of planted copies that it pairs with their originals; `.pairs`: all pairs that it names.
`audit.peers.TOOL.shortcuts`: how many properties it tried that could tell the classes apart.
"""

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import options as commands
from benchmarks.paired import interleave
from benchmarks.results_file import Figure, share
from doctored.picture import distort

SEED = 0
COPIES_OF_A_KIND = 150
Pair = frozenset[str]


def save(pixels: NDArray[np.uint8], quality: int = 75) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "JPEG", quality=quality)
    return made.getvalue()


def changed(*chain: Any) -> Callable[[bytes], bytes]:
    def make(file: bytes) -> bytes:
        pixels = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
        return save(distort(pixels, chain, SEED))

    return make


COPIES: dict[str, Callable[[bytes], bytes]] = {
    "equal": bytes,
    "saved_at_50": changed(("jpeg", 50)),
    "three_quarters": changed(("resize", 0.75)),
    "brighter": changed(("brightness", 1.15)),
}

CLEANVISION = """
import json, sys, time
from cleanvision import Imagelab
started = time.perf_counter()
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues(verbose=False)
seconds = time.perf_counter() - started
sets = [one for kind in ("exact_duplicates", "near_duplicates") for one in lab.info[kind]["sets"]]
print(json.dumps({"seconds": seconds, "sets": sets}))
"""
IMAGEDEDUP = """
import json, sys, time
from imagededup.methods import PHash
started = time.perf_counter()
found = PHash(verbose=False).find_duplicates(image_dir=sys.argv[1], recursive=True)
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "sets": [[one, other] for one in found for other in found[one]]}))
"""


class Peer(NamedTuple):
    requirements: tuple[str, ...]
    program: str


PEERS = {
    "cleanvision": Peer(("cleanvision==0.3.7",), CLEANVISION),
    "imagededup": Peer(("imagededup==0.3.3.post2",), IMAGEDEDUP),
}


class Answer(NamedTuple):
    seconds: float
    pairs: set[Pair]
    shortcuts: int = 0


def lay_out(path: Path, folder: Path) -> dict[str, list[Pair]]:
    """Write the pictures; the planted pairs by kind. A copy takes the name and place of another picture."""
    random = np.random.default_rng(SEED)
    planted: dict[str, list[Pair]] = {kind: [] for kind in COPIES}
    with zipfile.ZipFile(path) as archive:
        names = sorted(
            name for name in archive.namelist() if name.startswith("test/") and name.endswith("jpg")
        )
        chosen = random.permutation(len(names))[: 2 * len(COPIES) * COPIES_OF_A_KIND].reshape(-1, 2)
        kinds = [kind for kind in COPIES for _ in range(COPIES_OF_A_KIND)]
        copies = {}
        for kind, (kept, given_up) in zip(kinds, chosen.tolist(), strict=True):
            copies[names[given_up]] = COPIES[kind](archive.read(names[kept]))
            planted[kind].append(frozenset((names[kept], names[given_up])))
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(copies[name] if name in copies else archive.read(name))
    return planted


def pairs_of(sets: Iterable[Iterable[str]], folder: Path) -> set[Pair]:
    """Names in sets of equals, as pairs of names relative to the folder."""
    named = ([str((folder / name).relative_to(folder)) for name in one] for one in sets)
    return {frozenset(pair) for one in named for pair in combinations(sorted(set(one)), 2)}


def ask_doctored(folder: Path, out: Path) -> Answer:
    command = [sys.executable, "-m", "doctored.cli.main", "data", "audit", folder, "--out", out]
    started = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    seconds = time.perf_counter() - started
    with (out / "copies.csv").open(encoding="utf-8", newline="") as file:
        pairs = {frozenset((line["first"], line["second"])) for line in csv.DictReader(file)}
    told = json.loads((out / "audit.json").read_text("utf-8"))
    return Answer(seconds, pairs, len(told["rules"]))


def ask_peer(name: str, environments: Path, folder: Path) -> Answer:
    home = environments / f"peer-{name}"
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        print(f"installing {' '.join(PEERS[name].requirements)} into {home}")
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS[name].requirements], check=True)
    command = [str(python), "-c", PEERS[name].program, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return Answer(told["seconds"], pairs_of(told["sets"], folder))


def seconds_of(ask: Callable[[], Answer]) -> Callable[[], float]:
    return lambda: ask().seconds


def figures_of(name: str, answer: Answer, planted: dict[str, list[Pair]]) -> dict[str, Figure]:
    figures = {
        f"audit.peers.{name}.pairs": Figure(len(answer.pairs), "pairs", 20_000),
        f"audit.peers.{name}.shortcuts": Figure(answer.shortcuts, "properties", 1),
    }
    for kind, pairs in planted.items():
        hits = sum(pair in answer.pairs for pair in pairs)
        figures[f"audit.peers.{name}.{kind}"] = share(hits, len(pairs))
    return figures


def main() -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--envs", type=Path, required=True, help="where the tools' environments lie, or go")
    parser.add_argument("--tool", choices=PEERS, help="only this one")
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    path = commands.data_of(given)
    commands.wait_for_idle(given)
    environments = given.envs.resolve()
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch).resolve() / "pictures", Path(scratch) / "audit"
        planted = lay_out(path, folder)
        figures |= figures_of("doctored", ask_doctored(folder, out), planted)
        for name in [given.tool] if given.tool else PEERS:
            figures |= figures_of(name, ask_peer(name, environments, folder), planted)
            ask = partial(ask_peer, name, environments, folder)
            timed = interleave(
                lambda: ask_doctored(folder, out).seconds, seconds_of(ask), given.rounds, warm_up=0
            )
            figures |= timed.figures(f"audit.peers.{name}.ratio", "s", "doctored", "peer")
    commands.finish("audit_peers", figures, given)


if __name__ == "__main__":
    main()
