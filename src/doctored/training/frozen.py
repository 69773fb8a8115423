"""`--network frozen`: a linear head on the cached features of an encoder, trained in seconds."""

import json
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.detector.onnx_file import MAX_FILE_BYTES
from doctored.errors import TrainingError, UsageError
from doctored.measure.metrics import accuracy, confusion, roc_auc
from doctored.training import checkpoint
from doctored.training.batches import Examples
from doctored.training.encoders import FrozenNetwork
from doctored.training.features import pooled_features
from doctored.training.logistic import Attempt, Head, fit_heads
from doctored.training.loop import PACKING, Hooks, Row
from doctored.training.material import Material
from doctored.training.recipe import Recipe


def require_room_in_file(network: FrozenNetwork, recipe: Recipe) -> None:
    """TrainingError, before any feature is computed, for an encoder that no detector file can hold."""
    whitening = network.place_width() ** 2
    needed = network.weights * (1 if recipe.encoder_int8 else 4) + 4 * whitening
    if needed > MAX_FILE_BYTES:
        raise TrainingError(
            f"up to this layer the encoder takes {needed >> 20} MiB, and a detector's file may take "
            f"{MAX_FILE_BYTES >> 20}; take an earlier layer, a smaller encoder, or encoder_int8"
        )


def fit_head(
    network: FrozenNetwork,
    material: Material,
    examples: Examples,
    recipe: Recipe,
    folder: Path,
    accelerator: Accelerator,
    hooks: Hooks,
) -> tuple[list[Row], NDArray[np.float16]]:
    """Give the network the head with the lowest validation loss; a row for each one tried, and the features.

    Nothing is augmented, and of the recipe's settings on training only `balance` applies.
    """
    if accelerator.num_processes > 1:
        raise UsageError("a head on a frozen encoder is trained by one process; start it without torchrun")
    require_room_in_file(network, recipe)
    hooks.note(f"features of {len(examples.pixels):,} pictures (kept beside the pack)")
    features = pooled_features(
        network, material.packed, accelerator.device, lambda done, total: hooks.step(PACKING, done, total)
    )
    rows: list[Row] = []

    def record(attempt: Attempt) -> None:
        rows.append(describe(attempt, len(rows) + 1, features[examples.val], examples.labels[examples.val]))
        hooks.note(
            f"l2 {attempt.l2:.0e}  loss {attempt.train_loss:.4f}  validation loss {attempt.val_loss:.4f}, "
            f"accuracy {rows[-1]['val_accuracy']:.4f}, AUC {rows[-1]['val_auc']:.5f}"
        )

    train, val = ((features[part], examples.labels[part]) for part in (examples.train, examples.val))
    attempts = fit_heads(train, val, balance=recipe.balance, tried=record)
    best = min(range(len(attempts)), key=lambda number: attempts[number].val_loss)
    wear(network, attempts[best].head)
    state = {
        "network": {f"head.{name}": value for name, value in network.head.state_dict().items()},
        "epoch": best + 1,
    }
    checkpoint.save(state, folder / checkpoint.BEST)
    with written_aside(folder / "metrics.jsonl") as aside:
        aside.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows, features


def wear(network: FrozenNetwork, head: Head) -> None:
    """Put the head's weights into the network."""
    with torch.no_grad():
        weights = torch.from_numpy(head.weights).view_as(network.head.weight)
        network.head.load_state_dict({"weight": weights, "bias": torch.tensor([head.bias])})


def describe(attempt: Attempt, number: int, features: NDArray[np.float16], labels: NDArray[np.uint8]) -> Row:
    logits = attempt.head.logits(features)
    return {
        "epoch": number,
        "l2": attempt.l2,
        "train_loss": attempt.train_loss,
        "val_loss": attempt.val_loss,
        "val_accuracy": accuracy(confusion(labels, logits > 0)),
        "val_auc": roc_auc(labels, logits),
    }
