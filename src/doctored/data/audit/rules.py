"""Rules that no honest detector should need: what a file says of itself, without what it shows."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.facts import Facts, Words
from doctored.data.audit.scoring import Codes, Score, assign_folds, bin_values, judge_scores, score_codes
from doctored.data.picture_tables import file_of

CONFIDENCE = 0.95
MIN_OF_CLASS = 10
MOST_ROWS_IN_TREES = 20_000
_MOST_VALUES = 5
# As in the names of class folders; a name that holds one says no more than the folder does.
CLASS_WORDS = frozenset({
    "real", "authentic", "au", "nature", "genuine", "pristine", "original",
    "fake", "tampered", "tp", "sp", "forged", "manipulated", "ai", "generated", "synthetic",
    "spliced", "splicing", "copymove", "retouched",
})  # fmt: skip
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is stable; `about` names the property in a sentence; `read` gives words or numbers, one a row.

    `is_of_file` is true of what an equalisation does away with altogether: names, times, metadata.
    """

    name: str
    about: str
    read: Callable[[Facts], "Words | NDArray[np.float64]"]
    is_of_file: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule's `score` (None where all pictures are alike in it), and its most telling `values`."""

    name: str
    about: str
    score: Score | None
    values: tuple[dict[str, Any], ...] = ()


def _words(name: str) -> Callable[[Facts], Words]:
    return lambda facts: facts.words[name]


def _number(name: str) -> Callable[[Facts], NDArray[np.float64]]:
    return lambda facts: facts.records[name].astype(np.float64)


def _sizes(facts: Facts) -> Words:
    pairs = np.stack([facts.records["width"], facts.records["height"]], axis=1)
    sizes, codes = np.unique(pairs, axis=0, return_inverse=True)
    names = tuple(f"{width}×{height}" for width, height in sizes)
    return Words(codes.reshape(-1).astype(np.int32), names)


def _aspect(facts: Facts) -> NDArray[np.float64]:
    return np.asarray(facts.records["width"] / np.maximum(1, facts.records["height"]), np.float64)


def _bytes_per_pixel(facts: Facts) -> NDArray[np.float64]:
    pixels = facts.records["width"].astype(np.float64) * facts.records["height"]
    return np.asarray(facts.records["file_bytes"] / np.maximum(1, pixels))


def _exif(facts: Facts) -> Words:
    return Words(facts.records["has_exif"].astype(np.int32), ("no", "yes"))


def _stems(facts: Facts) -> list[str]:
    members = map(file_of, facts.manifest.column("member"))
    return [name.rsplit("/", 1)[-1].rpartition(".")[0] for name in members]


def _mask_class(match: re.Match[str]) -> str:
    return "CLASS" if match[0].casefold() in CLASS_WORDS else match[0]


def _name_shape(facts: Facts) -> Words:
    masked = (
        _LETTERS.sub(lambda m: "C" if m[0].casefold() in CLASS_WORDS else "a", s) for s in _stems(facts)
    )
    return Words.of([_DIGITS.sub("0", stem) for stem in masked])


def _name_word(facts: Facts) -> Words:
    firsts = (_LETTERS.search(_LETTERS.sub(_mask_class, stem)) for stem in _stems(facts))
    return Words.of([match[0] if match else "" for match in firsts])


def _name_number(facts: Facts) -> NDArray[np.float64]:
    firsts = (_DIGITS.search(stem) for stem in _stems(facts))
    return np.array([float(match[0][:15]) if match else np.nan for match in firsts])


def _name_class(facts: Facts) -> Words:
    found = []
    for stem in _stems(facts):
        words = (match[0].casefold() for match in _LETTERS.finditer(stem))
        found.append(next((word for word in words if word in CLASS_WORDS), ""))
    return Words.of(found)


def _time(facts: Facts) -> NDArray[np.float64]:
    return facts.modified.astype(np.float64)


