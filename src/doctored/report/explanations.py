"""What the detector looked at: overlays with their probabilities, and whether the overlays tell the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

from doctored.errors import DoctoredError
from doctored.page.document import (
    blank,
    card,
    figure,
    grid,
    insight,
    legend,
    paragraphs,
    picture,
    table,
    warning,
)
from doctored.page.markup import Markup, tag
from doctored.page.plot import Series, linear, panel, panels, plot
from doctored.page.plot import legend as chart_legend
from doctored.records import Label
from doctored.report.artefacts import EXPLANATIONS, GRADCAM, Absent, Run, missing
from doctored.report.wording import pictures, read_figure, sentence, share, valued

GROUPS = {
    "true_fake": "Fakes called fake",
    "false_real": "Fakes called real",
    "true_real": "Real pictures called real",
    "false_fake": "Real pictures called fake",
}
WAYS = {
    "deletion": ("Deletion: the strongest cells are wiped out first", "share of the map wiped out"),
    "insertion": ("Insertion: the strongest cells are put back first", "share of the map put back"),
}
_MOST_SHOWN = 12
_CAUTION = (
    "It is where the detector found its evidence: no proof of where, or whether, a picture was changed."
)


def draw_explanations(run: Run) -> list[Markup]:
    parts: list[Markup] = []
    if run.has(EXPLANATIONS):
        found = run.json(EXPLANATIONS)
        if not found["available"]:
            raise Absent(sentence(found["reason"]))
        parts += _draw_trial(found)
    else:
        parts.append(tag("p", missing(run, EXPLANATIONS), class_="missing"))
    if run.has(GRADCAM):
        parts += _draw_examples(run, run.json(GRADCAM)["pictures"])
    else:
        parts.append(tag("p", missing(run, GRADCAM), class_="missing"))
    return [*parts, tag("p", _CAUTION, class_="soft")]


def _draw_trial(found: Mapping[str, Any]) -> list[Markup]:
    curves = found["curves"]
    parts = [insight(tell_curves(curves)), panels(*(_draw_curve(curves, way) for way in WAYS))]
    told = [sentence(text) for text in found["insights"]]
    if found.get("masks"):
        parts.append(_draw_masks(found["masks"]))
    parts.append(paragraphs(*told))
    return [*parts, *_draw_sanity(found["sanity"])]


def tell_curves(curves: Mapping[str, Any]) -> str:
    """Whether wiping out what the map points at changes the answer sooner than wiping out anything."""
    gains = {way: read_figure(curves[way]["gain"]) for way in WAYS}
    better = [
        way for way, gain in gains.items() if gain is not None and gain.low is not None and gain.low > 0
    ]
    worse = [
        way for way, gain in gains.items() if gain is not None and gain.high is not None and gain.high < 0
    ]
    n = pictures(int(curves["pictures"]))
    if len(better) == len(gains):
        text = "what the map points at decides: both curves beat a random order"
    elif better:
        text = f"what the map points at beats a random order in {better[0]} only"
    elif worse:
        text = f"the map points away from what decides: in {worse[0]} a random order does better"
    else:
        text = "the map's order is not told apart from a random one"
    figures = "; ".join(
        f"{way} gains {valued(gain):+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        for way, gain in gains.items()
        if gain is not None and gain.low is not None
    )
    return f"On {n} {text}{f' ({figures})' if figures else ''}."


def _draw_curve(curves: Mapping[str, Any], way: str) -> Markup:
    caption, across = WAYS[way]
    steps = [float(step) for step in curves["steps"]]
    evidence, random = (
        list(zip(steps, map(float, curves[way][order]), strict=True)) for order in ("evidence", "random")
    )
    series = [
        Series("by evidence", evidence, "first"),
        Series("in random order", random, "unsure", "dashes"),
    ]
    chart = plot(
        series,
        linear(across, [0.0, 1.0], show=lambda value: f"{100 * value:.0f} %"),
        linear("probability of the class that was called", [0.0, 1.0], show=lambda value: f"{value:.1f}"),
        title=caption,
        description=f"Area under the curve {curves[way]['area_evidence']['value']:.3f} by evidence, "
        f"{curves[way]['area_random']['value']:.3f} in random order.",
    )
    rows = [
        [share(step), *(f"{one.points[place][1]:.3f}" for one in series)] for place, step in enumerate(steps)
    ]
    return panel(caption, chart, [across, "by evidence", "in random order"], rows, key=chart_legend(series))


def _draw_masks(masks: Mapping[str, Any]) -> Markup:
    titles = {
        "pixel_auc": "pixel AUC",
        "f1": "pixel F1",
        "iou": "intersection over union (IoU)",
        "pointing": "strongest pixel inside the mask",
        "area": "share of the picture that is masked",
    }
    rows = []
    for name, title in titles.items():
        found = read_figure(masks.get(name))
        if found is not None:
            interval = "–" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
            rows.append([title, f"{valued(found):.3f}", interval])
    caption = f"Evidence against the masks of {pictures(int(masks['pictures']))}"
    return table(["", "value", "95 % interval"], rows, caption=caption, is_named=True)


def _draw_sanity(sanity: Mapping[str, Any]) -> list[Markup]:
    heading = tag("h3", "Does the map show the network, or just the picture?")
    if not sanity["available"]:
        return [heading, tag("p", sentence(sanity["reason"]), class_="missing")]
    rows = []
    for step in sanity["steps"]:
        found = read_figure(step["correlation"])
        cells = ["–", "–"]
        if found is not None:
            interval = "–" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
            cells = [f"{valued(found):.3f}", interval]
        rows.append([str(step["randomised"]), share(float(step["share"])), *cells])
    text = f"Weights are made random, from the head down, on {pictures(int(sanity['pictures']))}: "
    text += (
        "the map changes with them, as it must if it shows the network."
        if sanity["passes"]
        else "the map stays much as it was, so it may show the picture rather than the network."
    )
    headers = ["made random", "of the weights", "rank correlation", "95 % interval"]
    caption = "How alike the map is to the trained network's"
    drawn = table(headers, rows, caption=caption, is_named=True)
    return [heading, tag("p", text) if sanity["passes"] else warning(text), drawn]


def _draw_examples(run: Run, found: Sequence[Mapping[str, Any]]) -> list[Markup]:
    parts = [legend("In the overlays:")]
    for group, title in GROUPS.items():
        members = [one for one in found if one["group"] == group]
        if not members:
            continue
        shown = members[:_MOST_SHOWN]
        more = f", {len(shown)} of {len(members)} shown" if len(members) > len(shown) else ""
        cards = [draw_example(run, one) for one in shown]
        parts += [tag("h3", f"{title} ({len(members)}{more})"), grid(*cards, size="large")]
    return parts


def draw_example(run: Run, found: Mapping[str, Any]) -> Markup:
    """One picture with both overlays, the probability of each beside it, and the reasons in words."""
    answer, name = Label(found["answer"] or "unsure"), str(found["id"])
    fake, real = (float(found["probability"][target]) for target in ("fake", "real"))
    alt = f"{name}, and where the detector found evidence for fake and for real"
    caption = "the picture, the evidence for fake, the evidence for real"
    try:
        drawn = figure(picture(run.picture(str(found["file"])), alt), caption, kind="sheet")
    except (Absent, ValueError, DoctoredError):
        drawn = blank("the picture is not in the run's folder")
    said = f"In truth {found['truth']}, called {found['called']}."
    probabilities = f"Probability of fake {fake:.3f}, of real {real:.3f}."
    reasons = [tag("p", sentence(reason), class_="soft") for reason in found["reasons"]]
    return card(name, answer, tag("p", said, " ", probabilities), *reasons, pictures=[drawn])
