"""`cifake.minutes.*`: how long networks trained until 97 % of CIFAKE's validation pictures were right.

    python -m benchmarks.cifake_minutes --runs runs/cifake-small runs/cifake-record

Runs of `doctored train` that this machine finished. Counted is what their epochs took, up to the first after
which the validation accuracy is 0.97 or more; packing, timing and validation are not. A run that never got
there has a row in the table (benchmarks/results/cifake_minutes.tsv) and no figure.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.results_file import RESULTS, Figure
from doctored.data.files import written_aside

ENOUGH = 0.97
HEAD = ("run", "network", "parameters", "pictures a second", "minutes to 0.97", "epoch", "best", "after")


@dataclass(frozen=True, slots=True)
class Training:
    """A run as its folder tells it; `epochs` holds minutes and validation accuracy of each."""

    name: str
    network: str
    parameters: int
    pictures: int
    epochs: tuple[tuple[float, float], ...]

    @property
    def reached(self) -> int | None:
        """The first epoch, from 1, after which enough was right."""
        return next((place for place, (_, right) in enumerate(self.epochs, 1) if right >= ENOUGH), None)

    def minutes(self, epochs: int) -> float:
        return sum(minutes for minutes, _ in self.epochs[:epochs])

    def row(self) -> tuple[str, ...]:
        reached, all_minutes = self.reached, self.minutes(len(self.epochs))
        speed = self.pictures * len(self.epochs) / (60 * all_minutes)
        best = max(right for _, right in self.epochs)
        return (
            self.name,
            f"`{self.network}`",
            f"{self.parameters:,}",
            f"{speed:,.0f}",
            "not reached" if reached is None else f"{self.minutes(reached):.1f}",
            "" if reached is None else f"{reached} of {len(self.epochs)}",
            f"{best:.4f}",
            f"{all_minutes:.0f} min",
        )


def read_training(folder: Path) -> Training:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    history: list[dict[str, Any]] = [json.loads(line) for line in lines]
    recipe = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))["recipe"]
    card = json.loads((folder / "model_card.json").read_text(encoding="utf-8"))
    summary = json.loads((folder / "training_metrics.json").read_text(encoding="utf-8"))
    batch = recipe["batch_size"]
    trained = sum(count for part, count in card["card"]["counts"].items() if part.startswith("train"))
    pictures = trained // batch * batch  # an epoch has full batches only
    epochs = tuple((pictures / row["pictures_per_second"] / 60, row["val_accuracy"]) for row in history)
    return Training(card["name"], recipe["network"], summary["parameters"], pictures, epochs)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of finished runs")
    options = parser.parse_args(arguments)
    trainings = sorted(map(read_training, options.runs), key=lambda training: training.parameters)
    figures = {}
    for training in trainings:
        figure_id = f"cifake.minutes{commands.id_part(training.name)}"
        if (reached := training.reached) is not None:
            figures[figure_id] = Figure(training.minutes(reached), "minutes", training.pictures)
    lines = [HEAD, *(training.row() for training in trainings)]
    with written_aside(RESULTS / "cifake_minutes.tsv") as aside:
        aside.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    options.runs = " ".join(folder.name for folder in options.runs)
    commands.finish("cifake_minutes", figures, options)


if __name__ == "__main__":
    main()
