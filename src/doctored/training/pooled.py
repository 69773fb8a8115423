"""K folds and N seeds: a run for each, and one table of what they say together.

Every picture is tested once a seed, by a network that saw neither it nor anything of its unit: equal pixels,
near pixels and groups never part. Folds and validation pictures are drawn once, by the recipe's seed; the
seeds of the runs decide weights, order and augmentation. A published test split takes no part in folds: it
stays unseen for whatever is chosen with their help. Without folds every seed is measured on the test split.
"""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray

from doctored.data.audit.scoring import assign_folds
from doctored.data.manifest import Manifest
from doctored.data.split import settle_splits
from doctored.errors import TrainingError, UsageError
from doctored.measure.clustered import mean_auc_interval, share_interval
from doctored.measure.metrics import roc_auc
from doctored.measure.summary import Figure, figure
from doctored.training.ancestry import name_start
from doctored.training.loop import Hooks
from doctored.training.material import Material, open_material, record_audit
from doctored.training.publish import write_json
from doctored.training.recipe import Recipe
from doctored.training.run import Plan, describe_command, refuse_early, start_processes, train_on

SCHEMA = 1


@dataclass(frozen=True)
class Part:
    """One run of a pool: `fold` counts from 1, and is 0 where there are none; the seed is its recipe's."""

    fold: int
    recipe: Recipe
    material: Material
    under: Path

    @property
    def name(self) -> str:
        return f"fold-{self.fold}-seed-{self.recipe.seed}" if self.fold else f"seed-{self.recipe.seed}"

    @property
    def folder(self) -> Path:
        return self.under / self.name


