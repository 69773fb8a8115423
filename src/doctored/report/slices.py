"""Whether the figures hold for every part of the pictures, and without copies."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.measure.summary import Figure
from doctored.page.chart import strip
from doctored.page.document import insight, paragraphs, table
from doctored.page.markup import Markup, tag
from doctored.report.artefacts import Absent, Run
from doctored.report.measured import Measured, read_measured
from doctored.report.wording import TITLES as FIGURES
from doctored.report.wording import (
    between,
    number,
    pictures,
    range_of,
    read_figures,
    sentence,
    value_of,
    valued,
)

GROUPINGS = {"label": "class", "kind": "kind of forgery", "format": "file format"}


def draw_slices(run: Run) -> list[Markup]:
    measured = read_measured(run)
    slices = measured.need("slices", "The pictures have nothing to be told apart by.")
    duplicates = measured.part("duplicates")
    if not slices and not duplicates:
        raise Absent("The pictures have nothing to be told apart by, and no copies were found.")
    whole = measured.figures.get("accuracy")
    parts = [insight(tell_weakest(slices, whole))] if slices else []
    domain = _domain(slices)
    for grouping, rows in slices.items():
        parts.append(tag("h3", f"By {GROUPINGS.get(grouping, grouping)}"))
        parts.append(_draw_slice(grouping, rows, domain))
    if len([row for rows in slices.values() for row in rows]) > 1:
        parts.append(
            tag(
                "p",
                "Each interval holds with 95 % by itself: of many slices one in twenty lies outside by "
                "chance.",
                class_="soft",
            )
        )
    if duplicates:
        parts += _draw_duplicates(duplicates, measured)
    return parts


def tell_weakest(slices: Mapping[str, Sequence[Mapping[str, Any]]], whole: Figure | None) -> str:
    """The slice whose accuracy is lowest even at its upper bound, if that is below the whole."""
    found = [
        (grouping, str(row["value"]), figures["accuracy"])
        for grouping, rows in slices.items()
        for row in rows
        if "accuracy" in (figures := read_figures(row["figures"]))
    ]
    if not found or whole is None:
        return "No slice has an accuracy of its own."
    below = [
        one for one in found if one[2].high is not None and whole.low is not None and one[2].high < whole.low
    ]
    slices_told = f"{number(len(found))} slice{'s' if len(found) > 1 else ''}"
    if not below:
        return f"Of {slices_told} none lies below the whole, {between(whole)}, beyond its interval."
    grouping, value, worst = min(below, key=lambda one: one[2].high or 0.0)
    return (
        f"It is weakest on the {GROUPINGS.get(grouping, grouping)} {value}: {between(worst)} right of "
        f"{pictures(worst.n)}, against "
        f"{between(whole)} of all; {number(len(below))} of {slices_told} lie{'s' if len(below) == 1 else ''} "
        "below "
        "the whole beyond the interval."
    )


def _domain(slices: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[float, float]:
    """One scale for all: from the lowest bound, in tenths, to 1."""
    lows = [
        figure.low
        for rows in slices.values()
        for row in rows
        if (figure := read_figures(row["figures"]).get("accuracy")) is not None and figure.low is not None
    ]
    return (int(min(lows, default=0.0) * 10) / 10 if lows else 0.0, 1.0)


def _draw_slice(grouping: str, rows: Sequence[Mapping[str, Any]], domain: tuple[float, float]) -> Markup:
    cells = []
    for row in rows:
        figures = read_figures(row["figures"])
        accuracy, auc = figures.get("accuracy"), figures.get("roc_auc")
        cells.append(
            [
                str(row["value"]),
                f"{int(row['real']):,}",
                f"{int(row['fake']):,}",
                "–" if accuracy is None else value_of("accuracy", accuracy),
                ""
                if accuracy is None
                else strip(valued(accuracy), accuracy.low, accuracy.high, domain=domain),
                "–" if accuracy is None else range_of("accuracy", accuracy),
                "–" if auc is None else value_of("roc_auc", auc),
            ]
        )
    scale = f"{100 * domain[0]:.0f} to 100 %"
    headers = [
        GROUPINGS.get(grouping, grouping),
        "real",
        "fake",
        "accuracy",
        scale,
        "95 % interval",
        "ROC AUC",
    ]
    return table(
        headers, cells, caption=f"Accuracy and AUC by {GROUPINGS.get(grouping, grouping)}", is_named=True
    )


def tell_duplicates(duplicates: Mapping[str, Any]) -> list[str]:
    """How many copies there are, within these pictures and in those that were trained on."""
    within, known = int(duplicates["within"]), duplicates.get("in_training")
    note = duplicates.get("note")
    if not within and known == 0:
        return ["No copies were found, neither among these pictures nor in train and val."]
    told = [f"{pictures(within)} here {'is a copy' if within == 1 else 'are copies'} of an earlier one."]
    if known is None:
        return [*told, sentence(note or "Whether any lie in train or val too is not known.")]
    return [*told, f"{pictures(int(known))} {'lies' if int(known) == 1 else 'lie'} in train or val too."]


def _draw_duplicates(duplicates: Mapping[str, Any], measured: Measured) -> list[Markup]:
    said = [tag("h3", "Without copies"), paragraphs(*tell_duplicates(duplicates))]
    without, whole = read_figures(duplicates.get("figures") or {}), measured.figures
    rows = [
        [
            FIGURES[name],
            value_of(name, whole[name]),
            value_of(name, without[name]),
            range_of(name, without[name]),
        ]
        for name in ("accuracy", "roc_auc", "log_loss")
        if name in without and name in whole
    ]
    if not rows:
        return said
    caption = f"The figures without copies, on {pictures(int(duplicates['n']))}"
    headers = ["figure", "all", "without copies", "95 % interval"]
    return [*said, table(headers, rows, caption=caption, is_named=True)]
