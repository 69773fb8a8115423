"""For examiners: how strong a single answer is as evidence, and how often that evidence misleads."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.measure.summary import Figure
from doctored.page.document import fold, insight, paragraphs, table
from doctored.page.markup import Markup, tag
from doctored.page.plot import Series, legend, linear, panel, panels, plot
from doctored.report.artefacts import Run
from doctored.report.discrimination import ONE_CLASS
from doctored.report.measured import read_measured
from doctored.report.wording import pictures, read_figure, sentence, share, valued


def draw_likelihood(run: Run) -> list[Markup]:
    found = read_measured(run).need("likelihood_ratios", ONE_CLASS)
    cost, least = read_figure(found["cllr"]), read_figure(found["cllr_min"])
    said = [insight(tell_strength(cost, least)), tag("p", tell_misleading(found["scale"]["rows"]))]
    scale = found["scale"]
    limits = scale["limits"] if isinstance(scale["limits"], list) else [scale["limits"]]
    return [
        *said,
        panels(_draw_tippett(found["tippett"])),
        fold("The verbal scale, and how many pictures fall where", _draw_scale(scale["rows"])),
        paragraphs(
            sentence(f"The odds that its logits contain: {found['prior_from']}"),
            sentence(scale["source"]),
            *map(sentence, limits),
        ),
    ]


def tell_strength(cost: Figure | None, least: Figure | None) -> str:
    """Cllr, and how much of it calibration could still take away."""
    if cost is None or least is None:
        return "Likelihood ratios need real and fake pictures."
    lost = valued(cost) - valued(least)
    text = (
        f"Its likelihood ratios cost {valued(cost):.3f} bits a picture (Cllr; 1 is knowing nothing), the "
        "least "
        f"that this ranking allows is {valued(least):.3f}"
    )
    if valued(cost) >= 1:
        return f"{text}: they mislead more than they inform."
    return f"{text}: {lost:.3f} of it is lost to calibration."


def tell_misleading(rows: Sequence[Mapping[str, Any]]) -> str:
    """How often the ratio supports the wrong side."""
    reals, fakes = (sum(int(row[truth]) for row in rows) for truth in ("real", "fake"))
    wrong_real = sum(int(row["real"]) for row in rows if row["says"] == "fake")
    wrong_fake = sum(int(row["fake"]) for row in rows if row["says"] == "real")
    told = []
    if reals:
        told.append(f"{share(wrong_real / reals)} of {pictures(reals, 'real')}")
    if fakes:
        told.append(f"{share(wrong_fake / fakes)} of {pictures(fakes, 'fake')}")
    return (
        f"The ratio supports the wrong side for {' and for '.join(told)}."
        if told
        else "There are no pictures."
    )


def _draw_tippett(curves: Mapping[str, Sequence[Sequence[float]]]) -> Markup:
    series = [
        Series(f"{truth} pictures", [(float(x), float(y)) for x, y in curves[truth]], truth)
        for truth in ("real", "fake")
    ]
    places = [x for one in series for x, _ in one.points]
    chart = plot(
        series,
        linear("log10 of the likelihood ratio", [*places, 0.0], show=lambda value: f"{value:g}"),
        linear("share with at least this ratio", [0.0, 1.0], show=lambda value: f"{100 * value:.0f} %"),
        title="Tippett plot",
        description="Share of real and of fake pictures whose likelihood ratio for fake is at least so "
        "large; "
        "above 0 the ratio supports fake.",
    )
    rows = []
    for at in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
        shares = [_share_at(one.points, at) for one in series]
        rows.append([f"{at}", *(share(value, 2) for value in shares)])
    headers = ["log10 LR, at least", "real pictures", "fake pictures"]
    return panel("Tippett plot", chart, headers, rows, key=legend(series))


def _share_at(points: Sequence[tuple[float, float]], at: float) -> float:
    return next((y for x, y in sorted(points) if x >= at), 0.0)


def _draw_scale(rows: Sequence[Mapping[str, Any]]) -> Markup:
    cells = [
        [
            str(row["words"]),
            str(row["says"]),
            f"{_bound(row['low'])} to {_bound(row['high'])}",
            f"{int(row['real']):,}",
            f"{int(row['fake']):,}",
        ]
        for row in rows
    ]
    headers = ["in words", "supports", "likelihood ratio", "real", "fake"]
    return table(headers, cells, caption="Pictures by the strength of their evidence", is_named=True)


def _bound(value: float | None) -> str:
    return "beyond" if value is None else f"{float(value):,.4g}"
