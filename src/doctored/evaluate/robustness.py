"""How a detector stands what happens to pictures on their way: the grid, measured.

Worker processes decode each picture once and make all of its copies; the detector runs meanwhile. Every score
is kept in `robustness.jsonl` as soon as it is there, so that the same call goes on where an earlier one was
stopped, and ends with the same figures. `robustness.json` is written last.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.decoding import work_through
from doctored.data.files import told_plainly, written_aside
from doctored.data.pack import open_stores
from doctored.detector import DEFAULT_BUDGET, Detector
from doctored.evaluate.evaluation import Evaluation
from doctored.evaluate.grid import GRID, Cell
from doctored.evaluate.reaction import Figures, commoner_share, describe_reaction, figures_json
from doctored.evaluate.sample import Rows, count_workers, cut_chunks, draw_sample
from doctored.version import __version__

PICTURES = 4000
WORKER = "doctored.evaluate.distorting_worker"
SCORES, REPORT = "robustness.jsonl", "robustness.json"
# What counts as lost: this share of what the detector has above chance on the clean pictures.
_LOST = 0.25

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Robustness:
    """Figures by cell, in the grid's order; `clean` are of the same pictures, `clean_all` of all. `chance` is
    the accuracy on them of who always gives the commoner answer."""

    evaluation: Evaluation
    budget: float
    seed: int
    pictures: int
    chance: float
    clean_all: Figures
    clean: Figures
    cells: tuple[tuple[Cell, Figures, int], ...]

    @property
    def insights(self) -> list[str]:
        return tell_insights(self)

    def to_json(self) -> dict[str, Any]:
        told = self.evaluation.to_json()
        return {
            **{key: told[key] for key in ("detector", "data", "split")},
            "doctored": __version__,
            "budget": self.budget,
            "threshold": self.evaluation.card.threshold("fake", self.budget).logit,
            "pictures": self.pictures,
            "of": self.evaluation.counts["scored"],
            "seed": self.seed,
            "chance": self.chance,
            "clean_all": figures_json(self.clean_all),
            "clean": figures_json(self.clean),
            "cells": [
                {**cell.to_json(), "failed": failed, "figures": figures_json(figures)}
                for cell, figures, failed in self.cells
            ],
            "insights": self.insights,
        }


def measure_robustness(
    detector: Detector,
    evaluation: Evaluation,
    out: Path,
    *,
    budget: float = DEFAULT_BUDGET,
    pictures: int = PICTURES,
    seed: int = 0,
    grid: Sequence[Cell] = GRID,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Robustness:
    """Measure the grid on a fixed draw of the pictures that `evaluation` scored; files go into `out`.

    `detector` is the one that was evaluated. The pictures are read from where the manifest says they are.
    `progress(done, total)` counts pictures; `workers` are processes, one a core where not told.
    Raises DataError where a source is gone, DetectorError where the detector fails.
    """
    judgements = evaluation.judgements
    rows = draw_sample(judgements, pictures, seed)
    scores = _Scores(out / SCORES, _describe_request(evaluation, rows, seed, grid), rows, len(grid))
    report = progress or (lambda done, total: None)
    report(scores.done, len(rows))
    with told_plainly(out / SCORES), closing(scores):
        for numbers, logits, distances in _score_copies(
            detector, evaluation, scores.missing, seed, grid, workers
        ):
            scores.keep(numbers, logits, distances)
            report(scores.done, len(rows))
    limit = detector.card.domain.distance_limit
    labels = judgements.labels[rows]
    cells = []
    for index, cell in enumerate(grid):
        logits, distances = scores.logits[:, index], scores.distances[:, index]
        known = ~np.isnan(logits)
        figures = describe_reaction(
            detector.card, labels[known], logits[known], distances[known] <= limit, budget
        )
        cells.append((cell, figures, int((~known).sum())))
    found = Robustness(
        evaluation,
        budget,
        seed,
        len(rows),
        commoner_share(labels),
        clean_figures(evaluation, np.flatnonzero(judgements.is_scored), budget),
        clean_figures(evaluation, rows, budget),
        tuple(cells),
    )
    with written_aside(out / REPORT) as aside:
        text = json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        aside.write_text(text + "\n", encoding="utf-8")
    return found


def clean_figures(evaluation: Evaluation, rows: Rows, budget: float) -> Figures:
    """The figures of undistorted pictures, from what `evaluate` found."""
    judgements = evaluation.judgements
    labels, logits = judgements.labels[rows], judgements.logits[rows]
    return describe_reaction(evaluation.card, labels, logits, judgements.is_in_domain[rows], budget)


def _score_copies(
    detector: Detector,
    evaluation: Evaluation,
    rows: Rows,
    seed: int,
    grid: Sequence[Cell],
    workers: int | None,
) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64], NDArray[np.float64]]]:
    """Row numbers with logits and distances, float64 [rows, cells], NaN where a picture failed, as they
    come."""
    if not len(rows):
        return
    card, manifest = detector.card, evaluation.judgements.manifest
    size = card.preprocess.size
    request = {
        "preprocess": card.preprocess.to_json(),
        "equalisation": manifest.metadata.equalisation,
        "sides": [card.domain.min_side, card.domain.max_side],
        "cells": [[cell.name, [list(step) for step in cell.chain]] for cell in grid],
        "seed": seed,
    }
    chunks = cut_chunks(manifest, rows, len(grid) * size * size * 3)
    for answered in work_through(chunks, WORKER, request, workers or count_workers(len(rows))):
        shape = (len(answered.chunk.indices), len(grid))
        logits, distances = np.full(shape, np.nan), np.full(shape, np.nan)
        is_made = np.array(["error" not in result for result in answered.results])
        if answered.blobs and is_made.any():
            copies = np.frombuffer(answered.blobs[0], np.uint8).reshape(*shape, size, size, 3)[is_made]
            outputs = detector.run(copies.reshape(-1, size, size, 3))
            logits[is_made] = outputs.logit.reshape(-1, len(grid))
            distances[is_made] = outputs.distance.reshape(-1, len(grid))
        yield answered.chunk.indices, logits, distances


def _describe_request(evaluation: Evaluation, rows: Rows, seed: int, grid: Sequence[Cell]) -> str:
    """A digest of all that decides the scores."""
    manifest = evaluation.judgements.manifest
    identities = manifest.column("id")
    with ExitStack() as stack:
        sources = [store.digest() for store in open_stores(manifest.select(rows), stack).values()]
    told = json.dumps(
        [
            __version__,
            evaluation.sha256,
            evaluation.digest,
            sources,
            seed,
            [cell.to_json() for cell in grid],
            [identities[row] for row in rows],
        ]
    )
    return hashlib.sha256(told.encode()).hexdigest()


class _Scores:
    """Logits and distances, float64 [pictures, cells], NaN where not known (yet), and the file that has them.

    A line of the file is a chunk: row numbers, and for each its logits and distances; a first line names the
    request. A file of another request is begun anew, a last line that a kill cut is made again.
    """

    def __init__(self, path: Path, request: str, rows: Rows, cells: int) -> None:
        self.rows = rows
        self.logits = np.full((len(rows), cells), np.nan)
        self.distances = np.full((len(rows), cells), np.nan)
        self._place = {row: index for index, row in enumerate(rows.tolist())}
        self._is_done = np.zeros(len(rows), bool)
        head = json.dumps({"request": request}).encode() + b"\n"
        with told_plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._read(path, head)
            self._file = path.open("r+b" if kept else "wb")
            self._file.truncate(kept)
            self._file.seek(kept)
            if not kept:
                self._file.write(head)

    @property
    def done(self) -> int:
        return int(self._is_done.sum())

    @property
    def missing(self) -> Rows:
        return self.rows[~self._is_done]

    def keep(self, rows: Sequence[int], logits: NDArray[np.float64], distances: NDArray[np.float64]) -> None:
        self._enter(rows, logits, distances)
        tables = [[[_or_none(value) for value in row] for row in table] for table in (logits, distances)]
        line = json.dumps({"rows": list(rows), "logits": tables[0], "distances": tables[1]})
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _enter(self, rows: Sequence[int], logits: Any, distances: Any) -> None:
        places = [self._place[row] for row in rows]
        self.logits[places] = np.array(logits, dtype=np.float64)
        self.distances[places] = np.array(distances, dtype=np.float64)
        self._is_done[places] = True

    def _read(self, path: Path, head: bytes) -> int:
        """Take over what the file knows; how many of its bytes are sound."""
        if not path.exists():
            return 0
        with path.open("rb") as lines:
            if lines.readline() != head:
                return 0
            kept = len(head)
            for line in lines:
                try:
                    told = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                self._enter(told["rows"], told["logits"], told["distances"])
                kept += len(line)
        self._is_done &= ~np.isnan(self.logits).all(axis=1)  # what failed then is asked again
        return kept


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def tell_insights(found: Robustness) -> list[str]:
    """What the grid says, in sentences: where ranking survives what the threshold does not, and the worst."""
    lost = {name: _lost(found, "accuracy", figures) for (name, *_), figures, _ in found.cells}
    kept_ranking: list[tuple[float, Cell, Figures]] = []
    both: list[tuple[float, Cell, Figures]] = []
    stands: list[tuple[float, Cell, Figures]] = []
    for cell, figures, _ in found.cells:
        accuracy, ranking = lost[cell.name], _lost(found, "roc_auc", figures)
        if accuracy is None or ranking is None:
            continue
        group = stands if accuracy < _LOST else kept_ranking if ranking < _LOST else both
        group.append((accuracy, cell, figures))
    sentences = []
    if kept_ranking:
        _, cell, figures = max(kept_ranking, key=lambda entry: entry[0])
        sentences.append(
            f"Ranking survives where the threshold does not in {len(kept_ranking)} of {len(lost)} cells; "
            f"most in '{cell.text}': accuracy {_change(found, 'accuracy', figures)}, AUC "
            f"{_change(found, 'roc_auc', figures)}. A threshold bought on such pictures would mend it."
        )
    if both:
        _, cell, figures = max(both, key=lambda entry: entry[0])
        sentences.append(
            f"The traces are lost, AUC and all, in {len(both)} of {len(lost)} cells; most in '{cell.text}': "
            f"accuracy {_change(found, 'accuracy', figures)}, AUC {_change(found, 'roc_auc', figures)}."
        )
    if len(stands) == len(lost):
        sentences.append("In no cell does accuracy lose a quarter of what it has above chance.")
    elif stands:
        sentences.append(
            f"In {len(stands)} of {len(lost)} cells accuracy keeps three quarters and more of what it has "
            "above chance."
        )
    return sentences


def _lost(found: Robustness, name: str, figures: Figures) -> float | None:
    """Which share of what it has above chance, on clean pictures, a figure loses."""
    before, after = found.clean[name].value, figures[name].value
    chance = found.chance if name == "accuracy" else 0.5
    if before is None or after is None or before <= chance:
        return None
    return (before - after) / (before - chance)


def _change(found: Robustness, name: str, figures: Figures) -> str:
    return f"{found.clean[name].value:.3f} → {figures[name].value:.3f}"
