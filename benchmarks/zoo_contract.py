"""`zoo.contract`: the share of the zoo's families that keep the whole contract.

    python -m benchmarks.zoo_contract

For every family, as small as `tests/zoo.py` makes it: one training step lowers the loss, every weight that
learns gets a gradient, the map pools to the logit (mean and smooth maximum) within 1e-5, a picture is
judged alone within 1e-5, the map less the head's constant is Grad-CAM before its ReLU up to scale (1e-4),
changes of a picture are felt where they are made, and the exported file (with the smooth maximum) gives
torch's probabilities within 1e-4. The largest deviation of each kind is a figure too.
"""

import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.results_file import Figure, share
from doctored.models import Pool

TOLERANCES = {"pooling": 1e-5, "company": 1e-5, "grad_cam": 1e-4, "export": 1e-4}
SMOOTHMAX = Pool("smoothmax", 0.5)


def deviations(zoo: Any, family: Any) -> dict[str, float]:
    """The largest deviation of each kind; `step` and `places` are 0 where they hold, else 1."""
    pixels = zoo.pictures(family.side)
    mean, smooth = zoo.make(family), zoo.make(family, SMOOTHMAX)
    before, after = zoo.losses_of_a_step(zoo.make(family), pixels)
    has_learnt = after < before and not zoo.unused_weights(mean, pixels)
    return {
        "pooling": max(zoo.pooling_deviation(network, pixels) for network in (mean, smooth)),
        "company": zoo.company_deviation(mean, pixels),
        "grad_cam": zoo.grad_cam_deviation(mean, pixels),
        "export": zoo.export_deviation(smooth, family.side),
        "step": float(not has_learnt),
        "places": float(bool(zoo.misplaced_changes(mean, 128))),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = commands.parser(__doc__ or "", timed=False).parse_args(arguments)
    sys.path.insert(0, str(ROOT / "tests"))
    zoo: Any = import_module("zoo")
    with tempfile.TemporaryDirectory() as folder:
        families = zoo.own_families() | zoo.transformers_families(Path(folder))
        found = {}
        for name, family in families.items():
            found[name] = deviations(zoo, family)
            print(
                f"{name:<28}" + "  ".join(f"{key} {value:.1e}" for key, value in found[name].items()),
                flush=True,
            )
    kept = sum(
        all(value <= TOLERANCES.get(key, 0) for key, value in measured.items()) for measured in found.values()
    )
    figures = {"zoo.contract": share(kept, len(found), "share of families")}
    for key, unit in (
        ("pooling", "largest difference in logit"),
        ("company", "largest difference in logit"),
        ("grad_cam", "largest relative difference"),
        ("export", "largest difference in probability"),
    ):
        worst = max(measured[key] for measured in found.values())
        figures[f"zoo.{key}_deviation"] = Figure(worst, unit, len(found))
    commands.finish("zoo_contract", figures, options)


if __name__ == "__main__":
    main()
