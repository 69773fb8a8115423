"""Several runs on one page: figures side by side, and which differences are more than luck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from doctored.errors import DoctoredError
from doctored.measure.paired import compare_decisions, compare_rankings
from doctored.measure.summary import Figure
from doctored.page.document import document, insight, links, paragraphs, section, table, warning
from doctored.page.markup import Markup, join, tag
from doctored.page.plot import TONES, Series, legend, linear, panel, panels, plot
from doctored.report.artefacts import METRICS, Absent, Run, names
from doctored.report.convergence import epoch_axis
from doctored.report.measured import Measured, read_measured
from doctored.report.page import FOOT, MISSHAPEN, Drawn, keep_units
from doctored.report.paired import SIGNIFICANT, tell_p
from doctored.report.wording import TITLES, are_apart, range_of, share, value_of, valued

COMPARED = (
    "accuracy", "balanced_accuracy", "roc_auc", "average_precision", "eer", "tpr_at_fpr_0.01", "f1_fake",
    "f1_real", "log_loss", "brier", "ece_equal_mass", "ece",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One run of the comparison under a name that no other has."""

    name: str
    run: Run
    measured: Measured


@dataclass(slots=True)
class _Found:
    sides: list[Side] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Tried(NamedTuple):
    """Two sides on the same pictures: the difference of a figure, first less second, its interval, and p
    times the number of pairs that are tried (Bonferroni)."""

    first: str
    second: str
    figure: str
    n: int
    difference: float
    low: float | None
    high: float | None
    p: float


