"""How well a detector tells fake from real, and which mistakes it makes."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.measure.summary import Figure, proportion
from doctored.page.document import Cell, fold, insight, matrix, table
from doctored.page.markup import Markup, join, tag
from doctored.page.plot import Axis, Series, legend, linear, logarithmic, panel, panels, plot
from doctored.report.artefacts import Run
from doctored.report.measured import Measured, read_measured
from doctored.report.wording import (
    are_apart,
    between,
    pictures,
    range_of,
    read_figure,
    share,
    value_of,
    valued,
)

ONE_CLASS = "These pictures are all of one class, so there is nothing to rank."
_RARE = 0.01
_RATES = (0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_RECALLS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def draw_ranking(run: Run) -> list[Markup]:
    measured = read_measured(run)
    roc = measured.need("roc", ONE_CLASS)
    curve = measured.need("precision_recall", ONE_CLASS)
    confusion = measured.part("confusion")
    said = [insight(tell_ranking(measured.figures))]
    if confusion is not None:
        said.append(tag("p", tell_rarity(confusion)))
    return [*said, panels(_draw_roc(roc, measured), _draw_precision(curve, measured))]


def tell_ranking(figures: Mapping[str, Figure]) -> str:
    """What the AUC says in words, and what the ROC says where false alarms are dear."""
    auc = figures["roc_auc"]
    value, low = valued(auc), auc.low
    if low is not None and auc.high is not None and low <= 0.5 <= auc.high:
        return (
            f"It ranks fakes above real pictures no better than chance does: AUC {value:.3f}, and 0.5 lies "
            "in its interval."
        )
    interval = f", {auc.low:.4f} to {auc.high:.4f}" if auc.low is not None else ""
    text = (
        f"A random fake scores above a random real picture {share(value)} of the time (AUC "
        f"{value:.4f}{interval})"
    )
    found = figures.get("tpr_at_fpr_0.01")
    if found is None:
        return f"{text}."
    return (
        f"{text}; where 1 % of the real pictures may be called fake, it finds {between(found)} of the fakes."
    )


def tell_rarity(confusion: Mapping[str, int]) -> str:
    """What precision becomes where fakes are rare: the same rates, another mix."""
    fakes = confusion["true_fake"] + confusion["false_real"]
    reals = confusion["true_real"] + confusion["false_fake"]
    if not fakes or not reals:
        return "Precision needs real and fake pictures."
    mix = f"{share(fakes / (fakes + reals))} of these pictures are fake."
    hits, alarms = confusion["true_fake"] / fakes, confusion["false_fake"] / reals
    called = _RARE * hits + (1 - _RARE) * alarms
    if not called:
        return f"{mix} It called nothing fake at probability one half, so precision is not defined there."
    if not alarms:
        return (
            f"{mix} It called no real picture fake at probability one half, so how precise it is where fakes "
            "are rare cannot be told from them."
        )
    return (
        f"{mix} Precision depends on that: where one picture in a hundred is fake, only "
        f"{share(_RARE * hits / called)} of what it calls fake at probability one half would be."
    )


def _draw_roc(roc: Sequence[Sequence[Any]], measured: Measured) -> Markup:
    reals = _reals(measured)
    least = 0.01
    while least > 1e-5 and reals and least > 1.5 / reals:
        least /= 10
    across = logarithmic("real called fake", least, 1.0, show=lambda value: f"{100 * value:g} %")
    points = [(float(point[0]), float(point[1])) for point in roc]
    chance = [(10 ** (power / 8), 10 ** (power / 8)) for power in range(-40, 1) if 10 ** (power / 8) >= least]
    series = [
        Series("this detector", _from(points, least), "first"),
        Series("chance", chance, "unsure", "dashes"),
    ]
    auc = measured.figures["roc_auc"]
    chart = plot(
        series,
        across,
        _shares("fakes found"),
        title="ROC curve",
        description=f"Share of fakes found against share of real pictures called fake; AUC "
        f"{valued(auc):.4f}.",
    )
    rows = [
        [share(rate, 2), share(max((y for x, y in points if x <= rate), default=0.0), 2)]
        for rate in _RATES
        if rate >= least
    ]
    note = "The axis below is logarithmic, so that the end where a detector is used can be read."
    headers = ["real called fake, at most", "fakes found"]
    return panel("ROC", chart, headers, rows, key=legend(series), note=note)


def _reals(measured: Measured) -> int:
    confusion = measured.part("confusion")
    return int(confusion["true_real"] + confusion["false_fake"]) if confusion else 0


def _from(points: Sequence[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """The part of a curve that a logarithmic axis shows, with its value at the axis' low end."""
    before = [y for x, y in points if x <= least]
    return [(least, before[-1] if before else 0.0), *((x, y) for x, y in points if x > least)]


def _draw_precision(curve: Sequence[Sequence[Any]], measured: Measured) -> Markup:
    points = [(float(point[0]), float(point[1])) for point in curve]
    base = _base(measured)
    series = [Series("this detector", points, "first")]
    if base is not None:
        series.append(Series("calling everything fake", [(0.0, base), (1.0, base)], "unsure", "dashes"))
    chart = plot(
        series,
        _shares("fakes found (recall)"),
        _shares("of those called fake, fake (precision)"),
        title="Precision and recall",
        description="Share of fakes among those called fake, against the share of fakes found.",
    )
    rows = [
        [share(recall), share(max((y for x, y in points if x >= recall - 1e-12), default=0.0), 2)]
        for recall in _RECALLS
    ]
    return panel(
        "Precision and recall", chart, ["fakes found, at least", "precision"], rows, key=legend(series)
    )


