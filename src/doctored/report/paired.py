"""Two detectors on the same pictures: what the paired tests of an evaluation say."""

from collections.abc import Mapping
from typing import Any

from doctored.page.document import insight, table
from doctored.page.markup import Markup
from doctored.report.artefacts import EVALUATION, Absent, Run
from doctored.report.wording import pictures, read_figure, valued

SIGNIFICANT = 0.05
TITLES = {"accuracy": "accuracy", "roc_auc": "ROC AUC"}


def draw_paired(run: Run) -> list[Markup]:
    found = run.json(EVALUATION)
    paired = found.get("paired")
    if not paired:
        raise Absent("No other detector was put beside it.")
    names = str(found["detector"]["name"]), str(paired["against"]["name"])
    rows = []
    for name, title in TITLES.items():
        test = paired.get(name)
        if test:
            rows.append(_row(title, test))
    caption = f"Both on the same {pictures(int(paired['n']))}"
    headers = ["", *names, "difference", "95 % interval", "p"]
    return [insight(tell_paired(paired, *names)), table(headers, rows, caption=caption, is_named=True)]


def _row(title: str, test: Mapping[str, Any]) -> list[object]:
    ours, theirs, difference = (read_figure(test[key]) for key in ("ours", "theirs", "difference"))
    p = test.get("p")
    cells: list[object] = [title]
    cells += ["–" if figure is None else f"{valued(figure):.4f}" for figure in (ours, theirs)]
    if difference is None:
        return [*cells, "–", "–", "–"]
    interval = "–" if difference.low is None else f"{difference.low:+.4f} to {difference.high:+.4f}"
    return [*cells, f"{valued(difference):+.4f}", interval, "–" if p is None else tell_p(float(p))]


def tell_p(p: float) -> str:
    return "under 0.0001" if p < 0.0001 else f"{p:.4f}"


def tell_paired(paired: Mapping[str, Any], ours: str, theirs: str) -> str:
    """Which is better, only where the paired test says so."""
    told = []
    for name, title in TITLES.items():
        test = paired.get(name)
        if not test or test.get("p") is None:
            continue
        difference, p = read_figure(test["difference"]), float(test["p"])
        if difference is None:
            continue
        if p >= SIGNIFICANT:
            told.append(f"no difference in {title} that these pictures could show (p = {p:.2f})")
        else:
            better = ours if valued(difference) > 0 else theirs
            told.append(
                f"{better} has the higher {title} (p {'=' if p >= 0.0001 else ''} {tell_p(p)})".replace(
                    "p  ", "p "
                )
            )
    if not told:
        return f"Nothing tells {ours} and {theirs} apart."
    return f"{ours} against {theirs} on the same {pictures(int(paired['n']))}: {'; '.join(told)}."
