"""`train.vs_keras`: pictures a second of `doctored train` against plain Keras 3 on TensorFlow.

    python -m benchmarks.train_vs_keras --data cifake.zip --env keras-env

Both train the compact network on the same pictures with the same augmentation, batches of 256, whole
epochs in turn; the first epoch of each is a warm-up. Keras runs fp32 in an environment of its own, made in
`--env`, in each of four ways first (augmentation by its layers or by one gather, compiled by XLA or not);
its fastest way is the one compared with. Where taking turns slows Keras down, `.against_alone` tells: our
median speed by the best that it had alone in those tries. Ours runs as it does for everyone: precision,
layout and compilation by what it times at the start.
"""

import json
import subprocess
import sys
import tempfile
import venv
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import options as commands
from benchmarks.paired import LEAST_ROUNDS, Paired
from benchmarks.results_file import Figure
from benchmarks.training_sides import Workload, prepare, run_epochs
from doctored.training import Recipe

HERE = Path(__file__).resolve().parent / "keras"
WAYS = {
    "layers": ("--augment", "layers"),
    "layers_xla": ("--augment", "layers", "--jit"),
    "gather": ("--augment", "gather"),
    "gather_xla": ("--augment", "gather", "--jit"),
}
PILOT_EPOCHS, PILOT_PICTURES = 3, 20_000


def keras_python(environment: Path) -> Path:
    """The environment's Python; makes the environment where it is not there."""
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = python.exists() and subprocess.run(
        [python, "-c", "import keras, tensorflow"], capture_output=True
    )
    if not ready or ready.returncode:
        print(f"installing Keras into {environment}")
        venv.create(environment, with_pip=True)
        requirements = HERE / "requirements.txt"
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


class KerasRun:
    """Keras in its own process, waiting for its turn before each epoch."""

    def __init__(
        self, python: Path, workload: Workload, rows: NDArray[np.int64], epochs: int, way: str, folder: Path
    ) -> None:
        np.save(folder / "labels.npy", workload.examples.labels)
        np.save(folder / "rows.npy", rows)
        files = [workload.pixels, folder / "labels.npy", folder / "rows.npy"]
        self.log = (folder / f"keras-{way}.log").open("w")
        self.process = subprocess.Popen(
            [python, HERE / "train_epochs.py", *files, "--epochs", str(epochs), "--steered", *WAYS[way]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def epoch(self) -> float:
        """Pictures a second of one more epoch."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"Keras stopped; see {self.log.name}")
        return float(json.loads(line)["pictures_per_second"])

    def __enter__(self) -> "KerasRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


def best_way(python: Path, workload: Workload, folder: Path, figure_id: str) -> tuple[str, dict[str, Figure]]:
    """Keras' fastest way on this machine, and what each way reached."""
    rows = workload.examples.train[:PILOT_PICTURES]
    speeds = {}
    for way in WAYS:
        with KerasRun(python, workload, rows, PILOT_EPOCHS, way, folder) as run:
            speeds[way] = max([run.epoch() for _ in range(PILOT_EPOCHS)][1:])
        print(f"Keras, {way}: {speeds[way]:,.0f} pictures/s")
    figures = {
        f"{figure_id}.pilot_{way}": Figure(speed, "pictures/s", PILOT_EPOCHS - 1)
        for way, speed in speeds.items()
    }
    return max(speeds, key=lambda way: speeds[way]), figures


def race(
    python: Path, workload: Workload, recipe: Recipe, way: str, rounds: int, folder: Path, figure_id: str
) -> dict[str, Figure]:
    """Our run of this recipe against Keras, epoch by epoch in turn."""
    ours: list[float] = []
    theirs: list[float] = []
    with KerasRun(python, workload, workload.examples.train, rounds + 1, way, folder) as keras:

        def take_turns(row: dict[str, float]) -> None:
            ours.append(row["pictures_per_second"])
            theirs.append(keras.epoch())
            print(f"epoch {row['epoch']}: ours {ours[-1]:,.0f}, Keras ({way}) {theirs[-1]:,.0f} pictures/s")

        run_epochs(workload, recipe, rounds + 1, folder / figure_id, take_turns)
    return Paired(tuple(ours[1:]), tuple(theirs[1:])).figures(figure_id, "pictures/s", "ours", "keras")


def compare(options: Namespace, recipes: Mapping[str, Recipe], folder: Path) -> dict[str, Figure]:
    """A race for each recipe by its figure's id; the pilot's figures go under the first."""
    python = keras_python(options.env)
    first, *_ = recipes
    workload = prepare(commands.data_of(options), options.pictures, recipes[first], folder)
    commands.wait_for_idle(options)
    way, figures = best_way(python, workload, folder, first)
    alone = figures[f"{first}.pilot_{way}"].value
    for figure_id, recipe in recipes.items():
        figures |= race(python, workload, recipe, way, options.rounds, folder, figure_id)
        figures[f"{figure_id}.against_alone"] = against(alone, figures[f"{figure_id}.ours"])
    return figures


def against(alone: float, ours: Figure) -> Figure:
    """Our speed by one that was measured once, with our interval alone."""
    bounds = [None if bound is None else bound / alone for bound in (ours.low, ours.high)]
    return Figure(ours.value / alone, "ratio", ours.n, *bounds)


def start(about: str, name: str, recipes: Mapping[str, Recipe], arguments: Sequence[str] | None) -> None:
    parser = commands.parser(about)
    parser.add_argument("--env", type=Path, default=Path(".venv-keras"), help="where Keras is installed")
    parser.add_argument("--pictures", type=int, help="a draw of this many training pictures; else all")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="measured epochs of each side")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(options, recipes, Path(folder))
    commands.finish(name, figures, options)


def main(arguments: Sequence[str] | None = None) -> None:
    start(__doc__ or "", "train_vs_keras", {"train.vs_keras": Recipe()}, arguments)


if __name__ == "__main__":
    main()
