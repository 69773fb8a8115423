"""Checkpoints: written aside, renamed, loaded as plain tensors and numbers (no pickled code)."""

from pathlib import Path
from typing import Any

import torch

from doctored.data.files import written_aside
from doctored.errors import TrainingError

BEST, LAST = Path("checkpoints", "best.pt"), Path("checkpoints", "last.pt")  # in a run's folder


def save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint so that a reader, or a run that is killed, never sees half of one."""
    with written_aside(path) as aside:
        torch.save(state, aside)


def load(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(
            f"{path}: no such checkpoint; give a run's folder or one of its checkpoints"
        ) from error
    except Exception as error:  # a file from outside: zip, unpickler and tensor errors of many kinds
        raise TrainingError(f"{path} is not a checkpoint of Doctored; delete it and train again") from error
    return state
