"""What a detector stands on a picture's way, and against somebody who knows its weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.measure.summary import Figure
from doctored.page.chart import strip
from doctored.page.document import fold, insight, paragraphs, table, warning
from doctored.page.markup import Markup, tag
from doctored.page.plot import TONES, Series, legend, linear, panel, panels, plot
from doctored.report.artefacts import ATTACKS, ROBUSTNESS, Absent, Run
from doctored.report.wording import (
    between,
    pictures,
    range_of,
    read_figures,
    sentence,
    share,
    value_of,
    valued,
)

FAMILIES = {
    "jpeg": ("Saved as JPEG", "quality"),
    "webp": ("Saved as WebP", "quality"),
    "rescale": ("Scaled and scaled back", "factor"),
    "blur": ("Blurred", "pixels"),
    "noise": ("Noise added", "grey levels"),
    "crop": ("Cropped", "share of each side kept"),
    "brightness": ("Brightness changed", "factor"),
}
MEASURES = (
    ("accuracy", "accuracy at one half", "first", "line"),
    ("accuracy_at_threshold", "at the shipped threshold", "second", "dashes"),
    ("roc_auc", "ROC AUC", "third", "line"),
)
_FEWEST = 3
_BROKEN = 0.5


def draw_robustness(run: Run) -> list[Markup]:
    found = run.json(ROBUSTNESS)
    cells = found["cells"]
    if not cells:
        raise Absent(f"{ROBUSTNESS} holds no distortion.")
    clean = read_figures(found["clean"])
    first, *others = found["insights"] or ["The grid has no two figures to compare."]
    families: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        families.setdefault(str(cell["family"]), []).append(cell)
    lowest = min(
        (figure.low or 0.0 for cell in cells for figure in read_figures(cell["figures"]).values()),
        default=0.0,
    )
    floor = min(0.5, int(lowest * 10) / 10)
    drawn = [
        _draw_family(family, rows, clean)
        for family, rows in families.items()
        if family in FAMILIES and len(rows) >= _FEWEST
    ]
    note = (
        f"On a draw of {pictures(int(found['pictures']))} out of {int(found['of']):,}; undistorted, accuracy "
        "there is "
        f"{between(clean['accuracy'])}."
    )
    return [
        insight(sentence(first)),
        paragraphs(*map(sentence, others), note),
        panels(*drawn),
        fold("Every distortion, with intervals", _draw_cells(cells, clean, (floor, 1.0))),
    ]


def _draw_family(family: str, rows: Sequence[Mapping[str, Any]], clean: Mapping[str, Figure]) -> Markup:
    title, unit = FAMILIES[family]
    ordered = sorted(rows, key=lambda row: float(row["strength"]))
    series = []
    for name, words, tone, kind in MEASURES:
        points, bounds = [], []
        for row in ordered:
            figure = read_figures(row["figures"]).get(name)
            if figure is not None:
                points.append((float(row["strength"]), valued(figure)))
                bounds.append((figure.low or valued(figure), figure.high or valued(figure)))
        if points:
            series.append(Series(words, points, tone, "dashes" if kind == "dashes" else "line", bounds))
    values = [value for one in series for _, value in one.points]
    chart = plot(
        series,
        linear(unit, [x for x, _ in series[0].points], show=lambda value: f"{value:g}", count=4),
        linear("accuracy, AUC", [min(0.5, *values), 1.0], show=lambda value: f"{value:.1f}"),
        title=f"{title}: accuracy and AUC by {unit}",
        description="; ".join(
            f"{words} from {valued(read_figures(ordered[0]['figures'])[name]):.3f} to "
            f"{valued(read_figures(ordered[-1]['figures'])[name]):.3f}"
            for name, words, _, _ in MEASURES
            if all(name in read_figures(row["figures"]) for row in (ordered[0], ordered[-1]))
        ),
    )
    return panel(title, chart, key=legend(series))


def _draw_cells(
    cells: Sequence[Mapping[str, Any]], clean: Mapping[str, Figure], domain: tuple[float, float]
) -> Markup:
    rows = [_row("undistorted", clean, domain)]
    rows += [_row(str(cell["text"]), read_figures(cell["figures"]), domain) for cell in cells]
    headers = [
        "",
        "accuracy",
        f"{100 * domain[0]:.0f} to 100 %",
        "95 % interval",
        "at the threshold",
        "ROC AUC",
    ]
    return table(headers, rows, caption="Accuracy and AUC under every distortion", is_named=True)


def _row(words: str, figures: Mapping[str, Figure], domain: tuple[float, float]) -> list[object]:
    accuracy = figures.get("accuracy")
    if accuracy is None:
        return [words, "–", "", "–", "–", "–"]
    others = [
        value_of(name, figures[name]) if name in figures else "–"
        for name in ("accuracy_at_threshold", "roc_auc")
    ]
    drawn = strip(valued(accuracy), accuracy.low, accuracy.high, domain=domain)
    return [words, value_of("accuracy", accuracy), drawn, range_of("accuracy", accuracy), *others]


# --------------------------------------------------------------------------------------------------- attacks


def draw_attacks(run: Run) -> list[Markup]:
    found = run.json(ATTACKS)
    if not found["available"]:
        raise Absent(sentence(found["reason"]))
    clean = read_figures(found["clean"])
    attacks = found["attacks"]
    told = found.get("warning")
    said = warning(sentence(told)) if told else insight(tell_attacks(attacks, clean))
    note = (
        f"On {pictures(int(found['pictures']))}, with the weights at hand; PGD takes {int(found['steps'])} "
        "steps. An "
        "ordinary detector breaks at one or two grey levels: what matters is not to believe otherwise."
    )
    chart, rows = _draw_attacks(attacks, clean)
    headers = ["attack", "grey levels", "accuracy", "95 % interval", "ROC AUC", "turned"]
    whole = table(headers, rows, caption="Every attack, with intervals", is_named=True)
    return [
        said,
        panels(chart),
        fold("Every attack, with intervals", whole),
        tag("p", note, class_="soft"),
    ]


def tell_attacks(attacks: Sequence[Mapping[str, Any]], clean: Mapping[str, Figure]) -> str:
    """What the weakest attack that breaks it costs, else the strongest of all."""
    before = clean["accuracy"]
    told = [
        (float(attack["epsilon"]), str(attack["attack"]).upper(), read_figures(attack["figures"])["accuracy"])
        for attack in attacks
    ]
    broken = [one for one in told if (one[2].high if one[2].high is not None else valued(one[2])) < _BROKEN]
    if broken:
        epsilon, name, after = min(broken, key=lambda one: (one[0], valued(one[2])))
        levels = f"{epsilon:g} grey level{'' if epsilon == 1 else 's'} of 255"
        return (
            f"Whoever knows the weights breaks it: {name} with {levels} takes its accuracy from "
            f"{share(valued(before))} to {between(after)}, worse than a coin."
        )
    epsilon, name, after = min(told, key=lambda one: valued(one[2]))
    return (
        f"The worst of {len(told)} attacks, {name} with {epsilon:g} of 255 grey levels, takes its accuracy "
        "from "
        f"{share(valued(before))} to {between(after)}."
    )


def _draw_attacks(
    attacks: Sequence[Mapping[str, Any]], clean: Mapping[str, Figure]
) -> tuple[Markup, list[list[object]]]:
    names = list(dict.fromkeys(str(attack["attack"]) for attack in attacks))
    before = valued(clean["accuracy"])
    series: list[Series] = []
    rows: list[list[object]] = []
    for tone, name in zip(TONES, names, strict=False):
        points = [(0.0, before)]
        for attack in sorted(attacks, key=lambda attack: float(attack["epsilon"])):
            if attack["attack"] == name:
                points.append((float(attack["epsilon"]), valued(read_figures(attack["figures"])["accuracy"])))
        series.append(Series(name.upper(), points, tone, "line" if tone == "first" else "dashes"))
    for attack in attacks:
        figures = read_figures({**attack["figures"], "turned": attack["turned"]})
        accuracy = figures["accuracy"]
        rows.append(
            [
                str(attack["attack"]).upper(),
                f"{float(attack['epsilon']):g}",
                value_of("accuracy", accuracy),
                range_of("accuracy", accuracy),
                value_of("roc_auc", figures["roc_auc"]) if "roc_auc" in figures else "–",
                between(figures["turned"]) if "turned" in figures else "–",
            ]
        )
    chart = plot(
        series,
        linear(
            "grey levels of 255",
            [x for one in series for x, _ in one.points],
            show=lambda value: f"{value:g}",
        ),
        linear("accuracy", [0.0, 1.0], show=lambda value: f"{value:.1f}"),
        title="Accuracy under attack",
        description=f"From {before:.3f} untouched, by the size of the change.",
    )
    return panel("Accuracy under attack", chart, key=legend(series)), rows
