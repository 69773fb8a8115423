"""One training run: from a data set to a run folder with a detector in it."""

import contextlib
import json
import os
import shlex
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.utils import broadcast_object_list

from doctored.data.files import written_aside
from doctored.data.statistics import channel_statistics
from doctored.detector.card import NAME
from doctored.errors import UsageError
from doctored.measure.calibrate import sigmoid
from doctored.models import Network, build_network
from doctored.models.weights import without_folders
from doctored.training import checkpoint
from doctored.training.ancestry import name_start
from doctored.training.batches import Examples
from doctored.training.encoders import FrozenNetwork, open_encoder
from doctored.training.freezing import adapt
from doctored.training.frozen import fit_head
from doctored.training.loop import ASKING, Hooks, Row, fit, predict_logits
from doctored.training.material import Material, count_splits, open_material, record_audit
from doctored.training.memory import keep_memory
from doctored.training.precision import Way, choose_way, set_threads
from doctored.training.publish import About, Trained, publish, write_json
from doctored.training.recipe import FROZEN, Recipe
from doctored.training.trackers import Trackers, require_trackers
from doctored.version import __version__

MOST_HOURS_WAITED = 12
ASKED_AT_ONCE = 1_000  # pictures, between two steps of a progress bar


@dataclass(frozen=True)
class RunResult:
    """`folder` holds all artefacts, `detector` is the file to use, `history` has a row an epoch."""

    folder: Path
    detector: Path
    history: list[Row]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is computed, on what: decided when a run starts, kept in `config.toml`, kept on resume.

    `start`: the name of the run whose weights it starts from, if any; `share`: how far of the way from those
    to the trained ones its weights lie (`interpolate`).
    """

    recipe: Recipe
    data: str
    digest: str
    way: Way
    timings: dict[str, float] = field(default_factory=dict)
    start: str = ""
    share: float = 1.0

    def to_toml(self) -> str:
        chosen = "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.way.to_json().items())
        timings = "".join(f"{json.dumps(name)} = {value}\n" for name, value in self.timings.items())
        return (
            f"[recipe]\n{self.recipe.to_toml()}\n"
            f"[data]\nname = {json.dumps(self.data)}\ndigest = {json.dumps(self.digest)}\n\n"
            f"[start]\nrun = {json.dumps(self.start)}\nshare = {self.share}\n\n"
            f"[chosen]  # what this machine computes fastest; a resumed run keeps it\n{chosen}\n"
            f"[timings]  # pictures a second\n{timings}\n"
            f'[made]\ndoctored = "{__version__}"\ntorch = "{torch.__version__}"\n'
        )

    def save(self, folder: Path) -> None:
        """Write it as a run's `config.toml`."""
        with written_aside(folder / "config.toml") as aside:
            aside.write_text(self.to_toml(), encoding="utf-8")

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
                values.get("start", {}).get("run", ""),
                values.get("start", {}).get("share", 1.0),
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
    track: Sequence[str] = (),
    hooks: Hooks | None = None,
) -> RunResult:
    """Train a detector on a labelled data set; the same call goes on with a run that was interrupted.

    `data` is whatever `read_dataset` reads; `out` is the run's folder; `name` is the detector's (else the
    folder's); `device` is `auto` or `cpu`; `init_from` is a run or checkpoint whose weights to start from;
    `track` names trackers (`tensorboard`, `mlflow`) that are told every epoch, too.
    Raises UsageError where `out` holds a finished run or one with other settings, DataError where the data
    cannot be used, TrainingError where training or export cannot go on, MissingExtra for a tracker that is
    not installed.
    """
    recipe, folder = recipe or Recipe(), Path(out)
    name = name or folder.name
    refuse_early(folder, name, device, track)
    accelerator, hooks = start_processes(device, recipe, hooks or Hooks())
    with accelerator.main_process_first():
        material = open_material(Path(data), recipe, hooks, init_from)
    return train_on(
        material,
        folder,
        recipe,
        accelerator,
        hooks,
        name=name,
        init_from=init_from,
        track=track,
    )


