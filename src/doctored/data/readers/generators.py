"""Sets with one folder a generator.

GenImage: Zhu et al., "GenImage: A Million-Scale Benchmark for Detecting AI-Generated Image", NeurIPS 2023.
ForenSynths: Wang et al., "CNN-generated images are surprisingly easy to spot... for now", CVPR 2020; later
test sets (diffusion models among them) keep its layout.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from doctored.data.readers.base import PathReader, register
from doctored.data.readers.spelling import CLASSES, SPLITS, generator_among, spell

# Folders that hold a set, not what one generator made.
_CONTAINERS = {"cnn_synth_testset", "data", "dataset", "datasets", "diffusion_datasets", "forensynths"}
_CONTAINERS |= {"genimage", "images", "img", "input", "progan_train", "progan_val", "root", "set"}
_SUBJECTS = """
airplane apple bedroom bicycle bird boat bottle bus car cat chair church cow diningtable dog horse motorbike
orange person pottedplant sheep sofa summer train tvmonitor winter zebra
"""
_CATEGORIES = frozenset(_SUBJECTS.split())


@register
class GenImage(PathReader):
    name = "genimage"
    title = "GenImage"
    layout = """\
├── Midjourney
│   └── [imagenet_midjourney: may be missing]
│       ├── train
│       │   ├── ai        0_midjourney_6.png, ...
│       │   └── nature    n01440764_10026.JPEG, ...
│       └── val
├── stable_diffusion_v_1_5, ADM, glide, wukong, VQDM, BigGAN, ..."""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        return _parse_genimage(tuple(parts[:-1]))


@lru_cache(maxsize=1024)
def _parse_genimage(folders: tuple[str, ...]) -> dict[str, Any] | None:
    *above, split, word = ("", "", *folders)
    if word not in ("ai", "nature") or spell(split) not in SPLITS:
        return None
    above = [name for name in above if spell(name) not in _CONTAINERS and not name.startswith("imagenet_")]
    known = generator_among(above)
    generator = above[-1 if known is None else known] if above else ""
    if not generator:
        return None
    told: dict[str, Any] = {"split": SPLITS[spell(split)]}
    return told | ({"generator": generator, **CLASSES["ai"]} if word == "ai" else CLASSES["nature"])


@register
class ForenSynths(PathReader):
    name = "forensynths"
    title = "ForenSynths"
    layout = """\
├── progan
│   ├── airplane      [the subject: may be missing]
│   │   ├── 0_real
│   │   └── 1_fake
├── stylegan2, deepfake, ..., ldm_200
└── or train, val, test above, and in train the subjects alone (all of them ProGAN)"""

    def parse(self, parts: Sequence[str]) -> dict[str, Any] | None:
        return _parse_forensynths(tuple(parts[:-1]))


@lru_cache(maxsize=1024)
def _parse_forensynths(folders: tuple[str, ...]) -> dict[str, Any] | None:
    *above, word = ("", *folders)
    if word not in ("0_real", "1_fake"):
        return None
    # The subject `train` lies deepest, next to the classes, where no split does.
    subject = above[-1] if len(above) > 2 and above[-1] in _CATEGORIES else None
    above = above[1:-1] if subject else above[1:]
    split = next((SPLITS[spell(name)] for name in reversed(above) if spell(name) in SPLITS), None)
    names = [name for name in above if spell(name) not in _CONTAINERS and spell(name) not in SPLITS]
    known = generator_among(names)
    generator = names[-1 if known is None else known] if names else None
    if generator is None and subject is None:
        return None
    if known is not None and known + 1 < len(names) and subject is None:
        subject = names[known + 1]
    told: dict[str, Any] = {"split": split, "subject": subject}
    if word == "0_real":
        return told | CLASSES["real"]
    return told | CLASSES["generated"] | {"generator": generator}