def _base(measured: Measured) -> float | None:
    confusion = measured.part("confusion")
    if not confusion:
        return None
    fakes = confusion["true_fake"] + confusion["false_real"]
    return float(fakes / (fakes + confusion["true_real"] + confusion["false_fake"]))


def _shares(name: str) -> Axis:
    return linear(name, [0.0, 1.0], show=lambda value: f"{100 * value:.0f} %")


# ------------------------------------------------------------------------------------------------- mistakes


def draw_mistakes(run: Run) -> list[Markup]:
    measured = read_measured(run)
    confusion = measured.need("confusion", "These pictures carry no labels.")
    parts = [
        insight(tell_mistakes(confusion)),
        _draw_confusion(confusion),
    ]
    outcomes = measured.part("outcomes") or [
        outcome for outcome in [measured.part("outcome")] if outcome is not None
    ]
    asked = measured.part("outcome")
    if asked is not None:
        parts += [tag("h3", f"Allowed to say unsure, at the {share(asked['budget'])} budget")]
        parts += [tag("p", tell_budget(asked)), _draw_outcome(asked)]
    if len(outcomes) > 1:
        parts.append(fold("The same at every budget", _draw_budgets(outcomes)))
    return parts


def tell_mistakes(confusion: Mapping[str, int]) -> str:
    """Both kinds of mistakes, and whether one is more frequent than chance would have it."""
    reals = confusion["true_real"] + confusion["false_fake"]
    fakes = confusion["true_fake"] + confusion["false_real"]
    alarms, misses = proportion(confusion["false_fake"], reals), proportion(confusion["false_real"], fakes)
    told = []
    if reals:
        told.append(
            f"{pictures(reals, 'real')}, {confusion['false_fake']:,} called fake ({share(valued(alarms))})"
        )
    if fakes:
        told.append(
            f"{pictures(fakes, 'fake')}, {confusion['false_real']:,} called real ({share(valued(misses))})"
        )
    text = f"Of {'; of '.join(told)}" if told else "There are no pictures here"
    if not (reals and fakes):
        return f"{text}."
    if not are_apart(alarms, misses):
        return f"{text}: neither mistake is more frequent than the other beyond chance."
    more = "it accuses real pictures more often than it misses fakes"
    less = "it misses fakes more often than it accuses real pictures"
    return f"{text}: {more if valued(alarms) > valued(misses) else less}."


def tell_budget(outcome: Mapping[str, Any]) -> str:
    """Whether the threshold, bought on validation, kept its budget on these pictures."""
    alarms, budget = read_figure(outcome["real_called_fake"]), float(outcome["budget"])
    if alarms is None or alarms.low is None or alarms.high is None:
        return "There are no real pictures here, so nothing tells whether the budget was kept."
    text = f"It called {between(alarms, 2)} of the real pictures fake"
    if alarms.low > budget:
        return (
            f"{text}: more than the {share(budget)} that the threshold was bought for on validation pictures."
        )
    if alarms.high <= budget:
        return f"{text}: within the {share(budget)} that the threshold was bought for."
    return (
        f"{text}; whether that is within its budget of {share(budget)}, {pictures(alarms.n)} cannot settle."
    )


def _draw_confusion(confusion: Mapping[str, int]) -> Markup:
    rows = []
    for truth in ("real", "fake"):
        cells = {
            answer: confusion[f"{'true' if truth == answer else 'false'}_{answer}"]
            for answer in ("real", "fake")
        }
        total = sum(cells.values())
        rows.append(
            (
                f"{truth}, {total:,}",
                [
                    Cell(n, n / total if total else None, "right" if answer == truth else "wrong")
                    for answer, n in cells.items()
                ],
            )
        )
    caption = "Forced to answer: what they are (rows) and what they were called, cut at probability one half"
    return matrix("truth", ["called real", "called fake"], rows, caption=caption)


def _draw_outcome(outcome: Mapping[str, Any]) -> Markup:
    answers = ("real", "unsure", "fake")
    rows = []
    for truth in ("real", "fake"):
        counts = outcome["table"][truth]
        total = sum(counts[answer] for answer in answers)
        kinds = {truth: "right", "unsure": "open"}
        cells = [
            Cell(counts[answer], counts[answer] / total if total else None, kinds.get(answer, "wrong"))
            for answer in answers
        ]
        rows.append((f"{truth}, {total:,}", cells))
    caption = f"What they are (rows) and what was answered, at the {share(outcome['budget'])} budget"
    return matrix("truth", ["real", "unsure", "fake"], rows, caption=caption)


def _draw_budgets(outcomes: Sequence[Mapping[str, Any]]) -> Markup:
    names = ("unsure", "error", "real_called_fake", "fake_called_real")
    rows = []
    for outcome in outcomes:
        figures = [read_figure(outcome[name]) for name in names]
        cells = [
            "–"
            if figure is None
            else join(value_of(name, figure), tag("br"), tag("small", range_of(name, figure)))
            for name, figure in zip(names, figures, strict=True)
        ]
        rows.append([share(float(outcome["budget"])), *cells])
    headers = ["budget", "without an answer", "wrong among answers", "real called fake", "fake called real"]
    return table(headers, rows, caption="The three-way answer at every budget", is_named=True)
