"""`faces.*`: StyleGAN against FFHQ, 1,100 and 1,100 faces, in five folds that no near-twin crosses.

    python -m benchmarks.faces --data faces.zip --out runs/faces-folds [--only faces] [--encoder clip.onnx]

`faces.accuracy` is recipes/faces.toml, `faces.resnet.accuracy` recipes/faces-resnet18.toml, the starting
project's network. Every picture is tested once, by a network that saw neither it nor its twin; calibration
and the choice of the epoch are on pictures of the other folds. It is `doctored train faces.zip --folds 5
--recipe ...`, whose folder `--out` is; the same command goes on where it was stopped. `--encoder` is
where the encoder lies that the first recipe names (benchmarks/clip_encoder.py makes it). `--epochs` is for
where the second's are hours; `faces.resnet.epochs` says how many they were.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import Figure
from doctored.training import Recipe
from doctored.training.loop import Hooks, Row
from doctored.training.pooled import train_folds

FOLDS = 5
RECIPES = {"faces": "faces", "faces-resnet18": "faces.resnet"}  # and the figures that each gives
UNITS = {"accuracy": "share", "roc_auc": "AUC"}


def tell(row: Row) -> None:
    print(f"epoch {row['epoch']}: validation accuracy {row['val_accuracy']:.4f}", flush=True)


def measure(
    name: str, data: Path, out: Path, encoder: Path | None = None, epochs: int | None = None
) -> dict[str, Figure]:
    recipe = Recipe.from_toml(ROOT / "recipes" / f"{name}.toml")
    recipe = replace(recipe, epochs=epochs or recipe.epochs)
    if recipe.encoder and encoder is not None:
        recipe = replace(recipe, encoder=str(encoder))
    pooled = train_folds(data, out / name, recipe, folds=FOLDS, hooks=Hooks(epoch=tell, note=print))
    if pooled["failed"]:
        sys.exit(f"not every fold was trained, and nothing is kept: {json.dumps(pooled['failed'])}")
    figures = figures_of(RECIPES[name], pooled)
    if not recipe.encoder:  # a linear head on a frozen encoder has none
        figures[f"{RECIPES[name]}.epochs"] = Figure(recipe.epochs, "epochs", FOLDS)
    return figures


def figures_of(prefix: str, pooled: dict[str, Any]) -> dict[str, Figure]:
    told = pooled["pooled"]
    return {
        f"{prefix}.{key.removeprefix('roc_')}": Figure(
            told[key]["value"], unit, told[key]["n"], told[key]["low"], told[key]["high"]
        )
        for key, unit in UNITS.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the runs")
    parser.add_argument("--only", choices=list(RECIPES), help="one recipe")
    parser.add_argument("--encoder", type=Path, help="the file of the first recipe's encoder")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    options: Namespace = parser.parse_args(arguments)
    data = commands.data_of(options)
    for name in RECIPES:
        if options.only in (None, name):
            figures = measure(name, data, options.out, options.encoder, options.epochs)
            commands.finish("faces", figures, options)


if __name__ == "__main__":
    main()
