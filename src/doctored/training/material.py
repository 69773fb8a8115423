"""What a run trains and tests on: packed pictures, and splits that nothing leaks across."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from doctored.data.audit import Audit, audit
from doctored.data.audit.rules import UNSEEN
from doctored.data.audit.twins import find_near_ids
from doctored.data.manifest import Manifest
from doctored.data.pack import Pack, pack, request_digest
from doctored.data.readers import read_dataset, registered_readers
from doctored.data.split import BUYING_SHARE, draw_buyers, limit_rows, settle_splits
from doctored.detector.home import home
from doctored.training.ancestry import find_ancestors, find_earlier_splits
from doctored.training.batches import Examples
from doctored.training.loop import PACKING, Hooks
from doctored.training.publish import write_json
from doctored.training.recipe import Recipe

ENDING = re.compile(r"\.(csv|parquet|jsonl|zip|tar|tgz|tar\.gz)$", re.IGNORECASE)


@dataclass(frozen=True)
class Material:
    """`manifest` lists the pictures that are used, with their splits; their pixels are in `packed`, which may
    hold more. `splits` tells what was joined, dropped and drawn, and why: it becomes `split.json`."""

    source: Path
    packed: Pack
    manifest: Manifest
    splits: dict[str, Any]

    @property
    def title(self) -> str:
        """The data set's own title where its reader knows it, else the name of its file or folder."""
        reader = registered_readers().get(self.manifest.metadata.reader or "")
        return getattr(reader, "title", None) or ENDING.sub("", self.source.name)

    @property
    def licence(self) -> str:
        return ", ".join(sorted({licence or "not stated" for licence in self.manifest.column("licence")}))

    def examples(self) -> Examples:
        """The pack's pixels with the labels and splits of the manifest; val is parted in two, as `Examples`
        tells, but for a run of a version that did not part it.

        Near copies are looked for among the rows of val alone: a run that is opened again parts alike.
        """
        rows = self.packed.indices(self.manifest)
        labels = np.zeros(len(self.packed.manifest), dtype=np.uint8)
        labels[rows] = np.array([label == "fake" for label in self.manifest.column("label")], dtype=np.uint8)
        splits = np.array(self.manifest.column("split"))
        buys = np.zeros(len(splits), bool)
        if share := self.splits.get("buying_share"):
            val = self.manifest.select(splits == "val")
            buys = draw_buyers(self.manifest, near=find_near(self.packed, val), share=share)
        is_val = splits == "val"
        return Examples(
            self.packed.pixels,
            labels,
            train=rows[splits == "train"],
            val=rows[is_val & ~buys],
            test=rows[splits == "test"],
            held=rows[buys],
        )


def open_material(
    data: Path, recipe: Recipe, hooks: Hooks, init_from: str | os.PathLike[str] | None = None
) -> Material:
    """Read, limit, pack and split a data set, as the runs that this one starts from did where they knew it.

    The limit comes before the packing: who asks for ten thousand pictures of a million decodes no more.
    """
    whole = read_dataset(data)
    used = limit_rows(whole, recipe.limit, seed=recipe.seed)
    count = f"{len(used):,}" if len(used) == len(whole) else f"{len(used):,} of {len(whole):,}"
    hooks.note(f"{count} pictures in {data.name}; packing (kept in the cache)")
    packed = pack_manifest(used, recipe, hooks)
    near = find_near(packed, packed.manifest)
    earlier = find_earlier_splits(find_ancestors(recipe, init_from))
    manifest, report = settle_splits(
        packed.manifest, seed=recipe.seed, val_fraction=recipe.val_fraction, near=near, earlier=earlier
    )
    if kept := sum(report.inherited.values()):
        hooks.note(f"{kept:,} pictures keep the split that they had in the run that this one starts from")
    if known := report.dropped.get("learnt_before"):
        hooks.note(f"{known:,} published val or test pictures are left out: that run has learnt from them")
    splits = {
        **report.to_json(),
        "buying_share": BUYING_SHARE,
        "limit": recipe.limit,
        "left_out": len(whole) - len(used),
    }
    return Material(data, packed, manifest, splits)


def find_near(packed: Pack, manifest: Manifest) -> list[tuple[str, str]]:
    """Pairs of ids of packed pictures that are nearly alike."""
    return find_near_ids(
        manifest.column("id"), manifest.column("pixels_sha256"), packed.pixels, packed.indices(manifest)
    )


def pack_manifest(manifest: Manifest, recipe: Recipe, hooks: Hooks) -> Pack:
    """The pack of these pictures, from the cache where it is there already."""
    views = recipe.views()
    folder = home() / "packs" / request_digest(manifest, views)[:16]
    return pack(manifest, views, folder, progress=lambda done, total: hooks.step(PACKING, done, total))


def record_audit(folder: Path, manifest: Manifest, hooks: Hooks) -> Audit:
    """Keep in the run what an audit says of just the rows that it trains and tests on, and warn of the worst.

    Without boosted trees, which take as long as everything else; `doctored data audit` has them.
    """
    hooks.note("auditing the data for shortcuts and leaks")
    found = audit(manifest, with_models=False)
    write_json(folder / "audit.json", found.to_json())
    for reason in found.verdict.reasons:
        if reason.state == "broken" and reason.code in UNSEEN:
            hooks.note(f"files tell the classes apart by what a network does not see: {reason.text}")
        elif reason.state == "broken":
            hooks.note(f"warning: this data is broken, and figures on it mean little: {reason.text}")
    return found


def count_splits(examples: Examples) -> dict[str, int]:
    """Pictures by part and label: `train.real`, `train.fake`, ...; `held` are those that buy thresholds."""
    return {
        f"{part}.{label}": int((examples.labels[getattr(examples, part)] == value).sum())
        for part in ("train", "val", "held", "test")
        for value, label in enumerate(("real", "fake"))
    }
