"""Grey pictures, of which the toy detector thinks what their brightness says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


def save_grey(path: Path, value: int, size: int = 32) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), (value, value, value)).save(path)
    return path


def save_one_of_each(folder: Path) -> Path:
    """One fake, one real, one undecided, one that is too large for the toy, one that is no picture."""
    save_grey(folder / "a-fake.png", 250)
    save_grey(folder / "b-real.png", 5)
    save_grey(folder / "c-grey.png", 128)
    save_grey(folder / "d-large.png", 250, size=64)
    (folder / "e-broken.jpg").write_bytes(b"this is no picture")
    return folder


def save_many(folder: Path, count: int) -> list[Path]:
    """Pictures of every verdict, with names in order."""
    values = np.random.default_rng(0).integers(0, 256, count)
    return [save_grey(folder / f"{place:03}.png", int(value)) for place, value in enumerate(values)]


def assert_same_records(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Equal but for the time they took and the last digits, which differ with the batch in onnxruntime."""
    assert [record["path"] for record in some] == [record["path"] for record in others]
    for one, other in zip(some, others, strict=True):
        assert _without_numbers(one) == _without_numbers(other)
        assert _numbers(one) == pytest.approx(_numbers(other), abs=1e-4)


def _numbers(record: dict[str, Any]) -> list[float]:
    details = [finding["details"] for finding in record["findings"]]
    found = [record["probability"], *(value for detail in details for value in detail.values())]
    return [value for value in found if isinstance(value, float)]


def _without_numbers(record: dict[str, Any]) -> dict[str, Any]:
    findings = [
        {key: finding[key] for key in finding.keys() - {"details", "score", "text"}}
        for finding in record["findings"]
    ]
    return {key: record[key] for key in record.keys() - {"ms", "text", "probability"}} | {
        "findings": findings
    }


def waves(count: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Pictures uint8 [count, height, width, 3] with large forms, edges, colours and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    angle, phase = random.uniform(0, np.pi, (2, count, 1, 1, 3))
    wave = np.sin((y[None, ..., None] * np.sin(angle) + x[None, ..., None] * np.cos(angle)) / 3 + phase)
    steps = np.sign(wave) * 30 + wave * 40 + random.normal(0, 4, (count, height, width, 3))
    return np.clip(128 + steps, 0, 255).astype(np.uint8)
