"""Where a detector is most wrong and where it cannot tell, each picture with its neighbours.

Neighbours are nearest in embedding space, each dimension scaled to deviation 1 over those that are looked
through: pictures of the training split where the data has one, else of the validation split, else the others
that were evaluated.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.files import written_aside
from doctored.data.manifest import Manifest
from doctored.detector import DEFAULT_BUDGET, Detector
from doctored.evaluate.evaluation import Evaluation
from doctored.evaluate.outcome import answers
from doctored.evaluate.sample import Rows, read_pictures, read_views
from doctored.explain.sheet import fit
from doctored.measure.calibrate import sigmoid
from doctored.picture import encode_png
from doctored.records import Label
from doctored.version import __version__

REPORT, FOLDER = "errors.json", "errors"
PICTURES_A_LIST, NEIGHBOURS, SEARCHED = 24, 5, 5000
SMALL_SIDE, LARGE_SIDE = 96, 160
TITLES = {
    "real_called_fake": "Real pictures called fake, the surest first",
    "fake_called_real": "Fakes called real, the surest first",
    "ambiguous": "Nearest to probability one half",
}
SAYS = {
    "train": "the training pictures of this data set",
    "val": "the validation pictures of this data set",
    None: "the other pictures that were evaluated",
}


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Pictures that neighbours are looked for among: rows of a manifest and their embeddings [n, d]."""

    says: str
    manifest: Manifest
    rows: Rows
    embeddings: NDArray[np.float64]

    def nearest(
        self, embedding: NDArray[np.float64], but: str, count: int = NEIGHBOURS
    ) -> list[tuple[int, float]]:
        """The nearest rows and how far they are, the picture `but` (an id) left out."""
        if not len(self.rows):
            return []
        spread = self.embeddings.std(axis=0)
        spread[spread == 0] = 1.0
        distances = np.linalg.norm((self.embeddings - embedding) / spread, axis=1)
        identities = self.manifest.column("id")
        order = np.argsort(distances, kind="stable")[: count + 1]
        found = [(int(self.rows[place]), float(distances[place])) for place in order]
        return [(row, distance) for row, distance in found if identities[row] != but][:count]


