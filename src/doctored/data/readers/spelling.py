"""The words that people name folders and classes with, for labels, kinds, splits and generators."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

CLASSES: dict[str, dict[str, Any]] = {
    word: told
    for words, told in (
        ("real reals authentic au genuine pristine noai no_ai non_ai not_ai", {"label": "real"}),
        ("nature natural human original", {"label": "real"}),
        ("fake fakes tampered tp sp forged forgery manipulated altered edited", {"label": "fake"}),
        ("deepfake deepfakes", {"label": "fake"}),
        ("ai generated ai_generated synthetic artificial", {"label": "fake", "kind": "generated"}),
        ("spliced splicing", {"label": "fake", "kind": "spliced"}),
        ("copy_move copymove", {"label": "fake", "kind": "copy_move"}),
        ("retouched", {"label": "fake", "kind": "retouched"}),
    )
    for word in words.split()
}
# These name subjects too (`fake/human`): any other class word in a path is stronger.
WEAK_CLASSES = frozenset({"nature", "natural", "human", "original"})
SPLITS = {
    word: split
    for words, split in (
        ("train training", "train"),
        ("val valid validation dev", "val"),
        ("test testing", "test"),
    )
    for word in words.split()
}
# As the published sets name their folders, `_` for every `-`, space and dot.
_GENERATORS = """
adm biggan crn cyclegan dalle dalle2 dalle3 dalle_2 dalle_3 ddpm deepfloyd flux gaugan glide
glide_100_10 glide_100_27 glide_50_27 guided iddpm imagen imle latent_diffusion ldm ldm_100 ldm_200
ldm_200_cfg midjourney midjourney_5 midjourney_6 pixart pndm progan projectedgan san sdxl seeingdark
stable_diffusion stable_diffusion_2 stable_diffusion_3 stable_diffusion_v1 stable_diffusion_v1_4
stable_diffusion_v1_5 stable_diffusion_v2 stable_diffusion_v_1_4 stable_diffusion_v_1_5
stable_diffusion_xl stargan stylegan stylegan2 stylegan3 stylegan_xl vq_diffusion vqdm whichfaceisreal
wukong
"""
GENERATORS = frozenset(_GENERATORS.split())
_SHOWS_WHAT = r"_(?:images?|imgs?|pictures?|photos?|faces?|art|samples?)$"


@lru_cache(maxsize=4096)
def spell(folder: str) -> str:
    """A folder's name in lower case, `_` between words, without a number before it (`0_real`) or a word for
    pictures behind it (`real_images`)."""
    word = re.sub(r"[-.\s]+", "_", folder.casefold())
    return re.sub(_SHOWS_WHAT, "", re.sub(r"^\d+_", "", word)) or word


def class_of(word: str) -> dict[str, Any] | None:
    """`label`, and `kind` where the word says so; None for a word that is no class."""
    return CLASSES.get(spell(word))


@lru_cache(maxsize=4096)
def split_words(folder: str) -> tuple[str, ...]:
    """`training_real` is two words in one, a split and a class; the class first. Other names are one."""
    word = spell(folder)
    head, _, tail = word.partition("_")
    return (tail, head) if head in SPLITS and tail in CLASSES else (word,)


def generator_among(folders: Sequence[str]) -> int | None:
    """Which of the folders is named after a generator; the first of them."""
    return next((index for index, folder in enumerate(folders) if spell(folder) in GENERATORS), None)
