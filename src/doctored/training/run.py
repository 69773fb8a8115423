"""One training run: from a data set to a run folder with a detector in it."""

import contextlib
import json
import os
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import accelerate
import numpy as np
import torch
from accelerate import Accelerator

from doctored.data.audit import audit
from doctored.data.files import written_aside
from doctored.data.manifest import Manifest
from doctored.data.pack import Pack, pack, request_digest
from doctored.data.readers import read_dataset, registered_readers
from doctored.data.split import settle_splits
from doctored.data.statistics import channel_statistics
from doctored.detector.card import NAME
from doctored.detector.home import home
from doctored.errors import UsageError
from doctored.models import Network, build_network
from doctored.picture import Preprocess
from doctored.training import checkpoint
from doctored.training.batches import Examples
from doctored.training.loop import Hooks, Row, fit
from doctored.training.precision import Way, choose_way, set_threads
from doctored.training.publish import About, publish, write_json
from doctored.training.recipe import Recipe
from doctored.version import __version__


@dataclass(frozen=True)
class RunResult:
    """`folder` holds all artefacts, `detector` is the file to use, `history` has a row an epoch."""

    folder: Path
    detector: Path
    history: list[Row]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is computed, on what: decided when a run starts, kept in `config.toml`, kept on resume."""

    recipe: Recipe
    data: str
    digest: str
    way: Way
    timings: dict[str, float] = field(default_factory=dict)

    def to_toml(self) -> str:
        chosen = "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.way.to_json().items())
        timings = "".join(f"{json.dumps(name)} = {value}\n" for name, value in self.timings.items())
        return (
            f"[recipe]\n{self.recipe.to_toml()}\n"
            f"[data]\nname = {json.dumps(self.data)}\ndigest = {json.dumps(self.digest)}\n\n"
            f"[chosen]  # what this machine computes fastest; a resumed run keeps it\n{chosen}\n"
            f"[timings]  # pictures a second\n{timings}\n"
            f'[made]\ndoctored = "{__version__}"\ntorch = "{torch.__version__}"\n'
        )

    @classmethod
    def from_toml(cls, path: Path) -> "Plan":
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls(
                Recipe.from_settings(values["recipe"]),
                values["data"]["name"],
                values["data"]["digest"],
                Way(**values["chosen"]),
                values["timings"],
            )
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is not a run's configuration; give another --out") from error


def train(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    name: str | None = None,
    device: str = "auto",
    init_from: str | os.PathLike[str] | None = None,
    hooks: Hooks | None = None,
) -> RunResult:
    """Train a detector on a labelled data set; the same call goes on with a run that was interrupted.

    `data` is whatever `read_dataset` reads; `out` is the run's folder; `name` is the detector's (else the
    folder's); `device` is `auto` or `cpu`; `init_from` is a run or checkpoint whose weights to start from.
    Raises UsageError where `out` holds a finished run or one with other settings, DataError where the data
    cannot be used, TrainingError where training or export cannot go on.
    """
    recipe, hooks, folder = recipe or Recipe(), hooks or Hooks(), Path(out)
    name = name or folder.name
    refuse_early(folder, name, device)
    accelerator = Accelerator(cpu=device == "cpu")
    with accelerator.main_process_first():
        packed = open_pack(Path(data), recipe, hooks)
    manifest, report = settle_splits(packed.manifest, seed=recipe.seed, val_fraction=recipe.val_fraction)
    examples = gather_examples(packed, manifest)

    network = make_network(recipe, examples)
    teacher = load_teacher(Path(recipe.teacher), recipe.size) if recipe.teacher else None
    if init_from is not None:
        load_weights(network, Path(init_from))
    plan = settle_plan(
        folder, recipe, Path(data).name, manifest.digest(), network, examples, accelerator, hooks
    )
    set_threads(plan.way.threads)
    if accelerator.is_main_process:
        record_audit(folder, manifest, hooks)
        write_json(folder / "split.json", report.to_json())
        manifest.to_parquet(folder / "manifest.parquet")

    network.to(accelerator.device)
    if teacher is not None:
        plan.way.place(teacher.to(accelerator.device))
    history = fit(network, examples, recipe, plan.way, folder, accelerator, hooks, teacher)
    metrics: dict[str, Any] = {}
    if accelerator.is_main_process:
        about = About(
            title=describe_data(manifest, Path(data)),
            licence=", ".join(sorted({licence or "not stated" for licence in manifest.column("licence")})),
            counts=count_splits(examples),
            command=describe_command(Path(data).name, folder.name, name, recipe),
            commit=find_commit(),
        )
        metrics = publish(
            network.cpu(),
            examples,
            manifest,
            recipe,
            folder,
            name=name,
            about=about,
            history=history,
            note=hooks.note,
        )
    accelerator.wait_for_everyone()
    return RunResult(folder, folder / "detector.onnx", history, metrics)


def refuse_early(folder: Path, name: str, device: str) -> None:
    """What would be refused at the end of a long run is refused at its start."""
    if (folder / "detector.onnx").exists():
        raise UsageError(f"{folder} holds a finished run; give another --out")
    if not NAME.fullmatch(name):
        raise UsageError(f"a detector's name is of a-z, 0-9 and '-', not {name!r}; give one with --name")
    if device not in ("auto", "cpu"):
        raise UsageError(
            f"a device is auto or cpu, not {device!r}; CUDA_VISIBLE_DEVICES picks one of several GPUs"
        )


def make_network(recipe: Recipe, examples: Examples) -> Network:
    """The recipe's network with seeded random weights, normalising by the training pictures' statistics."""
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.network, dropout=recipe.dropout)
    mean, std = channel_statistics(examples.pixels, examples.train)
    network.mean.copy_(torch.from_numpy(mean))
    network.std.copy_(torch.from_numpy(std))
    return network


def open_pack(data: Path, recipe: Recipe, hooks: Hooks) -> Pack:
    """The data set's pack, from the cache where it is there already."""
    manifest = read_dataset(data)
    preprocess = Preprocess.exact(recipe.size)
    folder = home() / "packs" / request_digest(manifest, preprocess)[:16]
    hooks.note(f"{len(manifest):,} pictures in {data.name}; packing (kept in the cache)")
    return pack(manifest, preprocess, folder, progress=lambda done, total: hooks.step(-1, done, total))


def record_audit(folder: Path, manifest: Manifest, hooks: Hooks) -> None:
    """Keep in the run what an audit says of just the rows that it trains and tests on, and warn of the worst.

    Without boosted trees, which take as long as everything else; `doctored data audit` has them.
    """
    if (folder / "audit.json").exists():
        return
    hooks.note("auditing the data for shortcuts and leaks")
    found = audit(manifest, with_models=False)
    write_json(folder / "audit.json", found.to_json())
    for reason in found.verdict.reasons:
        if reason.state == "broken":
            hooks.note(f"warning: this data is broken, and figures on it mean little: {reason.text}")


def gather_examples(packed: Pack, manifest: Manifest) -> Examples:
    """The pack's pixels with the labels and splits of a manifest that may have fewer rows."""
    rows = packed.indices(manifest)
    labels = np.zeros(len(packed.manifest), dtype=np.uint8)
    labels[rows] = np.array([label == "fake" for label in manifest.column("label")], dtype=np.uint8)
    splits = np.array(manifest.column("split"))
    return Examples(
        packed.pixels, labels, rows[splits == "train"], rows[splits == "val"], rows[splits == "test"]
    )


def load_weights(network: Network, source: Path) -> None:
    """Start from another run's best weights; the normalisation stays that of the new data."""
    file = source / "checkpoints" / "best.pt" if source.is_dir() else source
    weights = checkpoint.load(file).get("network", {})
    own = network.state_dict()
    fitting = {
        key: value
        for key, value in weights.items()
        if key in own and value.shape == own[key].shape and key not in ("mean", "std")
    }
    if not fitting:
        raise UsageError(f"{file} holds no weights that fit this network; give a run of the same network")
    network.load_state_dict({**own, **fitting})


def load_teacher(folder: Path, size: int) -> Network:
    """The network of a finished run, with its best weights and its own normalisation; it learns no more."""
    recipe = Plan.from_toml(folder / "config.toml").recipe
    if recipe.size != size:
        raise UsageError(f"the teacher {folder} looks at {recipe.size} pixels a side, not at {size}")
    teacher = build_network(recipe.network, dropout=recipe.dropout)
    teacher.load_state_dict(checkpoint.load(folder / "checkpoints" / "best.pt")["network"])
    return teacher.eval().requires_grad_(False)


def settle_plan(
    folder: Path,
    recipe: Recipe,
    data: str,
    digest: str,
    network: Network,
    examples: Examples,
    accelerator: Accelerator,
    hooks: Hooks,
) -> Plan:
    """The plan of the interrupted run in this folder, or a new one, timed on this machine."""
    config = folder / "config.toml"
    if config.exists():
        plan = Plan.from_toml(config)
        if (plan.recipe, plan.digest) != (recipe, digest):
            raise UsageError(f"{folder} was started with other settings or data; give another --out")
        hooks.note(f"going on with {folder}")
        return plan
    threads = set_threads(recipe.threads)
    steps = recipe.epochs * (len(examples.train) // recipe.batch_size)
    way, timings = choose_way(network, recipe, accelerator.device, steps, hooks.note)
    way = accelerate.utils.broadcast_object_list([way])[0] if accelerator.num_processes > 1 else way
    plan = Plan(recipe, data, digest, Way(**{**way.to_json(), "threads": threads}), timings)
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(config) as aside:
            aside.write_text(plan.to_toml(), encoding="utf-8")
    return plan


def count_splits(examples: Examples) -> dict[str, int]:
    """Pictures by split and label: `train.real`, `train.fake`, ..."""
    return {
        f"{part}.{label}": int((examples.labels[getattr(examples, part)] == value).sum())
        for part in ("train", "val", "test")
        for value, label in enumerate(("real", "fake"))
    }


def describe_data(manifest: Manifest, data: Path) -> str:
    """The data set's own title where its reader knows it, else the file's name."""
    reader = registered_readers().get(manifest.metadata.reader or "")
    return getattr(reader, "title", None) or data.name


def describe_command(data: str, out: str, name: str, recipe: Recipe) -> str:
    """The command that starts this run, with no folder of the machine it ran on."""
    default = Recipe()
    shown = {**vars(recipe), "teacher": Path(recipe.teacher).name}
    changed = [f"--set {key}={value}" for key, value in shown.items() if value != getattr(default, key)]
    named = [f"--name {name}"] if name != out else []
    return " ".join(["doctored train", data, f"--out runs/{out}", *named, *changed])


def find_commit() -> str | None:
    """The commit of the checkout that this package runs from, if it is one."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        git = ["git", "-C", str(Path(__file__).parent)]
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", Path(__file__).name],
            capture_output=True,
            timeout=10,
            check=True,
        )
        describe = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(describe, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    return None
