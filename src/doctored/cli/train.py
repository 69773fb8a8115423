"""`doctored train`: from a labelled data set to a detector."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doctored.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from doctored.training import Recipe, RunResult
    from doctored.training.loop import Hooks, Row

NEEDED = ("torch", "accelerate", "onnx", "onnxscript", "pyarrow", "sklearn")


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
) -> None:
    """Train a detector; a run that was interrupted goes on with the same command."""
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("train", "training")
    from doctored.training import Recipe, train

    changed: dict[str, Any] = dict(split_setting(setting) for setting in settings or [])
    asked = {"network": network, "epochs": epochs, "seed": seed, "precision": precision}
    changed.update({key: value for key, value in asked.items() if value is not None})
    chosen = Recipe.from_toml(recipe, **changed) if recipe else Recipe.from_settings(changed)
    with shown(chosen) as hooks:
        result = train(data, out, chosen, name=name, device=device, init_from=init_from, hooks=hooks)
    if result.metrics:
        report(result)


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
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.progress.start()
        self.bar = self.progress.add_task("reading", total=None)
        return Hooks(step=self.step, epoch=self.epoch, note=self.note)

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def step(self, epoch: int, done: int, total: int) -> None:
        what = "packing" if epoch < 0 else f"epoch {epoch + 1}/{self.epochs}"
        self.progress.update(self.bar, description=what, completed=done, total=total)

    def epoch(self, row: "Row") -> None:
        self.note(
            f"epoch {row['epoch']}/{self.epochs}  loss {row['train_loss']:.4f}  "
            f"validation loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f}, "
            f"AUC {row['val_auc']:.5f}  {row['pictures_per_second']:,.0f} pictures/s"
        )

    def note(self, line: str) -> None:
        self.progress.console.print(line, highlight=False, markup=False, soft_wrap=True)


def report(result: "RunResult") -> None:
    """The few figures that matter, on stdout."""
    metrics = result.metrics["metrics"]
    for part, says in (("val", "validation (used for every choice)"), ("test", "test (measured once)")):
        accuracy, auc = metrics.get(f"{part}.accuracy"), metrics.get(f"{part}.roc_auc")
        if accuracy and auc:
            typer.echo(
                f"{says}: accuracy {accuracy['value']:.4f} [{accuracy['low']:.4f}, {accuracy['high']:.4f}], "
                f"AUC {auc['value']:.4f} [{auc['low']:.4f}, {auc['high']:.4f}], n {accuracy['n']:,}"
            )
    typer.echo(f"detector: {result.detector}")
    typer.echo(f"next: doctored scan PICTURES --detector {result.detector}")
