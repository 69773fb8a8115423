"""`starting.*`: the five projects that this one began with, rerun by recipe; published figure, ours, command.

    python -m benchmarks.starting_projects --sets data [--only cifake-keras-cnn]

`--sets` is a folder with cifake.zip, casia1.zip, ai-photos.zip and faces.zip (docs/data.md). A set that is
not CIFAKE is mended first: near copies and source scenes are grouped, files that tell the classes apart
made alike, and splits drawn. Every figure is accuracy on the test split, measured once, at probability
one half. A run that has had `--minutes` is stopped after an epoch and published with its best weights so far.
Rows go into benchmarks/results/starting_projects.json, and from there into docs/starting-projects.md.
"""

import json
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import RESULTS, Figure, read_figures
from doctored.data.audit import audit
from doctored.data.audit.mend import mend, write_manifest
from doctored.data.readers import read_dataset
from doctored.training import Recipe, train
from doctored.training.finished import export, open_run
from doctored.training.loop import Hooks, Row

MINUTES = 30.0
CIFAKE = "official test split"
DRAWN = "test split drawn by group"


@dataclass(frozen=True, slots=True)
class Project:
    """A row. `recipe`: the name in recipes/; `set`: the archive; `published`: what is known, with source."""

    recipe: str
    what: str
    set: str
    published: str
    differs: str

    @property
    def figure(self) -> str:
        return "starting." + self.recipe.replace("-", "_")

    @property
    def is_mended(self) -> bool:
        return self.set != "cifake.zip"

    def read_recipe(self) -> Recipe:
        return Recipe.from_toml(ROOT / "recipes" / f"{self.recipe}.toml")

    def commands(self) -> list[str]:
        """What one types to get this row."""
        name = Path(self.set).stem
        data = f"{name}.csv" if self.is_mended else self.set
        mending = [f"doctored data audit {self.set} --fix {data}"] if self.is_mended else []
        recipe = f"--recipe recipes/{self.recipe}.toml"
        return [*mending, f"doctored train {data} --out runs/{self.recipe} {recipe}"]


PROJECTS = (
    Project(
        "casia1-sigmoid-cnn",
        "CASIA v1, a small CNN with a sigmoid, 128 px",
        "casia1.zip",
        "no figure known for a split by scene",
        f"{DRAWN}: no scene on both sides, files made alike",
    ),
    Project(
        "cifake-keras-cnn",
        "CIFAKE, the compact CNN as published for Keras: 5 epochs, batches of 8, 1e-4",
        "cifake.zip",
        "0.917, AUC 0.9745 (the network's own page; test split)",
        f"{CIFAKE}; train pictures that lie in it too are dropped",
    ),
    Project(
        "cifake-transfer-224",
        "CIFAKE, transfer learning at 224 px",
        "cifake.zip",
        "0.956 (ResNet-18 at 224 px, validation; iraouiabdou/AI_vs_Real_images); "
        "0.993 (ViT-B at 224 px, self-reported)",
        f"{CIFAKE}; 10,000 pictures to learn from, not 100,000; EfficientNet-Lite0, for its ImageNet weights "
        "are at hand without a hub",
    ),
    Project(
        "photos-resnet18",
        "photos, generated or real, ResNet-18 at 224 px",
        "ai-photos.zip",
        "no figure known",
        f"{DRAWN}; 1,200 photos, not 60,000; from scratch, not from ImageNet; files made alike",
    ),
    Project(
        "faces-resnet50",
        "faces, ResNet-50 at 224 px",
        "faces.zip",
        "0.77 (OpenForensics, its own split)",
        f"{DRAWN}; StyleGAN against FFHQ, not OpenForensics; from scratch",
    ),
    Project(
        "faces-resnet18",
        "faces, ResNet-18 at 224 px",
        "faces.zip",
        "0.77 (OpenForensics, its own split)",
        f"{DRAWN}; StyleGAN against FFHQ, not OpenForensics; from scratch",
    ),
)


class TimeIsUpError(Exception):
    pass


class Stopwatch:
    """Stops a run of `epochs` after the one behind which another would not fit into the time."""

    def __init__(self, minutes: float, epochs: int) -> None:
        self.limit_s, self.longest_s, self.epochs = 60 * minutes, 0.0, epochs
        self.started = self.began = time.monotonic()

    def after_step(self, epoch: int, done: int, steps: int) -> None:
        if done == 1:
            self.began = time.monotonic()

    def after_epoch(self, row: Row) -> None:
        now = time.monotonic()
        self.longest_s = max(self.longest_s, now - self.began)
        print(f"epoch {row['epoch']}: validation accuracy {row['val_accuracy']:.4f}")
        if row["epoch"] < self.epochs and now - self.started + self.longest_s > self.limit_s:
            raise TimeIsUpError