def draw_comparison(runs: Sequence[Run]) -> Drawn:
    """The page as HTML. Raises DoctoredError where fewer than two runs can be read."""
    found = _open(runs)
    if len(found.sides) < 2:
        raise DoctoredError(f"fewer than two runs have figures to compare: {'; '.join(found.problems)}")
    sides = found.sides
    tests = [
        test
        for pair in combinations(sides, 2)
        for test in try_pair(*pair, len(sides) * (len(sides) - 1) // 2)
    ]
    body = [
        links(
            "On this page",
            ("figures", "figures"),
            ("pairs", "pairs"),
            ("training", "training"),
            ("settings", "settings"),
        ),
        section(
            "Which one is best?",
            *[warning(text) for text in tell_unlike(sides)],
            insight(tell_best(sides, tests)),
            _draw_figures(sides),
            *_tell_seeds(sides),
            place="figures",
        ),
        section("Is that more than luck?", *_draw_tests(tests), place="pairs"),
        section("How quickly did they converge?", *_draw_training(sides, found.problems), place="training"),
        section("What was set differently?", *_draw_settings(sides), place="settings"),
    ]
    if found.problems:
        body.append(section("What could not be read", paragraphs(*found.problems)))
    lead = f"{names(side.name for side in sides)}, side by side."
    page = document(f"{len(sides)} runs compared", *body, lead=lead, foot=FOOT)
    return Drawn(keep_units(page), tuple(found.problems))


def _open(runs: Sequence[Run]) -> _Found:
    found = _Found()
    taken: dict[str, int] = {}
    for run in runs:
        taken[run.name] = taken.get(run.name, 0) + 1
        name = run.name if taken[run.name] == 1 else f"{run.name} ({taken[run.name]})"
        try:
            measured = read_measured(run)
            if "accuracy" not in measured.figures:
                raise Absent(f"{measured.source} names no accuracy.")
            found.sides.append(Side(name, run, measured))
        except (Absent, DoctoredError) as error:
            found.problems.append(f"{name}: {str(error).rstrip('.')}")
        except MISSHAPEN as error:
            found.problems.append(f"{name}: its figures are not as this Doctored writes them ({error})")
    return found


def try_pair(one: Side, other: Side, pairs: int) -> list[Tried]:
    """Both paired tests, where both runs kept their scores of the same pictures."""
    try:
        first, second = one.run.predictions, other.run.predictions
    except (Absent, DoctoredError, *MISSHAPEN):
        return []
    place = {name: row for row, name in enumerate(second.ids)}
    rows = [(row, place[name]) for row, name in enumerate(first.ids) if name in place]
    if first.split != second.split or not rows:
        return []
    ours, theirs = (np.array(side, np.int64) for side in zip(*rows, strict=True))
    if (first.labels[ours] != second.labels[theirs]).any():
        return []
    labels, logits, others = first.labels[ours], first.logits[ours], second.logits[theirs]
    tests = []
    decisions = compare_decisions((logits >= 0) == labels, (others >= 0) == labels)
    if decisions is not None:
        low, high = decisions.interval
        p = min(1.0, decisions.p * pairs)
        tests.append(Tried(one.name, other.name, "accuracy", decisions.n, decisions.difference, low, high, p))
    ranked = compare_rankings(labels, logits, others)
    if ranked is not None and ranked.p is not None:
        bounds: tuple[float | None, float | None] = ranked.interval or (None, None)
        p = min(1.0, ranked.p * pairs)
        tests.append(Tried(one.name, other.name, "roc_auc", len(labels), ranked.difference, *bounds, p))
    return tests


def tell_best(sides: Sequence[Side], tests: Sequence[Tried]) -> str:
    """The highest accuracy, and above whom it is so beyond luck."""
    best = max(sides, key=lambda side: valued(side.measured.figures["accuracy"]))
    figure = best.measured.figures["accuracy"]
    above: list[str] = []
    open_: list[str] = []
    for side in sides:
        if side is not best:
            (above if _is_better(best, side, tests) else open_).append(side.name)
    text = f"{best.name} has the highest accuracy, {share(valued(figure), 2)}"
    if above and open_:
        return f"{text}: beyond luck above {names(above)}, but not told apart from {names(open_)}."
    if above:
        return f"{text}, beyond luck above {names(above)}."
    return f"{text}, but these pictures do not tell it apart from {names(open_)}."


def _is_better(best: Side, other: Side, tests: Sequence[Tried]) -> bool:
    for test in tests:
        if test.figure == "accuracy" and {test.first, test.second} == {best.name, other.name}:
            return test.p < SIGNIFICANT
    return are_apart(best.measured.figures["accuracy"], other.measured.figures["accuracy"])


def tell_unlike(sides: Sequence[Side]) -> list[str]:
    """Where the figures are not of the same pictures."""
    counts = {side.measured.figures["accuracy"].n for side in sides}
    splits = {side.measured.split for side in sides}
    digests = {digest for side in sides if (digest := side.measured.part("manifest_digest"))}
    if len(counts) == len(splits) == 1 and len(digests) < 2:
        return []
    return [
        "these runs were not measured on the same pictures, so a difference between them may be one between "
        "the pictures."
    ]


def _draw_figures(sides: Sequence[Side]) -> Markup:
    rows: list[list[object]] = []
    for name in COMPARED:
        figures = [side.measured.figures.get(name) for side in sides]
        if any(figure is not None for figure in figures):
            rows.append([TITLES[name], *(_cell(name, figure) for figure in figures)])
    caption = "Figures with their 95 % intervals"
    return table(["", *(side.name for side in sides)], rows, caption=caption, is_named=True)


def _cell(name: str, figure: Figure | None) -> object:
    if figure is None:
        return "–"
    return join(value_of(name, figure), tag("br"), tag("small", range_of(name, figure), class_="soft"))


def _draw_tests(tests: Sequence[Tried]) -> list[Markup]:
    if not tests:
        text = (
            "No two of these runs kept their scores of the same pictures (predictions.parquet), so only "
            "intervals tell."
        )
        return [tag("p", text, class_="missing")]
    sure = sum(test.p < SIGNIFICANT for test in tests)
    rows = [
        [
            f"{test.first} less {test.second}",
            TITLES[test.figure],
            f"{test.difference:+.4f}",
            "–" if test.low is None else f"{test.low:+.4f} to {test.high:+.4f}",
            tell_p(test.p),
            "yes" if test.p < SIGNIFICANT else "not told",
        ]
        for test in tests
    ]
    n = min(test.n for test in tests)
    said = (
        f"Of {len(tests)} paired comparisons on the same {n:,} pictures, {sure} "
        f"{'is' if sure == 1 else 'are'} more than luck would explain."
    )
    note = (
        "Accuracy: McNemar's exact test. AUC: DeLong, DeLong & Clarke-Pearson. p is multiplied by the number "
        "of pairs "
        "(Bonferroni), and below 0.05 a difference is called one; each interval holds with 95 % by itself."
    )
    headers = ["pair", "figure", "difference", "95 % interval", "p", "differ?"]
    drawn = table(headers, rows, caption="Paired tests", is_named=True)
    return [insight(said), drawn, tag("p", note, class_="soft")]


def _draw_training(sides: Sequence[Side], problems: list[str]) -> list[Markup]:
    series: list[Series] = []
    for tone, side in zip(TONES, [side for side in sides if side.run.has(METRICS)], strict=False):
        try:
            points = [(float(epoch.epoch), epoch.val_accuracy) for epoch in side.run.history]
        except (Absent, DoctoredError, *MISSHAPEN) as error:
            problems.append(f"{side.name}: {METRICS} cannot be read ({error})")
            continue
        series.append(Series(side.name, points, tone, "dashes" if len(series) % 2 else "line"))
    if not series:
        return [tag("p", f"None of these runs has a {METRICS}, which training writes.", class_="missing")]
    best = {one.name: max(one.points, key=lambda point: point[1]) for one in series}
    whole = [point for one in series for point in one.points]
    chart = plot(
        series,
        epoch_axis([epoch for epoch, _ in whole]),
        linear("accuracy", [value for _, value in whole]),
        title="Validation accuracy by epoch",
        description="; ".join(f"{name} reaches {value:.4f}" for name, (_, value) in best.items()),
    )
    rows = [
        [one.name, f"{len(one.points)}", f"{best[one.name][1]:.4f}", f"{best[one.name][0]:g}"]
        for one in series
    ]
    headers = ["run", "epochs", "best validation accuracy", "in epoch"]
    drawn = panel("Validation accuracy by epoch", chart, headers, rows, key=legend(series))
    return [insight(tell_quickest(best, len(sides) - len(series))), panels(drawn)]


def tell_quickest(best: Mapping[str, tuple[float, float]], left: int) -> str:
    """Which run was at its best first; `best` has (epoch, accuracy) by name, `left` runs are not drawn."""
    told = "; ".join(
        f"{name} was at its best ({value:.3f}) in epoch {at:g}" for name, (at, value) in best.items()
    )
    more = f" {left} more {'is' if left == 1 else 'are'} not drawn." if left else ""
    return f"{told}.{more}"


def _recipes(sides: Sequence[Side]) -> list[dict[str, Any]] | None:
    try:
        return [dict(side.run.settings["recipe"]) for side in sides]
    except (Absent, DoctoredError, *MISSHAPEN):
        return None


def _differing(recipes: Sequence[dict[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    return [key for key in keys if len({repr(recipe.get(key)) for recipe in recipes}) > 1]


def _draw_settings(sides: Sequence[Side]) -> list[Markup]:
    recipes = _recipes(sides)
    if recipes is None:
        return [
            tag("p", "Not all of these runs have a config.toml, so this cannot be told.", class_="missing")
        ]
    differing = _differing(recipes)
    if not differing:
        return [insight("Nothing: the recipes are the same, setting by setting.")]
    rows = [[key, *(str(recipe.get(key, "–")) for recipe in recipes)] for key in differing]
    whole = table(
        ["setting", *(side.name for side in sides)], rows, caption="Settings that differ", is_named=True
    )
    return [insight(f"They differ in {names(differing)}."), whole]


def _tell_seeds(sides: Sequence[Side]) -> list[Markup]:
    """Mean and spread, where the runs are one recipe with several seeds."""
    from doctored.evaluate.compare import pool_figures

    recipes = _recipes(sides)
    if recipes is None or _differing(recipes) != ["seed"]:
        return []
    pooled = pool_figures([side.measured.figures for side in sides])
    rows = []
    for name in COMPARED:
        if name in pooled:
            found = pooled[name]
            low, high = _possible(name, found["low"], found["high"])
            mean = Figure(found["mean"], found["n"], low, high)
            rows.append(
                [TITLES[name], value_of(name, mean), range_of(name, mean), f"{found['deviation']:.4f}"]
            )
    caption = (
        f"One recipe, {len(sides)} seeds: mean over runs, its 95 % interval (Student), and their deviation"
    )
    headers = ["", "mean", "95 % interval", "deviation"]
    return [tag("h3", "Over seeds"), table(headers, rows, caption=caption, is_named=True)]


def _possible(name: str, low: float, high: float) -> tuple[float, float]:
    """An interval of a mean, cut at what the figure can be."""
    return max(0.0, low), high if name == "log_loss" else min(1.0, high)