def train_on(
    material: Material,
    folder: Path,
    recipe: Recipe,
    accelerator: Accelerator,
    hooks: Hooks,
    *,
    name: str,
    command: str = "",
    init_from: str | os.PathLike[str] | None = None,
    track: Sequence[str] = (),
    like: Path | None = None,
) -> RunResult:
    """One run on pictures that are packed and split; `command` started it, where it was not `train`.

    `like` is the folder of a run of the same network, which was timed; this one is computed as that one is.
    """
    manifest, examples = material.manifest, material.examples()
    network = make_network(recipe, examples)
    teachers = open_teachers(recipe)
    if init_from is not None:
        load_weights(network, Path(init_from))
    adapt(network, recipe)
    data = material.source.name
    wanted = Plan(recipe, data, manifest.digest(), Way(), start=name_start(init_from))
    timed = Plan.from_toml(like / "config.toml") if like else None
    plan = settle_plan(folder, wanted, network, len(examples.train), accelerator, hooks, timed)
    set_threads(plan.way.threads)
    is_main = accelerator.is_main_process
    if is_main:
        if not (folder / "audit.json").exists():
            record_audit(folder, manifest, hooks)
        write_json(folder / "split.json", material.splits)
        manifest.to_parquet(folder / "manifest.parquet")

    network.to(accelerator.device)
    if teachers:
        examples = ask(teachers, examples, plan.way, accelerator.device, hooks)
    metrics: dict[str, Any] = {}
    with Trackers(track if is_main else (), folder, name, recipe, hooks.note) as trackers:
        told = trackers.joined(hooks)
        features = None
        if isinstance(network, FrozenNetwork):
            history, features = fit_head(network, material, examples, recipe, folder, accelerator, told)
        else:
            history = fit(network, examples, recipe, plan.way, folder, accelerator, told)
        if is_main:
            command = command or describe_command(data, folder.name, name, recipe, plan.start)
            counts = count_splits(examples)
            about = About(material.title, material.licence, counts, command, find_commit())
            trained = Trained(network.cpu(), examples, manifest, recipe, name, about, len(history), features)
            metrics = publish(trained, folder, hooks.note)
            trackers.finish(metrics, len(history))
    accelerator.wait_for_everyone()
    return RunResult(folder, folder / "detector.onnx", history, metrics)


def refuse_early(folder: Path, name: str, device: str, track: Sequence[str] = ()) -> None:
    """What would be refused at the end of a long run is refused at its start."""
    if (folder / "detector.onnx").exists():
        raise UsageError(f"{folder} holds a finished run; give another --out")
    if not NAME.fullmatch(name):
        raise UsageError(f"a detector's name is of a-z, 0-9 and '-', not {name!r}; give one with --name")
    if device not in ("auto", "cpu"):
        raise UsageError(
            f"a device is auto or cpu, not {device!r}; CUDA_VISIBLE_DEVICES picks one of several GPUs"
        )
    require_trackers(track)


def start_processes(device: str, recipe: Recipe, hooks: Hooks) -> tuple[Accelerator, Hooks]:
    """The processes that torchrun started (or this one alone), and the hooks of the one that talks."""
    keep_memory()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    # Accelerate lets processes without a GPU work together only where it is told not to look for one.
    on_cpu = device == "cpu" or (processes > 1 and not torch.cuda.is_available())
    if recipe.batch_size % processes:
        raise UsageError(
            f"{processes} processes cannot share batches of {recipe.batch_size} evenly; "
            f"give a batch_size that is a multiple of {processes}"
        )
    # torchrun ends all processes when one dies; until then the others wait while one packs or publishes
    waiting = InitProcessGroupKwargs(timeout=timedelta(hours=MOST_HOURS_WAITED))
    accelerator = Accelerator(cpu=on_cpu, kwargs_handlers=[waiting])
    return accelerator, hooks if accelerator.is_main_process else Hooks()


def make_network(recipe: Recipe, examples: Examples) -> Network:
    """The recipe's network, seeded; it normalises as its weights expect, or else by the training pictures."""
    if recipe.network == FROZEN:
        return open_encoder(recipe)
    torch.manual_seed(recipe.seed)
    network = build_network(
        recipe.network, dropout=recipe.dropout, weights=recipe.weights, symmetric=recipe.symmetric
    )
    mean, std = network.normalisation or channel_statistics(examples.pixels, examples.train)
    network.mean.copy_(torch.as_tensor(mean))
    network.std.copy_(torch.as_tensor(std))
    return network


