"""`cifake.robust.*`: a detector on the official CIFAKE test split, distorted; forced choice at one half.

    python -m benchmarks.cifake_robust --data cifake.zip --detector FILE

`.clean`; `.q50`, `.q30`: saved as JPEG of that quality, 4:2:0; `.r64`, `.r24`: resized to 64 or 24 pixels and
back to 32, bicubic. All 20,000 pictures, through the grid of `doctored evaluate --robustness`. IDs get the
detector's name where it is not `cifake`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import options as commands
from benchmarks.results_file import kept
from doctored.detector import open_detector
from doctored.evaluate import evaluate
from doctored.evaluate.grid import GRID
from doctored.evaluate.robustness import measure_robustness

TEST_PICTURES = 20_000
CELLS = {"q50": "jpeg_50", "q30": "jpeg_30", "r64": "rescale_2", "r24": "rescale_0.75"}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    commands.add_detector(parser)
    options = parser.parse_args(arguments)
    grid = [cell for name in CELLS.values() for cell in GRID if cell.name == name]
    with open_detector(options.detector) as detector, tempfile.TemporaryDirectory() as folder:
        evaluation = evaluate(detector, commands.data_of(options), "test")
        assert evaluation.counts["scored"] == TEST_PICTURES, evaluation.counts
        found = measure_robustness(detector, evaluation, Path(folder), pictures=TEST_PICTURES, grid=grid)
        name = detector.card.name
    own = commands.id_part(name)
    measured = {"clean": found.clean_all} | dict(
        zip(CELLS, (figures for _, figures, _ in found.cells), strict=True)
    )
    figures = {f"cifake.robust{own}.{key}": kept(values["accuracy"]) for key, values in measured.items()}
    figures |= {f"cifake.robust{own}.{key}_auc": kept(values["roc_auc"]) for key, values in measured.items()}
    commands.finish("cifake_robust", figures, options)


if __name__ == "__main__":
    main()
