"""`doctored train`: from a labelled data set to a detector."""

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doctored.cli.training_tables import tell_pool, tell_run, tell_search
from doctored.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from doctored.training import Recipe
    from doctored.training.loop import Hooks, Row

NEEDED = ("torch", "accelerate", "onnx", "onnxscript", "pyarrow", "sklearn")


def require_training(purpose: str) -> None:
    """Raise MissingExtra where what training needs is not installed."""
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("train", purpose)


def command(
    data: Annotated[Path, typer.Argument(help="A labelled data set: folder, .zip, .tar or manifest.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder; the same command resumes it.")],
    recipe: Annotated[Path | None, typer.Option(help="A recipe (TOML); see recipes/.")] = None,
    name: Annotated[str | None, typer.Option(help="The detector's name; else the folder's.")] = None,
    network: Annotated[str | None, typer.Option(help="A network of the zoo.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pictures.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of a recipe.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto or cpu.")] = "auto",
    init_from: Annotated[
        Path | None, typer.Option(help="A run or checkpoint whose weights to start from.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Train a run a fold; test on what is held out.")] = 0,
    seeds: Annotated[int, typer.Option(help="Train with so many seeds, counted up from --seed.")] = 1,
    track: Annotated[
        list[str] | None, typer.Option(metavar="TRACKER", help="Tell tensorboard or mlflow every epoch, too.")
    ] = None,
    find_rate: Annotated[
        bool, typer.Option("--find-rate", help="Search for a learning rate; train nothing.")
    ] = False,
) -> None:
    """Train a detector; a run that was interrupted goes on with the same command."""
    require_training("training")
    from doctored import training

    changed: dict[str, Any] = dict(split_setting(setting) for setting in settings or [])
    asked = {"network": network, "epochs": epochs, "seed": seed, "precision": precision}
    changed.update({key: value for key, value in asked.items() if value is not None})
    chosen = (
        training.Recipe.from_toml(recipe, **changed) if recipe else training.Recipe.from_settings(changed)
    )
    is_pool = (folds, seeds) != (0, 1)
    if find_rate and (is_pool or track or init_from):
        raise UsageError("--find-rate trains nothing; leave out --folds, --seeds, --track and --init-from")
    told: dict[str, Any] = {"name": name, "device": device, "init_from": init_from, "track": track or ()}
    with shown(chosen) as hooks:
        if find_rate:
            search = training.find_rate(data, out, chosen, device=device, hooks=hooks)
            lines = tell_search(search, out)
        elif is_pool:
            pooled = training.train_folds(data, out, chosen, folds=folds, seeds=seeds, hooks=hooks, **told)
            lines = tell_pool(pooled, out)
        else:
            lines = tell_run(training.train(data, out, chosen, hooks=hooks, **told))
    for line in lines:
        typer.echo(line)


def split_setting(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals:
        raise UsageError(f"--set wants KEY=VALUE, not {setting!r}")
    return key.strip(), value.strip()


class shown:
    """Hooks that show progress on a terminal, and one plain line an epoch everywhere."""

    def __init__(self, recipe: "Recipe") -> None:
        self.epochs = recipe.epochs

    def __enter__(self) -> "Hooks":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from doctored.training.loop import Hooks

        console = Console(stderr=True)
        is_silent = os.environ.get("RANK", "0") != "0"  # under torchrun one process talks
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal or is_silent,
        )
        self.progress.start()
        self.bar = self.progress.add_task("reading", total=None)
        return Hooks(step=self.step, epoch=self.epoch, note=self.note)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def step(self, epoch: int, done: int, total: int) -> None:
        named = {-1: "packing", -2: "searching", -3: "asking the teacher"}
        what = named.get(epoch) or f"epoch {epoch + 1}/{self.epochs}"
        self.progress.update(self.bar, description=what, completed=done, total=total)

    def epoch(self, row: "Row") -> None:
        self.note(
            f"epoch {row['epoch']}/{self.epochs}  loss {row['train_loss']:.4f}  "
            f"validation loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f}, "
            f"AUC {row['val_auc']:.5f}  {row['pictures_per_second']:,.0f} pictures/s"
        )

    def note(self, line: str) -> None:
        self.progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
