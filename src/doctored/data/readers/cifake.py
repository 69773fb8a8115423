"""CIFAKE: Bird & Lotfi, "CIFAKE: Image Classification and Explainable Identification of AI-Generated
Synthetic Images", IEEE Access 2024. The suffix in a file's name is its CIFAR-10 class."""

import re
from collections.abc import Sequence
from typing import Any

from doctored.data.readers.base import PathReader, register

_SUBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_NAME = re.compile(r"\d+(?: \(([2-9]|10)\))?\.jpg")
_CLASSES: dict[str, dict[str, Any]] = {
    "REAL": {"label": "real"},
    "FAKE": {"label": "fake", "kind": "generated", "generator": "stable-diffusion-1.4"},
}


@register
class Cifake(PathReader):
    name = "cifake"
    title = "CIFAKE"
    layout = """\
├── train
│   ├── REAL    0000.jpg, 0000 (2).jpg, ...
│   └── FAKE    1000.jpg, 1000 (2).jpg, ...
└── test
    ├── REAL
    └── FAKE"""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        split, label, file = ("", "", *parts)[-3:]
        name = _NAME.fullmatch(file)
        if name is None or split not in ("train", "test") or label not in _CLASSES:
            return None
        subject = _SUBJECTS[int(name[1] or 1) - 1]
        return {"split": split, "subject": subject, "licence": "MIT", **_CLASSES[label]}
