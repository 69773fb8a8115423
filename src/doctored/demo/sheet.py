"""The demo's page: what each picture is, what Doctored says, why, and where."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from doctored.demo.exhibits import DRAWN, Chapter
from doctored.demo.judge import Judged
from doctored.demo.photos import PHOTOS
from doctored.explain.sheet import draw_panels
from doctored.page import document as page
from doctored.page.markup import Markup, join, tag
from doctored.picture import decode, encode_jpeg, encode_png, encode_webp
from doctored.records import Label
from doctored.version import __version__

TINY_SIDE = 128
CHAPTERS = {
    Chapter.LAB: (
        "In the lab, it answers",
        "Thumbnails of the kind that a detector on the shelf was trained on. It has not seen these. Beside "
        "each: what in it speaks for fake, and what for real.",
    ),
    Chapter.DATA: (
        f"{DRAWN} pictures of the test split, drawn at random",
        "Nothing was picked: hits, misses and open cases are shown as they came.",
    ),
    Chapter.FORGED: (
        "Photos that we doctored",
        "Made a moment ago from the photos below. No detector on the shelf finds splices or copies in "
        "photos yet, so the marks show what we did, not what Doctored found; it says that it is unsure.",
    ),
    Chapter.PHOTOS: (
        "Photos as they are",
        "Real photographs that ship inside Python packages. To find no sign of a forgery is not to prove a "
        "photo real, so here too the answer is unsure until a detector covers photos.",
    ),
}


def draw_page(judged: Sequence[Judged]) -> str:
    """The whole page as HTML text."""
    chapters = [(chapter, [one for one in judged if one.exhibit.chapter is chapter]) for chapter in Chapter]
    return page.document(
        "Is this picture what it claims to be?",
        draw_counts(judged),
        *(draw_chapter(chapter, members) for chapter, members in chapters if members),
        page.caution(),
        lead="Doctored answers real, fake or unsure, says why, and shows where. "
        f"These {len(judged)} pictures were judged on this machine, offline.",
        foot=draw_credits(),
    )


def draw_counts(judged: Sequence[Judged]) -> Markup:
    counts = Counter(one.label for one in judged)
    return tag(
        "ul", *(tag("li", page.badge(label, f"{counts[label]} {label}")) for label in Label), class_="counts"
    )


def draw_chapter(chapter: Chapter, members: Sequence[Judged]) -> Markup:
    heading, text = CHAPTERS[chapter]
    is_tiny = any(one.explanation for one in members)
    parts = [tag("p", text)]
    if is_tiny:
        parts += [draw_score(members), page.legend()]
    cards = [draw_card(one) for one in members]
    return page.section(
        heading, *parts, page.grid(*cards, size="large" if chapter is Chapter.FORGED else None)
    )


def draw_score(members: Sequence[Judged]) -> Markup:
    """How the answers compare with the truth, where it is known."""
    told = Counter(outcome(one) for one in members if one.exhibit.truth)
    if not told:
        return Markup()
    return tag("p", ", ".join(f"{told[word]} {word}" for word in ("right", "wrong", "left open")), ".")


def outcome(one: Judged) -> str:
    if one.label is Label.UNSURE:
        return "left open"
    return "right" if one.label is one.exhibit.truth else "wrong"


def draw_card(one: Judged) -> Markup:
    exhibit = one.exhibit
    reason = one.explanation.reasons[0] if one.explanation else one.record["text"]
    lines = [*draw_truth(one), tag("p", reason)]
    if exhibit.note:
        lines.append(tag("p", tag("b", "What we did: "), exhibit.note, class_="note"))
    if exhibit.credit:
        lines.append(tag("p", exhibit.credit, class_="soft"))
    return page.card(exhibit.title, one.label, *lines, pictures=draw_pictures(one))


def draw_truth(one: Judged) -> list[Markup]:
    """The truth against the answer, where the answer could have been right or wrong."""
    if one.exhibit.chapter not in (Chapter.LAB, Chapter.DATA):
        return []
    probability, truth = one.record["probability"], one.exhibit.truth
    parts = [f"In truth {truth}: {outcome(one)}."] if truth else []
    if probability is not None:
        near = min(max(probability, 0.001), 0.999)
        sign = "" if near == probability else ("below " if near > probability else "above ")
        parts.append(f"Probability of fake {sign}{near:.3f}.")
    return [tag("p", " ".join(parts), class_="soft")] if parts else []


def draw_pictures(one: Judged) -> list[Markup]:
    exhibit = one.exhibit
    if one.explanation:
        panels = draw_panels(one.explanation)
        shown = [(panels.picture, "picture")]
        shown += [(pixels, f"for {target}") for target, pixels in panels.overlays.items()]
        return [
            page.figure(page.picture(encode_webp(pixels, 90), exhibit.title), caption, kind="square")
            for pixels, caption in shown
        ]
    pixels = decode(exhibit.path).pixels
    if max(pixels.shape) <= TINY_SIDE:
        picture = page.picture(encode_png(pixels), exhibit.title)
        return [
            page.figure(picture, "picture", kind="tiny"),
            page.blank("no overlay"),
            page.blank("no overlay"),
        ]
    if exhibit.marked is None:
        return [draw_photo(pixels, exhibit.title)]
    return [
        draw_photo(pixels, exhibit.title, "the picture"),
        draw_photo(exhibit.marked, f"{exhibit.title}: what we did", "what we did"),
    ]


def draw_photo(pixels: NDArray[np.uint8], alt: str, caption: str | None = None) -> Markup:
    height, width = pixels.shape[:2]
    return page.figure(page.picture(encode_jpeg(pixels, 85), alt, width=width, height=height), caption)


def draw_credits() -> Markup:
    credits = "; ".join(f"{photo.shows}: {photo.credit}" for photo in PHOTOS)
    return join(
        tag("p", f"Made by Doctored {__version__}. Photos: {credits}."),
        tag("p", "Thumbnails: CIFAKE (Bird & Lotfi 2024), with CIFAR-10 (Krizhevsky & Hinton 2009)."),
    )
