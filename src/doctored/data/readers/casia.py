"""CASIA v1 and v2: Dong, Wang & Tan, "CASIA Image Tampering Detection Evaluation Database", ChinaSIP 2013.

A tampered picture's name carries its sources: `Sp_D_CND_A_pla0005_pla0023_0281` was made from `pla0005`
and `pla0023`, which are also authentic pictures. Masks are N. T. Pham's; where his list of misnamed files
corrected a name, the mask bears the corrected one, and so the pairs are found by rules, strictest first.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from doctored.data.manifest import Manifest, Row
from doctored.data.members import MemberStore
from doctored.data.readers.base import (
    OUTSIDE,
    Listing,
    count,
    list_readable,
    make_manifest,
    register,
    source_of,
)

_TAMPERED = re.compile(
    r"(?P<version>[st]p)_(?P<relation>[ds])_(?P<means>[a-z]{3}_[a-z](?:_[a-z])?)"
    r"_(?P<first>[a-z]{3}\d+)_(?P<second>[a-z]{3}\d+)[_.](?P<number>\d+)(?P<mask>_gt)?"
)
_AUTHENTIC = re.compile(r"au_([a-z]{3})_(\d+)")
_MASK_FOLDER = re.compile(r"ground\s*_?truth|mask", re.IGNORECASE)
_KINDS = {"d": "spliced", "s": "copy_move"}
_LICENCE = "research use only"
# Neither forged nor one of the authentic files: an authentic picture, compressed once more, without a mask.
_NO_FORGERY = ("sp_d_nrn_a_sce0011_cha0011_0542",)
_TURNED_MASKS = ("sp_d_cnn_a_sec0012_ani0007_0275",)


class ForgedName(NamedTuple):
    """What a tampered picture's name tells; `means` are the authors' letters for how it was made."""

    relation: str
    means: str
    sources: tuple[str, str]
    number: int


class Contents(NamedTuple):
    authentic: dict[str, str]  # member → source
    tampered: dict[str, ForgedName]
    masks: dict[str, ForgedName]
    others: list[str]


class _Casia:
    name: str
    title: str
    layout: str
    prefix: str
    digits: int

    def matches(self, listing: Listing) -> float:
        return listing.share(len(listing.pictures) - len(self._sort(listing.pictures).others))

    def read(self, store: MemberStore) -> Manifest:
        contents = self._sort(list_readable(store.members).pictures)
        no_forgery = [name for name in contents.tampered if _stem(name) in _NO_FORGERY]
        for name in no_forgery:
            del contents.tampered[name]
        pairs, told = pair_masks(contents.tampered, contents.masks)
        used = set(pairs.values())
        left_out = {
            OUTSIDE: contents.others,
            "an authentic picture compressed again, no forgery": no_forgery,
            "masks of no picture here": [name for name in contents.masks if name not in used],
        }
        notes = _describe_pairs(contents, pairs, told) if contents.masks else []
        return make_manifest(self, store, _rows(store, contents, pairs), left_out, notes)

    def _sort(self, pictures: Sequence[str]) -> Contents:
        contents = Contents({}, {}, {}, [])
        for name in pictures:
            stem = _stem(name)
            if found := _AUTHENTIC.fullmatch(stem):
                if len(found[2]) == self.digits:
                    contents.authentic[name] = _plain_source(found[1] + found[2])
                    continue
            elif (found := _TAMPERED.fullmatch(stem)) and found["version"] == self.prefix:
                sources = (_plain_source(found["first"]), _plain_source(found["second"]))
                forged = ForgedName(found["relation"], found["means"], sources, int(found["number"]))
                is_mask = found["mask"] or _MASK_FOLDER.search(PurePosixPath(name).parent.as_posix())
                (contents.masks if is_mask else contents.tampered)[name] = forged
                continue
            contents.others.append(name)
        return contents


@register
class Casia1(_Casia):
    name, title, prefix, digits = "casia1", "CASIA v1", "sp", 4
    layout = """\
├── Au                            Au_ani_0001.jpg, ...
├── Sp                            Sp_D_CND_A_pla0005_pla0023_0281.jpg, Sp_S_..., ...
└── CASIA 1.0 groundtruth         [may be missing; any folder]
    └── Sp, CM                    Sp_D_CND_A_pla0005_pla0023_0281_gt.png, ..."""


@register
class Casia2(_Casia):
    name, title, prefix, digits = "casia2", "CASIA v2", "tp", 5
    layout = """\
