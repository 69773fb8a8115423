"""The further looks of `doctored evaluate`: robustness and attacks, explanations, mistakes."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from doctored.detector import DEFAULT_BUDGET, open_detector
from doctored.evaluate.compare import find_detector
from doctored.evaluate.evaluation import Evaluation, open_data
from doctored.evaluate.white_box import find_run

Progress = Callable[[int, int], None]
Shown = Callable[[str], AbstractContextManager[Progress]]


class Looks(NamedTuple):
    """Which looks are asked for."""

    robustness: bool = False
    explanations: bool = False
    errors: bool = False


def look_further(
    detector: str | os.PathLike[str],
    data: str | os.PathLike[str],
    evaluation: Evaluation,
    out: str | os.PathLike[str],
    looks: Looks,
    shown: Shown,
    *,
    budget: float = DEFAULT_BUDGET,
) -> list[str]:
    """Take the looks that are asked for and write their files into `out`; what they say, in sentences.

    `detector` and `data` are those of `evaluation`; `shown(title)` gives a progress bar. Where `detector` is
    the file in a run's folder, its weights are attacked and randomised too.
    """
    detector = find_detector(detector)
    folder, run = Path(out), find_run(Path(detector))
    told: list[Any] = []
    with open_detector(detector) as opened:
        if looks.robustness:
            from doctored.evaluate.robustness import measure_robustness
            from doctored.evaluate.white_box import measure_attacks

            with shown("distorting") as progress:
                told += measure_robustness(
                    opened, evaluation, folder, budget=budget, progress=progress
                ).insights
            with shown("attacking") as progress:
                attacks = measure_attacks(opened, evaluation, folder, run, budget=budget, progress=progress)
            told.append(attacks["warning"] if attacks["available"] else f"No attacks. {attacks['reason']}")
        if looks.explanations:
            from doctored.evaluate.explanations import examine_explanations

            with shown("explaining") as progress:
                seen = examine_explanations(opened, evaluation, folder, run, budget=budget, progress=progress)
            told += seen["insights"] if seen["available"] else [seen["reason"]]
        if looks.errors:
            from doctored.evaluate.errors import analyse_errors

            _, whole, _ = open_data(data)
            told += analyse_errors(opened, evaluation, folder, whole, budget=budget)["insights"]
    return [sentence for sentence in told if sentence]
