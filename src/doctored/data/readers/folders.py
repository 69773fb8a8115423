"""A plain folder of class folders, in the spellings people use, with or without split folders."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from doctored.data.readers.base import PathReader, register
from doctored.data.readers.spelling import CLASSES, SPLITS, WEAK_CLASSES, generator_among, split_words


@register
class Folders(PathReader):
    name = "folders"
    layout = """\
├── [train, val, test: may be missing]
│   ├── real    (or REAL, 0_real, real_images, authentic, Au, nature, genuine, pristine, original)
│   └── fake    (or FAKE, 1_fake, tampered, Tp, forged, ai, generated, spliced, copy_move, ...)
or  training_real, training_fake, validation_real, ..."""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        return _parse_folders(tuple(parts[:-1]))


@lru_cache(maxsize=1024)
def _parse_folders(folders: tuple[str, ...]) -> dict[str, Any] | None:
    """The deepest folder of each sort decides: `real_and_fake/train/fake/1.jpg`."""
    words = [word for folder in reversed(folders) for word in split_words(folder)]
    named = [word for word in words if word in CLASSES]
    if not named:
        return None
    told = CLASSES[next((word for word in named if word not in WEAK_CLASSES), named[0])]
    found = {"split": next((SPLITS[word] for word in words if word in SPLITS), None), **told}
    generator = generator_among(folders)
    if generator is not None and told["label"] == "fake":
        found["generator"] = folders[generator]
    return found
