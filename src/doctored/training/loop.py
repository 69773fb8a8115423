"""The training loop, to be read from top to bottom."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray
from torch import Tensor, nn

from doctored.data.files import written_aside
from doctored.errors import TrainingError, UsageError
from doctored.measure.metrics import accuracy, confusion, roc_auc
from doctored.models import Network
from doctored.training import checkpoint
from doctored.training.adversary import VALIDATED, attacked_accuracy, mislead
from doctored.training.batches import Batch, Examples, ahead, draw_batches, draw_seed
from doctored.training.freezing import freeze
from doctored.training.lora import merge, merged_weights
from doctored.training.optimizer import make_optimizer
from doctored.training.precision import Way, quiet_compiler
from doctored.training.recipe import Recipe

Row = dict[str, Any]
PIXELS_AT_ONCE = 1 << 16  # in validation: activations that fit a cache, and that malloc need not map anew
PACKING, SEARCHING, ASKING = -1, -2, -3  # what is stepped through where it is no epoch


@dataclass(frozen=True)
class Hooks:
    """How a run talks to whoever started it: the rows of earlier epochs, steps for a progress bar (of an
    epoch from 0, of PACKING, SEARCHING or ASKING a teacher), one row an epoch, a line to note. Only one
    process talks."""

    start: Callable[[list[Row]], None] = lambda history: None
    step: Callable[[int, int, int], None] = lambda epoch, step, steps: None
    epoch: Callable[[Row], None] = lambda row: None
    note: Callable[[str], None] = lambda line: None


def fit(
    network: Network,
    examples: Examples,
    recipe: Recipe,
    way: Way,
    folder: Path,
    accelerator: Accelerator,
    hooks: Hooks,
) -> list[Row]:
    """Train, keeping the weights with the lowest validation loss in `checkpoints/best.pt`.

    Goes on from `checkpoints/last.pt` if there is one. Everything random is drawn from (seed, epoch),
    so that a run that was killed and resumed computes what one that was not would have.
    """
    last, best = folder / checkpoint.LAST, folder / checkpoint.BEST
    loop = Loop(network, examples, recipe, way, accelerator, hooks)
    history = loop.restore(last) if last.exists() else []
    hooks.start(history)
    while len(history) < recipe.epochs and not is_exhausted(history, recipe.patience):
        row = loop.run_epoch(len(history))
        is_best = all(row["val_loss"] < earlier["val_loss"] for earlier in history)
        history.append(row)
        if accelerator.is_main_process:
            if is_best:
                checkpoint.save({"network": loop.weights(), "epoch": row["epoch"]}, best)
            checkpoint.save(loop.state(history), last)
            with written_aside(folder / "metrics.jsonl") as aside:
                aside.write_text("".join(json.dumps(row) + "\n" for row in history), encoding="utf-8")
        accelerator.wait_for_everyone()
        hooks.epoch(row)
    if recipe.lora:
        merge(network)
    network.load_state_dict(checkpoint.load(best)["network"])
    return history


class Loop:
    """What lasts from epoch to epoch: the network, its optimiser, the average of its weights."""

    def __init__(
        self,
        network: Network,
        examples: Examples,
        recipe: Recipe,
        way: Way,
        accelerator: Accelerator,
        hooks: Hooks,
    ) -> None:
        self.network, self.examples, self.recipe, self.way = network, examples, recipe, way
        self.accelerator, self.hooks = accelerator, hooks
        self.steps = len(examples.train) // recipe.batch_size
        if not self.steps:
            raise TrainingError(
                f"{len(examples.train)} training pictures do not fill one batch; lower batch_size"
            )
        if recipe.unfreeze_every and accelerator.num_processes > 1:
            raise UsageError(
                "stages thaw in one process only; train without torchrun, or set unfreeze_every=0"
            )
        optimizer = make_optimizer(network, recipe)
        self.model, self.optimizer = accelerator.prepare(way.compile(way.place(network)), optimizer)
        self.average = Average(network, recipe.average)
        self.loss = make_loss(examples, recipe).to(accelerator.device)

    def run_epoch(self, epoch: int) -> Row:
        """Train for an epoch, then validate the average of the weights."""
        device, recipe = self.accelerator.device, self.recipe
        torch.manual_seed(draw_seed(recipe.seed, epoch, self.accelerator.process_index))
        self.model.train()
        freeze(self.network, recipe, epoch)
        started, losses = time.perf_counter(), torch.zeros((), device=device)
        before, steps = epoch * self.steps, recipe.epochs * self.steps
        for step, batch in enumerate(self.batches(epoch), 1):
            losses += self.step(batch, learning_rate(recipe, before + step, steps))
            self.average.update(self.network, before + step - 1)
            self.hooks.step(epoch, step, self.steps)
        # a GPU is done with the epoch only once it has told the loss
        train_loss = float(self.accelerator.reduce(losses, "mean")) / self.steps
        seconds = time.perf_counter() - started
        if not math.isfinite(train_loss):
            raise TrainingError(
                f"the loss is no longer a number in epoch {epoch + 1}; lower learning_rate and start anew"
            )
        row = {"epoch": epoch + 1, "train_loss": train_loss}
        if self.accelerator.is_main_process:
            with self.average.applied(self.network):
                row |= validate(self.network, self.examples, self.way, device)
                if recipe.adversarial:
                    row["val_accuracy_attacked"] = self.validate_attacked()
        row["learning_rate"] = learning_rate(recipe, before + self.steps, steps)
        row["pictures_per_second"] = round(self.steps * recipe.batch_size / seconds, 1)
        # processes that disagreed on when to stop would wait for each other for ever
        agreed: Row = broadcast_object_list([row])[0]
        return agreed

    def step(self, batch: Batch, rate: float) -> Tensor:
        """Train on a batch at this learning rate; its loss before that, float [], not yet waited for."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        x, targets = self.prepare(batch)
        if self.recipe.adversarial:
            with self.way.autocast(self.accelerator.device):
                x = self.way.batch(mislead(self.network, x, targets, self.loss, self.recipe.adversarial))
        with quiet_compiler(), self.way.autocast(self.accelerator.device):
            logit = self.model(x).logit
        loss: Tensor = self.loss(logit.float(), targets)
        self.accelerator.backward(loss)
        if self.recipe.clip_norm:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def batches(self, epoch: int) -> Iterator[Batch]:
        accelerator = self.accelerator
        drawn = draw_batches(
            self.examples, self.recipe, epoch, accelerator.process_index, accelerator.num_processes
        )
        on_gpu = accelerator.device.type == "cuda"
        return ahead(batch.pinned() for batch in drawn) if on_gpu else ahead(drawn)

    def prepare(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the network sees, float [N, 3, H, W], and what it should say, float [N]."""
        device, recipe = self.accelerator.device, self.recipe
        targets = batch.labels.to(device, non_blocking=True)
        targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
        if batch.taught is not None:
            targets = follow(targets, batch.taught.to(device, non_blocking=True), recipe.teacher_share)
        x = self.network.normalise(batch.pixels.to(device, non_blocking=True))
        if batch.mix is not None:
            x, targets = batch.mix.apply(x, targets)
        return self.way.batch(x), targets

    def validate_attacked(self) -> float:
        """Accuracy on a fixed draw of the validation pictures, misled as those of training are."""
        rows = np.random.default_rng(self.recipe.seed).permutation(self.examples.val)[:VALIDATED]
        pixels, labels = (part.to(self.accelerator.device) for part in self.examples.take(np.sort(rows)))
        recipe = self.recipe
        return attacked_accuracy(self.network, pixels, labels, recipe.adversarial, recipe.batch_size)

    def weights(self) -> dict[str, Tensor]:
        """The average of the weights, for a network without adapters."""
        if not self.recipe.lora:
            return self.average.weights
        with self.average.applied(self.network):
            return merged_weights(self.network)

    def state(self, history: list[Row]) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.weights,
            "optimizer": self.optimizer.state_dict(),
            "history": json.dumps(history),
        }

    def restore(self, path: Path) -> list[Row]:
        state = checkpoint.load(path)
        self.network.load_state_dict(state["network"])
        self.average.load(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        history: list[Row] = json.loads(state["history"])
        return history


def follow(targets: Tensor, taught: Tensor, share: float) -> Tensor:
    """Targets, float [N], nearer by `share` to what a teacher says, where it is on their side of one half.

    A teacher that is wrong of a picture (one of an origin that it never saw, say) is not believed.
    """
    agrees = (taught > 0.5) == (targets > 0.5)
    return torch.where(agrees, torch.lerp(targets, taught, share), targets)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """One cycle: a linear rise over the warm-up, then down to zero at the last step, as the schedule says."""
    rise = max(1.0, recipe.warmup * steps)
    if step < rise:
        return recipe.learning_rate * step / rise
    done = (step - rise) / max(1.0, steps - rise)
    left = {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}
    return recipe.learning_rate * left[recipe.schedule]


def make_loss(examples: Examples, recipe: Recipe) -> nn.Module:
    """Cross-entropy; with `balance` both classes weigh the same, however many pictures they have."""
    if not recipe.balance:
        return nn.BCEWithLogitsLoss()
    fakes = max(1, int(examples.labels[examples.train].sum()))
    reals = max(1, len(examples.train) - fakes)
    return BalancedLoss(len(examples.train) / (2 * reals), reals / fakes)


class BalancedLoss(nn.BCEWithLogitsLoss):
    """Cross-entropy in which a real picture weighs `real` and a fake one `ratio` times that."""

    def __init__(self, real: float, ratio: float) -> None:
        super().__init__(pos_weight=torch.tensor(ratio))
        self.real = real

    def forward(self, logit: Tensor, target: Tensor) -> Tensor:
        return self.real * super().forward(logit, target)


def is_exhausted(history: list[Row], patience: int) -> bool:
    """Whether the last `patience` epochs brought no lower validation loss."""
    if not patience or len(history) <= patience:
        return False
    losses = [row["val_loss"] for row in history]
    return bool(min(losses[:-patience]) <= min(losses[-patience:]))


def predict(
    network: Network, examples: Examples, rows: NDArray[np.int64], way: Way, device: torch.device
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Logits float64 [n] and embeddings float32 [n, d] of these rows, nothing augmented."""
    logits, embeddings = [], []
    network.eval()
    at_once = max(1, PIXELS_AT_ONCE // math.prod(examples.pixels.shape[1:3]))
    with torch.inference_mode(), way.autocast(device):
        for start in range(0, len(rows), at_once):
            pixels, _ = examples.take(rows[start : start + at_once])
            evidence = network(way.batch(network.normalise(pixels.to(device))))
            logits.append(evidence.logit.float().cpu().numpy().astype(np.float64))
            embeddings.append(evidence.embedding.float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(embeddings)


def predict_logits(
    network: Network, examples: Examples, rows: NDArray[np.int64], way: Way, device: torch.device
) -> NDArray[np.float64]:
    """The logits alone, in less time."""
    network.embeds = False
    try:
        return predict(network, examples, rows, way, device)[0]
    finally:
        network.embeds = True


def validate(network: Network, examples: Examples, way: Way, device: torch.device) -> Row:
    logits = predict_logits(network, examples, examples.val, replace(way, compiled=False), device)
    labels = examples.labels[examples.val]
    losses = np.logaddexp(0.0, np.where(labels == 1, -logits, logits))
    return {
        "val_loss": float(losses.mean()),
        "val_accuracy": accuracy(confusion(labels, logits > 0)),
        "val_auc": roc_auc(labels, logits),
    }


class Average:
    """An exponential moving average of weights and of batch norm's statistics.

    Early on it forgets faster, so that the random weights of the start do not linger. Of weights that take no
    gradient it has no copy: they are the network's own.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        still = {name for name, weight in network.named_parameters() if not weight.requires_grad}
        state = {name: value.detach() for name, value in network.state_dict().items()}
        self.weights = {name: value if name in still else value.clone() for name, value in state.items()}
        self.moving = state.keys() - still

    def update(self, network: Network, step: int) -> None:
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        kept, new = [], []
        for name, value in network.state_dict().items():
            if name not in self.moving:
                continue
            if value.is_floating_point():
                kept.append(self.weights[name])
                new.append(value)
            else:
                self.weights[name].copy_(value)
        torch._foreach_lerp_(kept, new, share)

    def load(self, weights: dict[str, Tensor]) -> None:
        for name, value in weights.items():
            self.weights[name].copy_(value)

    @contextlib.contextmanager
    def applied(self, network: Network) -> Iterator[None]:
        """The network wears the average while the context lasts."""
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield
        finally:
            network.load_state_dict(own)