def train_folds(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    folds: int = 0,
    seeds: int = 1,
    name: str | None = None,
    device: str = "auto",
    init_from: str | os.PathLike[str] | None = None,
    track: Sequence[str] = (),
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Train a run a fold and a seed under the folder `out`; return what its `pooled.json` holds.

    `folds` is 0, or 2 and more; seeds count up from the recipe's. Finished runs are kept and interrupted ones
    go on; one whose training fails is told of and left out, and so is its seed. Raises what `train` raises,
    UsageError where a fold would lack a class, TrainingError where no seed is whole.
    """
    recipe, folder = recipe or Recipe(), Path(out)
    name = name or folder.name
    refuse_pool(folder, name, folds, seeds, device, track)
    accelerator, hooks = start_processes(device, recipe, hooks or Hooks())
    with accelerator.main_process_first():
        material = open_material(Path(data), recipe, hooks, init_from)
        if folds and material.splits["inherited"]:
            raise UsageError(
                "the run that these start from knows some of the pictures that the folds would test on; "
                "start from other weights, or leave --folds out"
            )
        cuts = cut_folds(material, folder, recipe, folds, hooks)
    command = describe_command(Path(data).name, folder.name, name, recipe, name_start(init_from))
    command += (f" --folds {folds}" if folds else "") + (f" --seeds {seeds}" if seeds > 1 else "")
    parts = [
        Part(fold, replace(recipe, seed=recipe.seed + more), cut, folder)
        for more in range(seeds)
        for fold, cut in enumerate(cuts, 1 if folds else 0)
    ]
    failed: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        hooks.note(f"{part.name}, run {number} of {len(parts)}")
        if is_finished(part):
            continue
        accelerator, _ = start_processes(device, recipe, hooks)
        try:
            like = next((one.folder for one in parts if (one.folder / "config.toml").exists()), None)
            train_part(part, f"{name}-{part.name}", command, accelerator, hooks, init_from, track, like)
        except TrainingError as error:
            if accelerator.num_processes > 1:  # the others may be elsewhere; the same command goes on
                raise
            failed[part.name] = str(error)
            hooks.note(f"{part.name} failed: {error}")
    if not accelerator.is_main_process:
        return {}
    pooled = pool([part for part in parts if part.name not in failed], cuts) | {"failed": failed}
    write_json(folder / "pooled.json", pooled)
    return pooled


def refuse_pool(folder: Path, name: str, folds: int, seeds: int, device: str, track: Sequence[str]) -> None:
    """What makes no sense is refused before anything is read."""
    if folds < 0 or folds == 1:
        raise UsageError(f"{folds} folds leave nothing to test on, or to learn from; give 2 or more")
    if seeds < 1:
        raise UsageError(f"there is at least one seed, not {seeds}; leave --seeds out, or give 2 or more")
    refuse_early(folder, f"{name}-fold-{folds}-seed-{seeds}", device, track)


def cut_folds(material: Material, folder: Path, recipe: Recipe, folds: int, hooks: Hooks) -> list[Material]:
    """The material of each fold, whose test split that fold is; without folds the material as it is."""
    if not folds:
        if not (folder / "audit.json").exists():
            record_audit(folder, material.manifest, hooks)
        return [material]
    manifest = material.manifest
    if "test" not in material.splits["drawn"]:
        manifest = manifest.select([split != "test" for split in manifest.column("split")])
    manifest = join_groups(manifest, folder, hooks)
    _, units = np.unique(manifest.column("group"), return_inverse=True)
    is_fake = manifest.targets() == 1
    assigned = assign_folds(units, is_fake, recipe.seed, folds)
    enough = all(0 < is_fake[assigned == fold].mean() < 1 for fold in np.unique(assigned))
    if len(np.unique(assigned)) < folds or not enough:
        raise UsageError(f"{folds} folds do not each get pictures of both classes; give fewer folds")
    cuts = []
    for fold in range(folds):
        held = manifest.with_columns(split=["test" if one == fold else None for one in assigned])
        settled, report = settle_splits(held, seed=recipe.seed, val_fraction=recipe.val_fraction)
        if any(len(labels) < 2 for labels in report.counts.values()):
            raise UsageError(
                f"not every one of {folds} folds leaves both classes to choose by; give fewer folds"
            )
        splits = {**material.splits, **report.to_json(), "fold": fold + 1, "folds": folds}
        cuts.append(replace(material, manifest=settled, splits=splits))
    return cuts


def join_groups(manifest: Manifest, folder: Path, hooks: Hooks) -> Manifest:
    """The manifest with every picture's unit as its group; what the audit found is kept in `folder`."""
    kept = folder / "manifest.parquet"
    if kept.exists():
        known = Manifest.from_parquet(kept)
        if known.column("id") != manifest.column("id"):
            raise UsageError(f"{folder} was started with other data; give another --out")
        return manifest.with_columns(group=known.column("group"))
    whole = manifest.with_columns(split=[None] * len(manifest))
    found = record_audit(folder, whole, hooks)
    ids = manifest.column("id")
    grouped = whole.with_columns(group=[ids[first] for first in found.units])
    grouped.to_parquet(kept)
    return grouped


def is_finished(part: Part) -> bool:
    """Whether this very run is done; UsageError where another one lies in its folder."""
    if not broadcast_object_list([(part.folder / "detector.onnx").exists()])[0]:
        return False
    plan = Plan.from_toml(part.folder / "config.toml")
    if (plan.recipe, plan.digest) != (part.recipe, part.material.manifest.digest()):
        raise UsageError(f"{part.folder} holds a run with other settings or data; give another --out")
    return True


def train_part(
    part: Part,
    name: str,
    command: str,
    accelerator: Accelerator,
    hooks: Hooks,
    init_from: str | os.PathLike[str] | None,
    track: Sequence[str],
    like: Path | None,
) -> None:
    # the pictures are the same in every run, and so is what is to say of them
    if accelerator.is_main_process:
        write_json(part.folder / "audit.json", json.loads((part.under / "audit.json").read_text("utf-8")))
    train_on(
        part.material,
        part.folder,
        part.recipe,
        accelerator,
        hooks,
        name=name,
        command=command,
        init_from=init_from,
        track=track,
        like=like,
    )


def pool(parts: Sequence[Part], cuts: Sequence[Material]) -> dict[str, Any]:
    """The figures of finished runs, together; `cuts` are all folds, and seeds that lack one are left out."""
    tests = [cut.manifest.select([split == "test" for split in cut.manifest.column("split")]) for cut in cuts]
    ids = [name for test in tests for name in test.column("id")]
    labels = np.concatenate([test.targets() for test in tests])
    groups = [
        group or name
        for test in tests
        for group, name in zip(test.column("group"), test.column("id"), strict=True)
    ]
    by_seed: dict[int, dict[str, float]] = {}
    for part in parts:
        by_seed.setdefault(part.recipe.seed, {}).update(read_logits(part.folder))
    whole = {seed: logits for seed, logits in by_seed.items() if len(logits) == len(ids)}
    if not whole:
        raise TrainingError(
            "no seed has all its runs, so nothing can be pooled; see what failed, and start again"
        )
    scores = np.array([[logits[name] for name in ids] for logits in whole.values()])
    each = [measure(labels, row[np.newaxis], groups) for row in scores]
    return {
        "schema": SCHEMA,
        "folds": len(cuts) if parts[0].fold else 0,
        "seeds": list(whole),
        "pictures": len(ids),
        "units": len(set(groups)),
        "runs": [describe_part(part) for part in parts],
        "by_seed": [
            {"seed": seed, **{key: value.to_json() for key, value in figures.items()}}
            for seed, figures in zip(whole, each, strict=True)
        ],
        "pooled": {key: value.to_json() for key, value in measure(labels, scores, groups).items()},
        "spread": {key: spread([figures[key].value for figures in each]) for key in each[0]},
    }


def measure(
    labels: NDArray[np.uint8], scores: NDArray[np.float64], groups: Sequence[str]
) -> dict[str, Figure]:
    """Means over the runs of `scores`, float [runs, N], with intervals over the pictures, by their groups."""
    right = ((scores >= 0) == (labels == 1)).mean(axis=0)
    areas = [roc_auc(labels, row) for row in scores]
    area = None if None in areas else statistics.fmean(area for area in areas if area is not None)
    return {
        "accuracy": figure(float(right.mean()), len(labels), share_interval(right, groups)),
        "roc_auc": figure(area, len(labels), mean_auc_interval(labels, scores, groups)),
    }


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """How far the seeds lie apart; the deviation (n − 1) needs two."""
    known = [value for value in values if value is not None]
    deviation = statistics.stdev(known) if len(known) > 1 else None
    return {
        "mean": statistics.fmean(known),
        "deviation": deviation,
        "lowest": min(known),
        "highest": max(known),
    }


def read_logits(folder: Path) -> dict[str, float]:
    """The calibrated logits of the run's test pictures, by id."""
    import pyarrow.parquet as parquet

    columns = ["id", "split", "logit"]
    rows = parquet.read_table(folder / "predictions.parquet", columns=columns).to_pylist()
    return {row["id"]: row["logit"] for row in rows if row["split"] == "test"}


def describe_part(part: Part) -> dict[str, Any]:
    told = json.loads((part.folder / "training_metrics.json").read_text(encoding="utf-8"))
    return {
        "fold": part.fold or None,
        "seed": part.recipe.seed,
        "folder": part.name,
        "epochs": told["epochs"],
        "accuracy": told["metrics"].get("test.accuracy"),
        "roc_auc": told["metrics"].get("test.roc_auc"),
    }
