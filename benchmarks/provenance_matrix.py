"""`provenance.matrix`: the share of cells in which exactly the right finding comes out.

    python -m benchmarks.provenance_matrix

A cell is a format, a case and the findings that one check must report: no more, no fewer, each with its
code, side, strength and kind. The cells are those of `tests/provenance_*.py`; their pictures are made and
signed on the spot. `provenance.matrix_declared` and `provenance.matrix_signed` count by the check.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import share

PARTS = {"provenance.matrix_signed": "credentials", "provenance.matrix_declared": "metadata"}


def cells_of(part: str) -> list[Any]:
    module: Any = import_module(f"provenance_{part}")
    return [*module.CELLS, *getattr(module, "HEIF_CELLS", ())]


def is_right(cell: Any) -> bool:
    """Print what is wrong with a cell, if anything is."""
    found = cell.found()
    if found == cell.expected:
        return True
    print(f"WRONG  {cell}: found {[one.code for one in found]}, not {[one.code for one in cell.expected]}")
    return False


def main(arguments: Sequence[str] | None = None) -> None:
    options = commands.parser(__doc__ or "", timed=False).parse_args(arguments)
    sys.path.insert(0, str(ROOT / "tests"))
    counts = {}
    for figure_id, part in PARTS.items():
        cells = cells_of(part)
        counts[figure_id] = (sum(map(is_right, cells)), len(cells))
    rights, sizes = zip(*counts.values(), strict=True)
    figures = {"provenance.matrix": share(sum(rights), sum(sizes), "share of cells right")}
    figures |= {figure_id: share(*count, "share of cells right") for figure_id, count in counts.items()}
    commands.finish("provenance_matrix", figures, options)


if __name__ == "__main__":
    main()