RULES = (
    Rule("extension", "the file name's extension", _words("extension"), is_of_file=True),
    Rule("format", "the file format", _words("format")),
    Rule("size", "width and height", _sizes),
    Rule("aspect", "the ratio of width to height", _aspect),
    Rule("file_bytes", "the file's length in bytes", _number("file_bytes")),
    Rule("bytes_per_pixel", "bytes a pixel", _bytes_per_pixel),
    Rule("quantisation_table", "the JPEG quantisation tables", _words("tables")),
    Rule("jpeg_quality", "the JPEG quality that the tables tell", _number("quality")),
    Rule("subsampling", "the JPEG colour subsampling", _words("subsampling")),
    Rule("exif", "whether there is EXIF metadata", _exif),
    Rule("colour_mode", "the colour mode", _words("mode")),
    Rule("name_shape", "the shape of the file name", _name_shape, is_of_file=True),
    Rule("name_word", "the first word of the file name", _name_word, is_of_file=True),
    Rule("name_number", "the number in the file name", _name_number, is_of_file=True),
    Rule("name_class", "a word for the class in the file name", _name_class, is_of_file=True),
    Rule("time", "the time that the archive gives the file", _time, is_of_file=True),
)
UNSEEN = frozenset(rule.name for rule in RULES if rule.is_of_file)  # a network never learns these
CONTAINER_MODEL, PIXEL_MODEL = "container_model", "pixel_model"
# Corrected for all of them, the two models too, whether or not a set has them.
CORRECTED = 1 - (1 - CONFIDENCE) / (len(RULES) + 2)


def judge_rules(facts: Facts, units: Codes, seed: int = 0) -> list[Judged]:
    """Each rule alone, by tables learned on other folds. Empty below ten pictures of a class."""
    rows = np.flatnonzero(facts.is_usable)
    is_fake = facts.is_fake[rows]
    if min(int(is_fake.sum()), int((~is_fake).sum())) < MIN_OF_CLASS:
        return []
    folds = assign_folds(units[rows], is_fake, seed)
    judged = []
    for rule in _rules_for(facts):
        column = rule.read(facts)[rows]
        codes = column.codes.astype(np.int64) if isinstance(column, Words) else bin_values(column)
        score = None
        if len(np.unique(codes)) > 1:
            score = judge_scores(*score_codes(codes, is_fake, folds), is_fake, units[rows], CORRECTED)
        judged.append(Judged(rule.name, rule.about, score, tuple(_tell_values(column, codes, is_fake))))
    return judged


def judge_models(facts: Facts, units: Codes, seed: int = 0) -> list[Judged]:
    """Boosted trees on all rules together, and on the pixel statistics, on at most 20,000 pictures.

    Raises MissingExtra without scikit-learn. Empty below ten pictures of a class.
    """
    from doctored.data.audit.boosted import judge_trees

    rows = np.flatnonzero(facts.is_usable)
    if len(rows) > MOST_ROWS_IN_TREES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS_IN_TREES, replace=False))
    is_fake = facts.is_fake[rows]
    if min(int(is_fake.sum()), int((~is_fake).sum())) < MIN_OF_CLASS:
        return []
    folds = assign_folds(units[rows], is_fake, seed)
    columns = [rule.read(facts)[rows] for rule in _rules_for(facts) if rule.name != "name_class"]
    is_words = [isinstance(column, Words) for column in columns]
    values = [c.codes.astype(np.float64) if isinstance(c, Words) else c for c in columns]
    container = judge_trees(np.stack(values, axis=1), is_words, is_fake, folds, units[rows], CORRECTED)
    statistics = facts.records["statistics"][rows].astype(np.float64)
    no_words = [False] * statistics.shape[1]
    pixels = judge_trees(statistics, no_words, is_fake, folds, units[rows], CORRECTED)
    return [
        Judged(CONTAINER_MODEL, "all of these rules together (boosted trees)", container),
        Judged(PIXEL_MODEL, f"{statistics.shape[1]} statistics of the pixels (boosted trees)", pixels),
    ]


def _rules_for(facts: Facts) -> Iterator[Rule]:
    return (rule for rule in RULES if not (facts.is_equalised and rule.is_of_file))


def _tell_values(
    column: Words | NDArray[np.float64], codes: Codes, is_fake: NDArray[np.bool_]
) -> Iterator[dict[str, Any]]:
    """How many real and fake pictures have each value: those that set the classes apart most."""
    fakes = np.bincount(codes, weights=is_fake).astype(np.int64)
    reals = np.bincount(codes, weights=~is_fake).astype(np.int64)
    lead = np.abs(fakes / max(1, fakes.sum()) - reals / max(1, reals.sum()))
    seen = np.flatnonzero(fakes + reals)
    for code in seen[np.argsort(-lead[seen], kind="stable")][:_MOST_VALUES]:
        if isinstance(column, Words):
            value = column.names[code]
        else:
            held = column[codes == code]
            low, high = float(held.min()), float(held.max())
            value = "none" if np.isnan(low) else f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
        yield {"value": value or "none", "real": int(reals[code]), "fake": int(fakes[code])}
