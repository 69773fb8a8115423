"""The exploration's page: what is in a data set, in charts and in samples."""

import numpy as np

from doctored.data.audit.exploring import Distribution, Exploration, properties
from doctored.data.audit.page import draw_counts, draw_histogram, draw_legend, draw_picture
from doctored.page.document import document, section, table
from doctored.page.markup import Markup, join, tag
from doctored.version import __version__

_SAMPLES = 24
TITLES = {
    "width": "Width",
    "height": "Height",
    "pixels": "Pixels",
    "aspect": "Width to height",
    "file_bytes": "File length in bytes",
    "bytes_per_pixel": "Bytes a pixel",
    "jpeg_quality": "JPEG quality",
    "brightness": "Mean brightness, 0 to 255",
}


def draw_exploration(exploration: Exploration, name: str, seed: int = 0) -> str:
    """The whole page as HTML; the samples are drawn from `seed`."""
    facts = exploration.facts
    copies = (
        f"{exploration.equal_pairs:,} pairs with equal pixels, {exploration.near_pairs:,} pairs nearly equal."
    )
    body = [
        section("Classes and splits", draw_counts(exploration.counts), tag("p", copies)),
        _draw_samples(exploration, seed),
        _draw_distributions(exploration),
        _draw_words(exploration),
        _draw_correlations(exploration),
        _draw_channels(exploration),
    ]
    lead = f"{len(facts):,} pictures, {len(facts.problems):,} of them not readable."
    return document(f"Exploration of {name}", *body, lead=lead, foot=f"Doctored {__version__}")


def _draw_samples(exploration: Exploration, seed: int) -> Markup:
    facts = exploration.facts
    random = np.random.default_rng(seed)
    sheets = []
    for label in ("real", "fake"):
        rows = np.flatnonzero(facts.is_usable & (facts.is_fake == (label == "fake")))
        if rows.size:
            chosen = random.permutation(rows)[:_SAMPLES].tolist()
            cells = [tag("article", draw_picture(facts, row), class_="card") for row in sorted(chosen)]
            sheets.append(join(tag("h3", label), tag("div", *cells, class_="grid samples")))
    return section("Samples", *sheets)


def _draw_distributions(exploration: Exploration) -> Markup:
    facts = exploration.facts
    told = []
    for name, values in properties(facts).items():
        distribution = exploration.distributions[name]
        known = facts.is_usable & np.isfinite(values)
        if not distribution.n:
            continue
        told.append(tag("h3", TITLES[name]))
        if distribution.minimum < distribution.maximum and known.any():
            told.append(draw_histogram(values, known, facts.is_fake, TITLES[name]))
        told.append(tag("p", _tell(distribution), class_="soft"))
    return section("Distributions", *told, draw_legend())


def _tell(distribution: Distribution) -> str:
    if distribution.minimum == distribution.maximum:
        return f"{distribution.minimum:.6g} for all {distribution.n:,}."
    text = (
        f"{distribution.minimum:.6g} to {distribution.maximum:.6g}, quartiles {distribution.quarter:.6g}, "
        f"{distribution.median:.6g}, {distribution.three_quarters:.6g}; skew {distribution.skew:.2f}; "
        f"{distribution.outliers:,} outliers"
    )
    return f"{text}, the farthest {', '.join(distribution.names)}." if distribution.names else f"{text}."


def _draw_words(exploration: Exploration) -> Markup:
    rows = [
        [name, ", ".join(f"{word} {count:,}" for word, count in counts.items())]
        for name, counts in exploration.words.items()
    ]
    return section("Files", table(["", "how many"], rows))


def _draw_correlations(exploration: Exploration) -> Markup:
    names = list(exploration.correlations)
    rows = [[name, *(f"{exploration.correlations[name][other]:.2f}" for other in names)] for name in names]
    return section("Correlations", table(["", *names], rows)) if rows else Markup("")


def _draw_channels(exploration: Exploration) -> Markup:
    parts = exploration.channels.parts.items()
    rows = [[name, *(f"{v:.6f}" for v in (*part.mean, *part.deviation))] for name, part in parts]
    headers = ["", *(f"{what} {colour}" for what in ("mean", "deviation") for colour in ("R", "G", "B"))]
    note = tag("p", "Exact, over all pixels, in units of 0 to 1:")
    return section("Channels", note, table(headers, rows))
