"""The card inside a detector file: what it asks, where it may be believed, what it was bought with.

It is JSON under the metadata key `doctored` (docs/detector-file.md lists every key). Whatever is read from
a file is checked here in full, for a file may come from anybody: unknown and missing keys, types, ranges
and sizes. A message names the path of the key that is wrong.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from doctored.errors import DetectorError, DoctoredError, UsageError
from doctored.picture import Preprocess
from doctored.records import Label

SCHEMA = 1
METADATA_KEY = "doctored"
MAX_CARD_BYTES = 1 << 20
ONE_VIEW = "one"
_MAX_TEXT = 20_000
NAME = re.compile(r"[a-z0-9-]{1,64}")
_AGAIN = "ask whoever made the file for one that keeps docs/detector-file.md"

Choice = TypeVar("Choice", bound=StrEnum)


class Asks(StrEnum):
    """What forgery the detector looks for."""

    GENERATED = "generated"
    TAMPERED = "tampered"
    EITHER = "either"


class DomainKind(StrEnum):
    LAB = "lab"
    PHOTO = "photo"
    FACE = "face"


class PoolKind(StrEnum):
    MEAN = "mean"
    SMOOTHMAX = "smoothmax"


@dataclass(frozen=True, slots=True)
class Domain:
    """Where the detector may be believed: sides in pixels, the largest `distance`, a sentence for people."""

    kind: DomainKind
    min_side: int
    max_side: int
    distance_limit: float
    text: str


@dataclass(frozen=True, slots=True)
class Pool:
    """How evidence e becomes the logit: mean(e), or T·log(mean(exp(e/T))) at the `temperature` T."""

    kind: PoolKind = PoolKind.MEAN
    temperature: float | None = None

    def apply(self, evidence: NDArray[Any]) -> NDArray[np.float64]:
        """The logits [N] of evidence maps [N, h, w]."""
        cells = evidence.reshape(len(evidence), -1).astype(np.float64)
        if self.temperature is None:
            return np.asarray(cells.mean(axis=1))
        scaled = cells / self.temperature
        top = scaled.max(axis=1)
        return np.asarray(self.temperature * (top + np.log(np.exp(scaled - top[:, None]).mean(axis=1))))


@dataclass(frozen=True, slots=True)
class Threshold:
    """A logit bought on `n` pictures with a false-answer `budget`; `bound` is that rate's upper bound."""

    budget: float
    logit: float
    bound: float
    n: int


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured figure on `n` pictures, with its 95 % interval."""

    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Where the detector comes from and what it cannot do, for people."""

    data: str
    counts: Mapping[str, int]
    licence: str
    metrics: Mapping[str, Metric]
    limits: str
    commit: str
    command: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """All that a detector file says of itself.

    `thresholds["fake"]`: a logit at or above it says fake; its budget is the share of real pictures that
    may be called fake. `thresholds["real"]`: a logit at or below it says real; its budget is the share of
    fakes that may be called real. Both lists hold the same budgets, and `real` lies below `fake` at each.
    `digest` is that of the training manifest.
    """

    name: str
    version: str
    asks: Asks
    domain: Domain
    preprocess: Preprocess
    pool: Pool
    thresholds: Mapping[str, tuple[Threshold, ...]]
    card: ModelCard
    digest: str
    views: str = ONE_VIEW

    def threshold(self, side: str, budget: float) -> Threshold:
        """The threshold of `side` (`fake` or `real`) bought for a budget; UsageError names all."""
        for threshold in self.thresholds[side]:
            if math.isclose(threshold.budget, budget, rel_tol=1e-9):
                return threshold
        known = ", ".join(f"{threshold.budget:g}" for threshold in self.thresholds[side])
        raise UsageError(f"{self.name} has no threshold for a budget of {budget:g}: choose one of {known}")

    def decide(self, logit: float, budget: float) -> Label:
        """What a logit says at a budget; between the two thresholds it says nothing (`unsure`)."""
        if logit >= self.threshold("fake", budget).logit:
            return Label.FAKE
        return Label.REAL if logit <= self.threshold("real", budget).logit else Label.UNSURE

    def to_json(self) -> str:
        """The JSON text for the file; `Card.from_json` reads it back and gives an equal card."""
        domain, notes = self.domain, self.card
        pool: dict[str, Any] = {"kind": self.pool.kind.value}
        if self.pool.temperature is not None:
            pool["temperature"] = self.pool.temperature
        value = {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.version,
            "asks": self.asks.value,
            "domain": {
                "kind": domain.kind.value,
                "sizes": {"min_side": domain.min_side, "max_side": domain.max_side},
                "distance_limit": domain.distance_limit,
                "text": domain.text,
            },
            "preprocess": self.preprocess.to_json(),
            "pool": pool,
            "views": self.views,
            "thresholds": {
                side: [_as_dict(threshold) for threshold in rows] for side, rows in self.thresholds.items()
            },
            "card": {
                **_as_dict(notes),
                "counts": dict(notes.counts),
                "metrics": {key: _as_dict(metric) for key, metric in notes.metrics.items()},
            },
            "digest": self.digest,
        }
        return json.dumps(value, allow_nan=False, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read and check a card; DetectorError names the first key that is wrong."""
        return _read_card(_parse(text))


def _as_dict(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


# ------------------------------------------------------------------------------------- reading and checking


@dataclass(frozen=True, slots=True)
class _Node:
    """A JSON value and where it stands; each method returns it checked or raises DetectorError."""

    value: Any
    path: str

    def refuse(self, because: str) -> DetectorError:
        place = f"at '{self.path}'" if self.path else "as a whole"
        return DetectorError(f"the detector's card is not valid {place}: {because}; {_AGAIN}")

    def members(self) -> dict[str, "_Node"]:
        if not isinstance(self.value, dict):
            raise self.refuse("an object is expected")
        for key in self.value:
            _Node(key, self.path).text(max_chars=100)
        return {key: _Node(value, f"{self.path}.{key}".lstrip(".")) for key, value in self.value.items()}

    def keys(self, *names: str) -> list["_Node"]:
        """The members with these names, in this order; there must be these and no others."""
        members = self.members()
        if missing := [name for name in names if name not in members]:
            raise self.refuse(f"'{missing[0]}' is missing")
        if unknown := [key for key in members if key not in names]:
            raise self.refuse(f"{unknown[0][:64]!r} is not a known key")
        return [members[name] for name in names]

    def each(self, at_least: int = 0) -> list["_Node"]:
        if not isinstance(self.value, list) or len(self.value) < at_least:
            raise self.refuse(f"a list of at least {at_least} is expected")
        return [_Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self, max_chars: int = _MAX_TEXT) -> str:
        if not isinstance(self.value, str) or len(self.value) > max_chars:
            raise self.refuse(f"a text of at most {max_chars} characters is expected")
        if not self.value.isprintable():  # it is shown in terminals and pages
            raise self.refuse("the text holds a character that cannot be shown")
        return self.value

    def choice(self, choices: type[Choice]) -> Choice:
        if self.value not in list(choices):
            raise self.refuse(f"one of {', '.join(choices)} is expected")
        return choices(self.value)

    def number(self, low: float = -1e9, high: float = 1e9) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.refuse("a number is expected")
        if not low <= self.value <= high:  # NaN fails too
            raise self.refuse(f"a number from {low:g} to {high:g} is expected")
        return float(self.value)

    def integer(self, low: int = 0, high: int = 2**53) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.refuse("a whole number is expected")
        if not low <= self.value <= high:
            raise self.refuse(f"a whole number from {low} to {high} is expected")
        return self.value


def _parse(text: str) -> _Node:
    if len(text.encode("utf-8", "replace")) > MAX_CARD_BYTES:
        raise _Node(None, "").refuse(f"it is larger than {MAX_CARD_BYTES} bytes")
    try:
        return _Node(json.loads(text, object_pairs_hook=_without_doubles), "")
    except (ValueError, RecursionError) as error:
        raise _Node(None, "").refuse(f"it is not JSON ({str(error)[:100]})") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


def _read_card(root: _Node) -> Card:
    members = root.members()
    if "schema" in members and (schema := members["schema"].integer()) > SCHEMA:
        raise DetectorError(
            f"the detector file is of schema {schema}, and this Doctored reads up to {SCHEMA}: "
            "install a newer Doctored (pip install --upgrade doctored)"
        )
    names = ("schema", "name", "version", "asks", "domain", "preprocess", "pool", "views", "thresholds")
    schema_, name, version, asks, domain, preprocess, pool, views, thresholds, card, digest = root.keys(
        *names, "card", "digest"
    )
    schema_.integer(low=SCHEMA)
    if not NAME.fullmatch(name.text(64)):
        raise name.refuse("1 to 64 lower-case letters, digits and hyphens are expected")
    if views.text(64) != ONE_VIEW:
        raise views.refuse(f"this Doctored reads detectors of '{ONE_VIEW}' view only")
    return Card(
        name=name.text(),
        version=version.text(64),
        asks=asks.choice(Asks),
        domain=_read_domain(domain),
        preprocess=_read_preprocess(preprocess),
        pool=_read_pool(pool),
        thresholds=_read_both_sides(thresholds),
        card=_read_model_card(card),
        digest=digest.text(200),
        views=views.text(),
    )


def _read_domain(node: _Node) -> Domain:
    kind, sizes, distance_limit, text = node.keys("kind", "sizes", "distance_limit", "text")
    min_side, max_side = sizes.keys("min_side", "max_side")
    smallest = min_side.integer(low=1)
    return Domain(
        kind=kind.choice(DomainKind),
        min_side=smallest,
        max_side=max_side.integer(low=smallest),
        distance_limit=distance_limit.number(low=0.0),
        text=text.text(1000),
    )


def _read_preprocess(node: _Node) -> Preprocess:
    node.members()
    try:
        preprocess = Preprocess.from_json(node.value)
    except DoctoredError as error:
        raise node.refuse(" ".join(str(error).split())[:200]) from error
    if preprocess.kind == "tiles":
        raise node.refuse(f"tiles make several views, and this Doctored reads detectors of '{ONE_VIEW}' only")
    return preprocess


def _read_pool(node: _Node) -> Pool:
    if node.members().get("kind", node).value != PoolKind.SMOOTHMAX:
        (kind,) = node.keys("kind")
        return Pool(kind.choice(PoolKind))
    kind, temperature = node.keys("kind", "temperature")
    return Pool(kind.choice(PoolKind), temperature.number(low=1e-6))


def _read_both_sides(node: _Node) -> dict[str, tuple[Threshold, ...]]:
    fake, real = (_read_thresholds(side) for side in node.keys("fake", "real"))
    below = {row.budget: row.logit for row in real}
    if below.keys() != {row.budget for row in fake}:
        raise node.refuse("'fake' and 'real' have different budgets")
    if any(below[row.budget] >= row.logit for row in fake):
        raise node.refuse("a threshold for 'real' is not below the one for 'fake'")
    return {"fake": fake, "real": real}


def _read_thresholds(node: _Node) -> tuple[Threshold, ...]:
    rows = []
    for row in node.each(at_least=1):
        budget, logit, bound, n = row.keys("budget", "logit", "bound", "n")
        rows.append(Threshold(budget.number(1e-6, 0.5), logit.number(), bound.number(0, 1), n.integer(1)))
    if len({row.budget for row in rows}) != len(rows):
        raise node.refuse("a budget appears twice")
    return tuple(rows)


def _read_model_card(node: _Node) -> ModelCard:
    data, counts, licence, metrics, limits, commit, command, text = node.keys(*ModelCard.__slots__)
    measured = {}
    for key, metric in metrics.members().items():
        value, n, low, high = metric.keys("value", "n", "low", "high")
        measured[key] = Metric(value.number(), n.integer(1), low.number(), high.number())
    return ModelCard(
        data=data.text(),
        counts={key: count.integer() for key, count in counts.members().items()},
        licence=licence.text(),
        metrics=measured,
        limits=limits.text(),
        commit=commit.text(200),
        command=command.text(),
        text=text.text(),
    )
