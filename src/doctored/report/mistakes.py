"""Where the detector is most wrong and where it cannot tell, with the nearest pictures that it knows."""

from collections.abc import Mapping
from typing import Any

from doctored.errors import DoctoredError
from doctored.page.document import blank, card, figure, fold, grid, insight, paragraphs, picture
from doctored.page.markup import Markup, tag
from doctored.records import Label
from doctored.report.artefacts import ERRORS, Absent, Run
from doctored.report.wording import number, pictures, sentence, share

_MOST_SHOWN = 24
_SEEN_FIRST = 8
_SURE = 0.9


def draw_errors(run: Run) -> list[Markup]:
    found = run.json(ERRORS)
    lists = [one for one in found["lists"] if one["pictures"]]
    if not lists:
        raise Absent("There is no mistake and no ambiguous picture among those that were evaluated.")
    told = [insight(text) for text in (tell_sureness(run),) if text]
    near = sentence(f"neighbours are from {found['neighbours_from']}")
    parts = [*told, paragraphs(*map(sentence, found["insights"]), near)]
    for one in lists:
        shown = one["pictures"][:_MOST_SHOWN]
        count = f"{len(shown):,} of {int(one['of']):,}" if int(one["of"]) > len(shown) else f"{len(shown):,}"
        cards = [draw_mistake(run, mistake) for mistake in shown]
        parts += [tag("h3", f"{one['title']} ({count})"), grid(*cards[:_SEEN_FIRST], size="small")]
        if more := cards[_SEEN_FIRST:]:
            parts.append(fold(f"{len(more)} more", grid(*more, size="small")))
    return parts


def tell_sureness(run: Run) -> str:
    """How many of the mistakes were made with confidence, where the predictions tell."""
    try:
        found = run.predictions
    except (Absent, DoctoredError):
        return ""
    from doctored.measure.calibrate import sigmoid

    probabilities = sigmoid(found.logits)
    wrong = (found.logits >= 0) != (found.labels == 1)
    sure = wrong & (abs(2 * probabilities - 1) > 2 * _SURE - 1)
    if not wrong.any():
        return f"It makes no mistake on these {len(wrong):,} pictures, forced to answer."
    return (
        f"Of its {number(int(wrong.sum()))} mistakes on {pictures(len(wrong))} ({found.split} split) "
        f"{number(int(sure.sum()))} "
        f"({share(float(sure.sum() / wrong.sum()))}) were made at a stated probability of more than "
        f"{share(_SURE)} for the wrong side."
    )


def draw_mistake(run: Run, found: Mapping[str, Any]) -> Markup:
    """One picture, what it is, what was said of it, and its neighbours."""
    name, probability = str(found["id"]), found["probability"]
    answer = Label(found["answer"] or "unsure")
    said = [f"In truth {found['truth']}, called {found['called']}."]
    if probability is not None:
        said.append(f"Probability of fake {float(probability):.3f}.")
    if found.get("problem"):
        said.append(sentence(str(found["problem"]).replace("_", " ").capitalize()))
    shown = _draw(run, found["file"], name, f"in truth {found['truth']}")
    neighbours = [
        _draw(
            run,
            one["file"],
            str(one["id"]),
            f"{one['label'] or 'no label'}, {one['split'] or 'no split'}, {float(one['distance']):.2f} away",
        )
        for one in found["neighbours"]
    ]
    near = []
    if neighbours:
        labels = [str(one["label"]) for one in found["neighbours"]]
        summary = f"Nearest: {', '.join(f'{labels.count(label)} {label}' for label in sorted(set(labels)))}"
        near = [fold(summary, tag("div", *neighbours, class_="grid samples"))]
    return card(name, answer, tag("p", " ".join(said)), *near, pictures=[shown])


def _draw(run: Run, file: str | None, name: str, caption: str) -> Markup:
    if file is None:
        return blank(f"{caption}; could not be read")
    try:
        return figure(picture(run.picture(str(file)), f"{name}, {caption}"), caption, kind="tiny")
    except (Absent, ValueError, DoctoredError):
        return blank(f"{caption}; not in the run's folder")