def mended(data: Path, folder: Path) -> Path:
    """What `doctored data audit DATA --fix` writes."""
    file = folder / f"{data.stem}.csv"
    write_manifest(mend(audit(read_dataset(data), with_models=False)).manifest, file)
    return file


def rerun(project: Project, data: Path, folder: Path, minutes: float) -> tuple[dict[str, Any], int, bool]:
    """The metrics of the finished run, its epochs, and whether it was stopped by the clock."""
    recipe = project.read_recipe()
    source = mended(data, folder) if project.is_mended else data
    out, watch, stopped = folder / project.recipe, Stopwatch(minutes, recipe.epochs), False
    try:
        train(source, out, recipe, hooks=Hooks(step=watch.after_step, epoch=watch.after_epoch, note=print))
    except TimeIsUpError:
        stopped = True
        export(out, open_run(out), None, print)
    summary = json.loads((out / "training_metrics.json").read_text(encoding="utf-8"))
    return summary["metrics"], summary["epochs"], stopped


def measure(project: Project, options: Namespace, folder: Path) -> dict[str, Figure]:
    print(f"\n{project.what}")
    started = time.monotonic()
    metrics, epochs, stopped = rerun(project, options.sets / project.set, folder, options.minutes)
    minutes = (time.monotonic() - started) / 60
    figures = {}
    for key, name in (("accuracy", "accuracy"), ("roc_auc", "auc")):
        told = metrics[f"test.{key}"]
        figures[f"{project.figure}.{name}"] = Figure(
            told["value"], "share" if key == "accuracy" else "AUC", told["n"], told["low"], told["high"]
        )
    figures[f"{project.figure}.epochs"] = Figure(epochs, "epochs", 1)
    figures[f"{project.figure}.stopped_by_clock"] = Figure(stopped, "yes or no", 1)
    figures[f"{project.figure}.minutes"] = Figure(minutes, "minutes", 1)
    return figures


def write_table(folder: Path = RESULTS) -> None:
    """`starting_projects.tsv`, from all rows that were measured so far."""
    figures = read_figures(folder)
    head = [
        "project",
        "published",
        "ours, test accuracy [95 % interval]",
        "not as in the original",
        "command",
    ]
    lines = [head]
    for project in PROJECTS:
        lines.append([project.what, project.published, *describe(project, figures)])
    text = "".join("\t".join(line) + "\n" for line in lines)
    (folder / "starting_projects.tsv").write_text(text, encoding="utf-8", newline="\n")


def describe(project: Project, figures: dict[str, dict[str, Any]]) -> list[str]:
    """Ours, what differs, the command."""
    shown = "<br>".join(f"`{line}`" for line in project.commands())
    accuracy = figures.get(f"{project.figure}.accuracy")
    if accuracy is None:
        return ["not measured yet", project.differs, shown]
    names = ("epochs", "minutes", "stopped_by_clock")
    epochs, minutes, stopped = (figures[f"{project.figure}.{name}"]["value"] for name in names)
    planned = project.read_recipe().epochs
    is_cut = stopped and epochs < planned
    told = f"{epochs:.0f} of {planned} epochs, stopped by the clock" if is_cut else f"{epochs:.0f} epochs"
    ours = (
        f"**{accuracy['value']:.4f}** [{accuracy['low']:.4f}, {accuracy['high']:.4f}], "
        f"n = {accuracy['n']:,}; {minutes:.0f} minutes, {told}"
    )
    return [ours, f"no GPU, one fold; {project.differs}", shown]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--sets", type=Path, required=True, help="a folder with the archives")
    parser.add_argument("--only", choices=[project.recipe for project in PROJECTS], help="one row")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="the longest that a row may train")
    options = parser.parse_args(arguments)
    chosen = [project for project in PROJECTS if options.only in (None, project.recipe)]
    for project in chosen:
        if not (options.sets / project.set).exists():
            sys.exit(f"{options.sets / project.set}: no such data set (see docs/data.md)")
    for project in chosen:
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(project, options, Path(folder))
        commands.finish("starting_projects", figures, options)
    write_table()


if __name__ == "__main__":
    main()