├── Au                            Au_ani_00001.jpg, ...
├── Tp                            Tp_D_NRN_S_N_ani00001_ani00002_00001.tif, Tp_S_..., ...
└── CASIA 2 Groundtruth           [may be missing; any folder]
                                  Tp_D_NRN_S_N_ani00001_ani00002_00001_gt.png, ..."""


# In this order, each over what the ones before have left; a rule pairs only where it leaves no choice.
_RULES: tuple[tuple[str, Callable[[ForgedName], object]], ...] = (
    ("of the same name", lambda name: name),
    ("of the other sort by name", lambda name: name[1:]),
    ("with the two sources swapped", lambda name: (name.means, sorted(name.sources), name.number)),
    ("renamed, with one source in common", lambda name: (name.means, name.number)),
    ("renamed", lambda name: (name.means, name.number)),
)


def pair_masks(
    pictures: dict[str, ForgedName], masks: dict[str, ForgedName]
) -> tuple[dict[str, str], dict[str, int]]:
    """Picture → mask, and how many pairs each rule made."""
    pairs: dict[str, str] = {}
    told: dict[str, int] = {}
    free = dict(masks)
    for rule, key_of in _RULES:
        waiting = _by_key((item for item in pictures.items() if item[0] not in pairs), key_of)
        offered = _by_key(free.items(), key_of)
        made = 0
        for key, names in waiting.items():
            candidates = offered.get(key, [])
            if rule.endswith("in common"):
                candidates = [mask for mask in candidates if _share_source(pictures[names[0]], masks[mask])]
            # Copies of one picture, in two folders or formats, share its name and its mask.
            if len(candidates) != 1 or len({pictures[name] for name in names}) != 1:
                continue
            pairs |= dict.fromkeys(names, candidates[0])
            del free[candidates[0]]
            made += len(names)
        told[rule] = made
    return pairs, told


def _by_key(
    names: Iterable[tuple[str, ForgedName]], key_of: Callable[[ForgedName], object]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for member, name in names:
        found[repr(key_of(name))].append(member)
    return found


def _share_source(one: ForgedName, other: ForgedName) -> bool:
    return not set(one.sources).isdisjoint(other.sources)


def _rows(store: MemberStore, contents: Contents, pairs: dict[str, str]) -> Iterator[Row]:
    groups = _Groups()
    for member, forged in contents.tampered.items():
        groups.join(*forged.sources)
        if member in pairs:  # a misnamed picture keeps both names' sources: a group too large leaks nothing
            groups.join(forged.sources[0], *contents.masks[pairs[member]].sources)
    source = source_of(store)
    for member in sorted({**contents.authentic, **contents.tampered}):
        blank = Row(member, source, member, bytes=store.members[member].size, licence=_LICENCE)
        if member in contents.authentic:
            yield replace(blank, label="real", group=groups.find(contents.authentic[member]))
            continue
        mask = pairs.get(member)
        named = contents.masks[mask] if mask else contents.tampered[member]
        group = groups.find(contents.tampered[member].sources[0])
        yield replace(blank, label="fake", kind=_KINDS[named.relation], group=group, mask=mask)


class _Groups:
    """Union-find over sources; a group is named after the first of its sources."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, source: str) -> str:
        path = []
        while (parent := self._parents.get(source, source)) != source:
            path.append(source)
            source = parent
        for passed in path:
            self._parents[passed] = source
        return source

    def join(self, *sources: str) -> None:
        first, *rest = sorted(map(self.find, sources))
        for other in rest:
            self._parents[other] = first


def _describe_pairs(contents: Contents, pairs: dict[str, str], told: dict[str, int]) -> list[str]:
    how = ", ".join(f"{number} {rule}" for rule, number in told.items() if number)
    notes = [f"{count(len(pairs), 'tampered picture')} with a mask: {how}"]
    without = [name for name in contents.tampered if name not in pairs]
    if without:
        notes.append(f"{count(len(without), 'tampered picture')} without a mask, the first: {without[0]}")
    notes.extend(
        f"this mask lies turned by a quarter: {pairs[n]}" for n in pairs if _stem(n) in _TURNED_MASKS
    )
    return notes


def _plain_source(source: str) -> str:
    """`cha0003` and `cha00003` are one source."""
    return f"{source[:3]}{int(source[3:]):05d}"


def _stem(member: str) -> str:
    return member.rpartition("/")[2].rpartition(".")[0].lower()