def load_weights(network: Network, source: Path) -> None:
    """Start from another run's best weights; the normalisation stays that of the new data."""
    file = source / checkpoint.BEST if source.is_dir() else source
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


def load_run(folder: Path) -> Network:
    """The network of a run with its best weights and its own normalisation."""
    recipe = Plan.from_toml(folder / "config.toml").recipe
    weights = checkpoint.load(folder / checkpoint.BEST)["network"]
    if recipe.network == FROZEN:
        network: Network = open_encoder(recipe)
        network.load_state_dict({**network.state_dict(), **weights})  # the run kept the head's alone
    else:
        network = build_network(recipe.network, dropout=recipe.dropout, symmetric=recipe.symmetric)
        network.load_state_dict(weights)
    return network.eval()


def open_teachers(recipe: Recipe) -> list[Network]:
    """The networks of the finished runs that the recipe names as its teachers."""
    for folder in recipe.teachers:
        side = Plan.from_toml(folder / "config.toml").recipe.size
        if side != recipe.size:
            raise UsageError(f"the teacher {folder} looks at {side} pixels a side, not at {recipe.size}")
    return [load_run(folder) for folder in recipe.teachers]


def ask(
    teachers: Sequence[Network], examples: Examples, way: Way, device: torch.device, hooks: Hooks
) -> Examples:
    """The same examples with what the teachers say of each training picture, by the mean of their logits, as
    it is before it is moved or delivered."""
    taught = np.full(len(examples.labels), np.nan, np.float32)
    logits = np.zeros(len(examples.train))
    for number, teacher in enumerate(teachers):
        way.place(teacher.to(device))
        for done in range(0, len(logits), ASKED_AT_ONCE):
            hooks.step(ASKING, number * len(logits) + done, len(teachers) * len(logits))
            part = slice(done, done + ASKED_AT_ONCE)
            logits[part] += predict_logits(teacher, examples, examples.train[part], way, device)
    taught[examples.train] = sigmoid(logits / len(teachers))
    return replace(examples, taught=taught)


def settle_plan(
    folder: Path,
    wanted: Plan,
    network: Network,
    pictures: int,
    accelerator: Accelerator,
    hooks: Hooks,
    timed: Plan | None = None,
) -> Plan:
    """The plan of the interrupted run in this folder, or the one that is wanted, to be computed as `timed` is
    or else as is fastest here, timed for an epoch of so many `pictures`."""
    recipe = wanted.recipe
    config = folder / "config.toml"
    # the main process may have written it before another one comes to look
    if broadcast_object_list([config.exists()])[0]:
        plan = Plan.from_toml(config)
        if (plan.recipe, plan.digest) != (recipe, wanted.digest):
            raise UsageError(f"{folder} was started with other settings or data; give another --out")
        hooks.note(f"going on with {folder}")
        return plan
    threads = set_threads(recipe.threads)
    steps = recipe.epochs * (pictures // recipe.batch_size)
    if timed:
        way, timings = timed.way, timed.timings
    else:
        way, timings = choose_way(network, recipe, accelerator.device, steps, hooks.note)
    way = broadcast_object_list([way])[0]
    plan = replace(wanted, way=replace(way, threads=threads), timings=timings)
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        plan.save(folder)
    return plan


def describe_command(data: str, out: str, name: str, recipe: Recipe, start: str = "") -> str:
    """The command that starts this run, with no folder of the machine it ran on; `start` as in `Plan`."""
    default = Recipe()
    teacher = ",".join(f"runs/{folder.name}" for folder in recipe.teachers)
    shown = {**vars(recipe), "teacher": teacher}
    shown |= {key: without_folders(shown[key]) for key in ("network", "weights", "encoder")}
    changed = [
        f"--set {shlex.quote(f'{key}={str(value).lower() if isinstance(value, bool) else value}')}"
        for key, value in shown.items()
        if value != getattr(default, key)
    ]
    named = [f"--name {name}"] if name != out else []
    started = [f"--init-from runs/{start}"] if start else []
    return " ".join(["doctored train", shlex.quote(data), f"--out runs/{out}", *named, *started, *changed])


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
