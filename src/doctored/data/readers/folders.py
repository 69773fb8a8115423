"""A plain folder of class folders, in the spellings people use, with or without split folders."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from doctored.data.readers.base import PathReader, register

_CLASSES: dict[str, dict[str, Any]] = {
    word: told
    for words, told in (
        ("real authentic au nature genuine pristine original", {"label": "real"}),
        ("fake tampered tp sp forged manipulated", {"label": "fake"}),
        ("ai generated ai_generated synthetic", {"label": "fake", "kind": "generated"}),
        ("spliced splicing", {"label": "fake", "kind": "spliced"}),
        ("copy_move copymove", {"label": "fake", "kind": "copy_move"}),
        ("retouched", {"label": "fake", "kind": "retouched"}),
    )
    for word in words.split()
}
_SPLITS = {
    word: split
    for words, split in (
        ("train training", "train"),
        ("val valid validation dev", "val"),
        ("test testing", "test"),
    )
    for word in words.split()
}


@register
class Folders(PathReader):
    name = "folders"
    layout = """\
├── [train, val, test: may be missing]
│   ├── real    (or REAL, 0_real, authentic, Au, nature, genuine, pristine, original)
│   └── fake    (or FAKE, 1_fake, tampered, Tp, ai, generated, spliced, copy_move, ...)"""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        return _parse_folders(tuple(parts[:-1]))


@lru_cache(maxsize=1024)
def _parse_folders(folders: tuple[str, ...]) -> dict[str, Any] | None:
    """The deepest folder of each sort decides: `real_and_fake/train/fake/1.jpg`."""
    words = [re.sub(r"^\d+_", "", re.sub(r"[-\s]", "_", folder.casefold())) for folder in reversed(folders)]
    told = next((_CLASSES[word] for word in words if word in _CLASSES), None)
    if told is None:
        return None
    return {"split": next((_SPLITS[word] for word in words if word in _SPLITS), None), **told}