def analyse_errors(
    detector: Detector,
    evaluation: Evaluation,
    out: Path,
    whole: Manifest | None = None,
    *,
    budget: float = DEFAULT_BUDGET,
    pictures: int = PICTURES_A_LIST,
    seed: int = 0,
) -> dict[str, Any]:
    """Write `errors.json` and small PNGs under `errors/` into `out`; returns the file's content.

    `whole` is the data set with its other splits, for neighbours. Raises DataError where a source is gone,
    DetectorError where the detector fails.
    """
    judgements = evaluation.judgements
    lists = choose_rows(judgements.labels, judgements.logits, pictures)
    crowd = gather_crowd(detector, evaluation, whole, seed)
    chosen = np.unique(np.concatenate([rows for rows, _ in lists.values()]))
    identities = judgements.manifest.column("id")
    near = {
        row: crowd.nearest(embedding, identities[row])
        for row, embedding in _embed(detector, judgements.manifest, chosen)
    }
    others = np.unique([row for found in near.values() for row, _ in found]).astype(np.int64)
    shown = _Shown(
        evaluation,
        answers(evaluation.card, judgements, budget),
        crowd,
        near,
        dict(_draw(judgements.manifest, chosen, out, "picture")),
        dict(_draw(crowd.manifest, others, out, "neighbour")),
    )
    told = evaluation.to_json()
    report = {
        **{key: told[key] for key in ("detector", "data", "split")},
        "doctored": __version__,
        "budget": budget,
        "neighbours_from": f"{crowd.says} ({len(crowd.rows):,} looked through)",
        "lists": [
            {
                "name": name,
                "title": TITLES[name],
                "of": of,
                "pictures": [shown.describe(int(row)) for row in rows],
            }
            for name, (rows, of) in lists.items()
        ],
    }
    report["insights"] = tell_insights(report["lists"])
    with written_aside(out / REPORT) as aside:
        aside.write_text(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return report


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What is told of a row: its answer, its neighbours (rows of the crowd, how far), its file and theirs."""

    evaluation: Evaluation
    said: list[Label | None]
    crowd: Crowd
    near: dict[int, list[tuple[int, float]]]
    files: dict[int, str]
    neighbour_files: dict[int, str]

    def describe(self, row: int) -> dict[str, Any]:
        judgements, answer = self.evaluation.judgements, self.said[row]
        logit = float(judgements.logits[row])
        columns = self.crowd.manifest.columns
        return {
            "file": self.files.get(row),
            "id": judgements.manifest.column("id")[row],
            "truth": judgements.manifest.column("label")[row],
            "called": "fake" if logit >= 0 else "real",
            "answer": answer.value if answer is not None else None,
            "probability": round(float(sigmoid(logit)), 6),
            "logit": logit,
            "problem": judgements.problems[row],
            "neighbours": [
                {
                    "file": self.neighbour_files.get(other),
                    **{name: columns[name][other] for name in ("id", "label", "split")},
                    "distance": round(distance, 4),
                }
                for other, distance in self.near.get(row, ())
            ],
        }


def choose_rows(
    labels: NDArray[np.uint8], logits: NDArray[np.float64], count: int
) -> dict[str, tuple[Rows, int]]:
    """By list: its rows in order, and how many belong to it in all. Rows without a score (NaN) are in none of
    them."""
    is_scored = ~np.isnan(logits)
    sure = np.abs(np.where(is_scored, logits, 0.0))
    members = {
        "real_called_fake": np.flatnonzero(is_scored & (labels == 0) & (logits >= 0)),
        "fake_called_real": np.flatnonzero(is_scored & (labels == 1) & (logits < 0)),
        "ambiguous": np.flatnonzero(is_scored),
    }
    return {
        name: (
            rows[np.argsort(sure[rows] * (1 if name == "ambiguous" else -1), kind="stable")][:count],
            len(rows),
        )
        for name, rows in members.items()
    }


def gather_crowd(detector: Detector, evaluation: Evaluation, whole: Manifest | None, seed: int) -> Crowd:
    """At most SEARCHED pictures to look for neighbours among, drawn at random from the first split of which
    the detector can read any."""
    judgements = evaluation.judgements
    for split in ("train", "val", None):
        if split is None:
            manifest, rows = judgements.manifest, np.flatnonzero(judgements.is_scored)
        elif whole is not None and split != evaluation.split:
            manifest, rows = whole, np.flatnonzero([value == split for value in whole.column("split")])
        else:
            continue
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:SEARCHED])
        if found := list(_embed(detector, manifest, rows)):
            break
    embeddings = np.array([embedding for _, embedding in found])
    return Crowd(SAYS[split], manifest, np.array([row for row, _ in found], np.int64), embeddings)


def _embed(detector: Detector, manifest: Manifest, rows: Rows) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Those rows that can be read, with their embeddings, float64 [d]."""
    views, is_read = read_views(manifest, rows, detector.card.preprocess)
    if is_read.any():
        embeddings = detector.run(views[is_read]).embedding.astype(np.float64)
        yield from zip(rows[is_read].tolist(), embeddings, strict=True)


def _draw(manifest: Manifest, rows: Rows, out: Path, name: str) -> Iterator[tuple[int, str]]:
    """Small PNGs of those rows that can be read; the files' names by row."""
    for number, (row, pixels) in enumerate(read_pictures(manifest, rows)):
        if pixels is None:
            continue
        file = f"{FOLDER}/{name}-{number:03d}.png"
        with written_aside(out / file) as aside:
            aside.write_bytes(encode_png(fit(pixels, SMALL_SIDE, LARGE_SIDE)))
        yield row, file


def tell_insights(lists: list[dict[str, Any]]) -> list[str]:
    """How many mistakes there are, and what their neighbours are labelled."""
    mistakes = [entry for entry in lists if entry["name"] != "ambiguous"]
    total = sum(entry["of"] for entry in mistakes)
    if not total:
        return ["No picture that could be scored is called wrongly."]
    counts = ", ".join(f"{entry['of']:,} {entry['name'].replace('_', ' ')}" for entry in mistakes)
    sentences = [f"{total:,} pictures are called wrongly at probability one half: {counts}."]
    shown = [picture for entry in mistakes for picture in entry["pictures"] if picture["neighbours"]]
    sided = [
        picture
        for picture in shown
        if all(other["label"] not in (None, picture["truth"]) for other in picture["neighbours"])
    ]
    if shown:
        sentences.append(
            f"Of the {len(shown)} surest, {len(sided)} have only neighbours with the other label: look there "
            "first for wrong labels and near copies."
        )
    return sentences
