"""`audit.planted`: sets with one planted fault each, and a clean control; is the fault found and named?

    python -m benchmarks.audit_planted

`audit.planted`: the share of planted faults (extension, quality, size, name, copies of 5 % of test in train,
the same with the other label) whose audit is `broken` for just that reason's code, over all seeds.
`audit.planted.control`: the share of clean sets that are called clean. Both classes of a set are drawn alike,
so that nothing but the fault tells them apart. Intervals are Clopper–Pearson's.
"""

import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import options as commands
from benchmarks.results_file import share
from doctored.data.audit import audit
from doctored.data.readers import read_dataset
from doctored.data.toy import draw_picture
from doctored.picture import encode_jpeg


@dataclass(frozen=True, slots=True)
class Planted:
    """One picture of a planted set, as it will be written."""

    number: int
    is_fake: bool
    split: str
    side: int = 32
    quality: int = 85
    word: str = "img"
    extension: str = "jpg"
    copy_of: int | None = None

    @property
    def member(self) -> str:
        label = "fake" if self.is_fake else "real"
        return f"{self.split}/{label}/{self.word}_{self.number:05d}.{self.extension}"


def _change(**fields: object) -> Callable[[Planted, dict[str, list[Planted]]], Planted]:
    return lambda one, _: replace(one, **fields) if one.is_fake else one  # type: ignore[arg-type]


def _copy(other_label: bool) -> Callable[[Planted, dict[str, list[Planted]]], Planted]:
    """Each twentieth test picture (or the next) becomes a copy of one from train."""

    def change(one: Planted, by_split: dict[str, list[Planted]]) -> Planted:
        tests = by_split["test"]
        place = tests.index(one) if one.split == "test" else 1
        if place % 20 or one.split != "test":
            return one
        label = not one.is_fake if other_label else one.is_fake
        sources = [picture for picture in by_split["train"] if picture.is_fake == label]
        return replace(one, copy_of=sources[place // 20].number)

    return change


PLANTS: dict[str, tuple[str, Callable[[Planted, dict[str, list[Planted]]], Planted]]] = {
    "extension": ("extension", _change(extension="jpeg")),
    "quality": ("quantisation_table", _change(quality=92)),
    "size": ("size", _change(side=40)),
    "name": ("name_word", _change(word="gen")),
    "copies": ("duplicate_leak", _copy(other_label=False)),
    "labels": ("label_conflict", _copy(other_label=True)),
    "control": ("", lambda one, _: one),
}


def write_planted(path: Path, plant: str, seed: int, count: int) -> Path:
    """A zip of `count` pictures, half of them fake, a third of them test, with one fault; the same arguments
    give the same bytes."""
    plain = [
        Planted(number, is_fake=number % 2 == 1, split="test" if number % 6 in (0, 3) else "train")
        for number in range(count)
    ]
    by_split = {split: [one for one in plain if one.split == split] for split in ("train", "test")}
    _, change = PLANTS[plant]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for one in (change(one, by_split) for one in plain):
            random = np.random.default_rng([seed, one.number if one.copy_of is None else one.copy_of])
            data = encode_jpeg(draw_picture(random, one.side), quality=one.quality)
            archive.writestr(zipfile.ZipInfo(one.member, (2020, 1, 1, 0, 0, 0)), data)
    return path


def is_found(path: Path, plant: str, seed: int) -> tuple[bool, str]:
    """Whether the audit says what it should, and what it said."""
    verdict = audit(read_dataset(path), seed=seed, workers=1).verdict
    codes = [reason.code for reason in verdict.reasons if reason.state.value == "broken"]
    wanted, _ = PLANTS[plant]
    said = f"{verdict.state.value}: {', '.join(reason.code for reason in verdict.reasons)}"
    return (wanted in codes if wanted else verdict.state.value == "clean"), said


def judge_all(seeds: int, count: int) -> Iterator[tuple[str, int, bool]]:
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            for plant in PLANTS:
                path = write_planted(Path(folder) / f"{plant}.zip", plant, seed, count)
                found, said = is_found(path, plant, seed)
                if not found:
                    print(f"{plant}, seed {seed}: {said}", file=sys.stderr)
                yield plant, seed, found


def main() -> int:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--seeds", type=int, default=20, help="sets of each kind")
    parser.add_argument("--pictures", type=int, default=360, help="in each set")
    given = parser.parse_args()
    answers = list(judge_all(given.seeds, given.pictures))
    planted = [found for plant, _, found in answers if plant != "control"]
    clean = [found for plant, _, found in answers if plant == "control"]
    figures = {
        "audit.planted": share(sum(planted), len(planted)),
        "audit.planted.control": share(sum(clean), len(clean)),
    }
    commands.finish("audit_planted", figures, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
