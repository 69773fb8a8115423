"""Weights between those that a run started from and those that it ended with.

After Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): a network that was tuned for
harder pictures, taken back part of the way, often keeps what it has learnt and regains what it had forgotten.
There is nothing to train: every share of the way is a network, and validation pictures tell which to take.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from doctored.data.split import find_digests
from doctored.errors import DataError, UsageError
from doctored.measure.summary import Figure, proportion
from doctored.picture import distort
from doctored.training import checkpoint
from doctored.training.ancestry import find_earlier_splits, run_of
from doctored.training.delivery import draw_deliveries
from doctored.training.finished import open_run
from doctored.training.loop import SEARCHING, Hooks
from doctored.training.publish import Trained, publish
from doctored.training.rows import find_rows
from doctored.training.run import Plan, find_commit, refuse_early

SHARES = tuple(tenths / 10 for tenths in range(11))
MOST_TRIED = 4_000  # validation pictures
KEPT = ("manifest.parquet", "audit.json", "split.json", "metrics.jsonl")
NORMALISATION = ("mean", "std")

Folder = str | os.PathLike[str]


@dataclass(frozen=True)
class Tried:
    """Accuracy at one share of the way, by kind of validation pictures: `known` to the starting run (it chose
    by them), `new` ones, and both with each picture sent through a chain of its own (`draw_deliveries`)."""

    share: float
    accuracy: dict[str, Figure]


def interpolate(
    run: Folder,
    start: Folder,
    out: Folder,
    share: float,
    *,
    name: str | None = None,
    version: str | None = None,
    data: Folder | None = None,
    hooks: Hooks | None = None,
) -> Path:
    """A run in `out` whose weights lie `share` of the way from those of `start` to those of `run`.

    It is calibrated, measured and exported like every run; its data, splits and epochs are those of `run`.
    `name` is the detector's (else the folder's), `version` its version (else `run`'s), `data` where
    the pictures lie now, if they were moved. Returns the detector's path. Raises UsageError for a share that
    is not between 0 and 1, for runs of different networks and for an `out` that is finished, DataError where
    `start` has learnt from what `run` is validated or tested on.
    """
    run, out, hooks = Path(run), Path(out), hooks or Hooks()
    name = name or out.name
    if not 0 < share < 1:
        raise UsageError(f"a share of the way lies between 0 and 1, not at {share:g}")
    refuse_early(out, name, "cpu")
    between = Between.open(run, start, data, hooks)
    weights = between.weights(share)
    checkpoint.save({"network": weights}, out / checkpoint.BEST)
    for file in KEPT:
        if (run / file).exists():
            shutil.copy(run / file, out / file)
    plan = replace(Plan.from_toml(run / "config.toml"), start=between.start, share=share)
    plan.save(out)
    trained = between.trained
    named = [f"--name {name}"] if name != out.name else []
    command = ["doctored interpolate", f"runs/{run.name} runs/{plan.start}", f"--share {share:g}", *named]
    about = replace(
        trained.about,
        command=f"{trained.about.command} && {' '.join(command)} --out runs/{out.name}",
        commit=find_commit(),
        start=plan.start,
        share=share,
        version=version or trained.about.version,
    )
    between.place(share)
    publish(replace(trained, name=name, about=about), out, hooks.note)
    return out / "detector.onnx"


def try_shares(
    run: Folder, start: Folder, *, data: Folder | None = None, hooks: Hooks | None = None
) -> list[Tried]:
    """What every tenth of the way gives on the validation pictures that chose the epoch of `run`.

    Raises as `interpolate` does.
    """
    hooks = hooks or Hooks()
    between = Between.open(Path(run), start, data, hooks)
    examples = between.trained.examples
    drawn = np.sort(np.random.default_rng(0).permutation(len(examples.val))[:MOST_TRIED])
    pixels, labels = (of[examples.val[drawn]] for of in (examples.pixels, examples.labels))
    is_known = between.is_known[drawn]
    deliveries = draw_deliveries(len(pixels), 1.0, torch.Generator().manual_seed(0))
    delivered = np.stack(
        [
            distort(picture, deliveries.chain(place), int(deliveries.seed[place]))
            for place, picture in enumerate(pixels)
        ]
    )
    looked = replace(between.trained, examples=replace(examples, pixels=np.concatenate([pixels, delivered])))
    kinds = (("known", is_known), ("new", ~is_known))
    tried = []
    for done, share in enumerate(SHARES):
        hooks.step(SEARCHING, done, len(SHARES))
        between.place(share)
        is_right = (looked.look(np.arange(2 * len(labels)))[0].reshape(2, -1) > 0) == labels
        accuracy = {
            f"{kind}{way}": proportion(int(right[which].sum()), int(which.sum()))
            for kind, which in kinds
            for way, right in zip(("", ", delivered"), is_right, strict=True)
        }
        tried.append(Tried(share, accuracy))
    return tried


@dataclass(frozen=True, eq=False)
class Between:
    """A run opened, and both ends of the way: `first` are the weights of the run named `start`.

    `is_known`: bool [len(val)], which of the validation pictures that chose the epoch `start` had, too.
    """

    trained: Trained
    start: str
    first: dict[str, Tensor]
    last: dict[str, Tensor]
    is_known: NDArray[np.bool_]

    @classmethod
    def open(cls, run: Path, start: Folder, data: Folder | None, hooks: Hooks) -> "Between":
        folder = run_of(start)
        first, last = (checkpoint.load(of / checkpoint.BEST)["network"] for of in (folder, run))
        if shapes(first) != shapes(last):
            raise UsageError(f"{folder} and {run} are not of one network; nothing lies between their weights")
        trained = open_run(run, data=data, hooks=hooks)
        earlier = find_earlier_splits([folder])
        knew = [earlier.get(digest or "") for digest in find_digests(trained.manifest)]
        splits = trained.manifest.column("split")
        if learnt := sum(before == "train" != now for before, now in zip(knew, splits, strict=True)):
            raise DataError(
                f"{folder} has learnt from {learnt:,} pictures that {run} validates or tests on; "
                "give the run that it started from"
            )
        rows = find_rows(trained.manifest, trained.examples)["val"]
        return cls(trained, folder.name, first, last, np.array([knew[row] is not None for row in rows]))

    def place(self, share: float) -> None:
        """Give the network the weights of this share."""
        network = self.trained.network
        network.load_state_dict({**network.state_dict(), **self.weights(share)})

    def weights(self, share: float) -> dict[str, Tensor]:
        """Those that lie `share` of the way; normalisation and counters are the last ones'."""
        return {
            key: torch.lerp(self.first[key].float(), last.float(), share).to(last.dtype)
            if last.is_floating_point() and key not in NORMALISATION
            else last
            for key, last in self.last.items()
        }


def shapes(weights: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {key: value.shape for key, value in weights.items()}
