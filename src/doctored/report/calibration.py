"""Whether probabilities mean what they say, and what abstaining buys."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from doctored.errors import DoctoredError
from doctored.measure.summary import Figure
from doctored.page.document import fold, insight, table
from doctored.page.markup import Markup
from doctored.page.plot import Axis, Series, legend, linear, odds, panel, panels, plot
from doctored.report.artefacts import Absent, Run
from doctored.report.measured import read_measured
from doctored.report.wording import between, number, pictures, read_figure, share, valued

_COVERAGE = 0.95
_BINS = 40
_NOTHING = "There is no scored picture."


def draw_reliability(run: Run) -> list[Markup]:
    measured = read_measured(run)
    reliability = measured.need("reliability", _NOTHING)
    bars = reliability["bars"]
    if not bars:
        raise Absent(_NOTHING)
    figures = measured.figures
    error = figures.get("ece_equal_mass") or figures.get("ece")
    parts = [insight(tell_reliability(bars, error)), panels(_draw_bars(reliability), *_draw_scores(run))]
    fitted = reliability.get("isotonic_figures")
    return [*parts, _draw_isotonic(fitted, figures)] if fitted else parts


def tell_reliability(bars: Sequence[Mapping[str, Any]], error: Figure | None) -> str:
    """In how many groups the stated probability lies within what was found, and where it is farthest off."""
    outside = [bar for bar in bars if not bar["share_low"] <= bar["mean_probability"] <= bar["share_high"]]
    inside = len(bars) - len(outside)
    text = (
        f"In {number(inside)} of {number(len(bars))} groups of pictures the probability it states lies "
        "within "
        "the 95 % interval of what was found"
    )
    if error is not None:
        text += f"; on average it is off by {100 * valued(error):.2f} points"
    if not outside:
        return f"{text}."
    worst = max(outside, key=lambda bar: abs(bar["mean_probability"] - bar["share_fake"]))
    return (
        f"{text}. It is farthest off where it says {share(worst['mean_probability'])} fake: there "
        f"{share(worst['share_fake'])} of {pictures(worst['n'])} are."
    )


def _draw_bars(reliability: Mapping[str, Any]) -> Markup:
    bars = reliability["bars"]
    groups = Series(
        "groups of pictures, with their 95 % interval",
        [(bar["mean_probability"], bar["share_fake"]) for bar in bars],
        "first",
        "dots",
        [(bar["share_low"], bar["share_high"]) for bar in bars],
    )
    series = [Series("as stated", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], "unsure", "dashes"), groups]
    isotonic = reliability.get("isotonic")
    if isotonic:
        points = [(float(point[0]), float(point[1])) for point in isotonic]
        series.insert(1, Series("isotonic fit to these pictures", points, "third"))
    chart = plot(
        series,
        odds("probability stated"),
        odds("share that is fake"),
        title="Reliability",
        description="Share of fakes against the probability stated; a detector that means what it says lies "
        "on the diagonal.",
    )
    rows = [
        [
            f"{bar['low']:.3f} to {bar['high']:.3f}",
            f"{bar['mean_probability']:.3f}",
            f"{bar['share_fake']:.3f} ({bar['share_low']:.3f} to {bar['share_high']:.3f})",
            f"{bar['n']:,}",
        ]
        for bar in bars
    ]
    headers = ["probabilities", "mean stated", "share fake", "pictures"]
    note = "Both axes are even in log odds, so that what lies near 0 and 1 can be read."
    return panel("Probability stated, and found", chart, headers, rows, key=legend(series), note=note)


def _draw_scores(run: Run) -> list[Markup]:
    """Where both classes score, where the predictions are at hand."""
    try:
        found = run.predictions
    except (Absent, DoctoredError):
        return []
    low, high = np.quantile(found.logits, [0.005, 0.995])
    edges = np.linspace(low, max(high, low + 1e-6), _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    series, rows = [], [[f"{low_:.2f} to {high_:.2f}"] for low_, high_ in pairwise(edges)]
    for truth, name in enumerate(("real", "fake")):
        values = found.logits[found.labels == truth]
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        shares = counts / max(1, values.size)
        series.append(Series(f"{name} pictures", list(zip(middles, shares, strict=True)), name, "bars"))
        for row, count in zip(rows, counts, strict=True):
            row.append(f"{count:,}")
    tops = [value for one in series for _, value in one.points]
    chart = plot(
        series,
        Axis("logit", float(edges[0]), float(edges[-1]), linear("", edges.tolist(), count=4).ticks[1:-1]),
        linear("share of the class", [0.0, *tops], show=lambda value: f"{100 * value:g} %"),
        title="Scores by class",
        description="How often real and fake pictures get which logit; above 0 a picture is called fake.",
    )
    note = (
        f"The outermost half per cent at either end lies in the outer bars; {len(found.labels):,} pictures, "
        f"{found.split} split."
    )
    return [
        panel(
            "Where both classes score", chart, ["logit", "real", "fake"], rows, key=legend(series), note=note
        )
    ]


def _draw_isotonic(fitted: Mapping[str, Any], figures: Mapping[str, Figure]) -> Markup:
    titles = {"log_loss": "log loss", "ece_equal_mass": "calibration error, equal mass"}
    rows = []
    for name, title in titles.items():
        own, other = figures.get(name), read_figure(fitted.get(name))
        if own is not None and other is not None:
            rows.append([title, f"{valued(own):.4f}", f"{valued(other):.4f}"])
    caption = (
        "The affine calibration in the file, and an isotonic one fitted on half the pictures for the other"
    )
    whole = table(["", "as shipped", "isotonic"], rows, caption=caption, is_named=True)
    return fold("Would a finer calibration help?", whole)


# ------------------------------------------------------------------------------------------------ abstaining


def draw_selective(run: Run) -> list[Markup]:
    measured = read_measured(run)
    found = measured.need("risk_coverage", _NOTHING)
    points = [(float(point[0]), float(point[1])) for point in found["points"]]
    if not points:
        raise Absent(_NOTHING)
    series = [Series("wrong among the answered", points, "first")]
    chart = plot(
        series,
        linear("share answered", [0.0, 1.0], show=lambda value: f"{100 * value:.0f} %"),
        linear("wrong", [0.0, *(risk for _, risk in points)], show=lambda value: f"{100 * value:g} %"),
        title="Wrong answers by share answered",
        description=f"From the surest pictures alone on the left to all on the right, where "
        f"{share(points[-1][1])} are wrong.",
    )
    rows = [
        [
            share(level),
            share(next((risk for coverage, risk in points if coverage >= level - 1e-9), points[-1][1]), 2),
        ]
        for level in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
    ]
    drawn = panel("What abstaining buys", chart, ["answered, at least", "wrong among them"], rows)
    cuts = [_draw_cuts(found["rows"])] if found.get("rows") else []
    return [insight(tell_selective(points, found.get("rows") or [])), panels(drawn), *cuts]


def tell_selective(points: Sequence[tuple[float, float]], rows: Sequence[Mapping[str, Any]]) -> str:
    """What leaving out the least sure twentieth does to the share of wrong answers.

    A cut that was bought on validation is preferred to one that was chosen on these very pictures.
    """
    whole = points[-1][1]
    bought = [row for row in rows if row["from"] == "validation" and abs(row["coverage"] - _COVERAGE) < 1e-9]
    if bought:
        risk, answered = read_figure(bought[0]["risk"]), read_figure(bought[0]["answered"])
        if risk is not None and answered is not None:
            return (
                f"Answering only where it is surest, by a cut that was bought on validation pictures, it "
                "answers "
                f"{share(valued(answered))} and is wrong on {between(risk, 2)} of them, instead of "
                f"{share(whole, 2)} of all."
            )
    risk_there = next((risk for coverage, risk in points if coverage >= _COVERAGE - 1e-9), whole)
    if risk_there >= whole:
        return (
            f"Leaving out the {share(1 - _COVERAGE)} that it is least sure of does not lower the share of "
            "wrong "
            f"answers ({share(whole, 2)})."
        )
    return (
        f"Leaving out the {share(1 - _COVERAGE)} that it is least sure of takes wrong answers from "
        f"{share(whole, 2)} to {share(risk_there, 2)} (the cut is chosen on these very pictures)."
    )


def _draw_cuts(rows: Sequence[Mapping[str, Any]]) -> Markup:
    cells = []
    for row in rows:
        answered, risk = read_figure(row["answered"]), read_figure(row["risk"])
        bought = "validation" if row["from"] == "validation" else "these very pictures"
        cells.append(
            [
                share(float(row["coverage"])),
                bought,
                "–" if answered is None else between(answered, 2),
                "–" if risk is None else between(risk, 2),
            ]
        )
    headers = ["aimed at", "cut chosen on", "answered", "wrong among them"]
    caption = "Where to cut, and what that gave"
    return fold("Cuts, and what they gave", table(headers, cells, caption=caption, is_named=True))
