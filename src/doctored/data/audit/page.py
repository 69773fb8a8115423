"""The audit's page: the verdict first, then its reasons, then everything they rest on."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from doctored.data.audit.auditing import Audit
from doctored.data.audit.exploring import count_labels
from doctored.data.audit.facts import Facts
from doctored.data.audit.rules import CORRECTED, Judged
from doctored.data.audit.verdict import (
    BROKEN_AUC,
    SUSPICIOUS_AUC,
    State,
    state_of,
    tell_overlap,
    tell_rule,
)
from doctored.data.members import MemberStore
from doctored.errors import DoctoredError
from doctored.page.chart import Estimate, estimates, histogram
from doctored.page.document import badge, document, figure, paragraphs, picture, section, table
from doctored.page.markup import Markup, join, tag
from doctored.picture import Preprocess, decode, encode_png
from doctored.picture.preprocess import MAX_SIZE
from doctored.records import Label
from doctored.version import __version__

TONES = {State.BROKEN: "fake", State.SUSPICIOUS: "unsure", State.CLEAN: "real"}
LEADS = {
    State.BROKEN: "Do not train or test on this set as it is: the figures would not mean what they seem to.",
    State.SUSPICIOUS: "Nothing here settles the classes by itself, but this belongs into every report.",
    State.CLEAN: "No shortcut and no leak was found by the means described below.",
}
_MOST_PAIRS_SHOWN = 6
_SHOWN_SIDE = 96
_BINS = 40


def draw_page(audit: Audit, name: str, after: Audit | None = None, mended: Sequence[str] = ()) -> str:
    """The whole page as HTML. `after` is the audit of the mended set, shown beside, and `mended` what was
    done to it, in plain sentences."""
    verdict = audit.verdict
    badges = tag("p", badge(Label(TONES[verdict.state]), verdict.state.value))
    reasons = [
        tag("li", tag("span", reason.state.value, class_=f"mark {TONES[reason.state]}"), f": {reason.text}")
        for reason in verdict.reasons
    ]
    body = [
        section("Verdict", badges, tag("ul", *reasons) if reasons else "", paragraphs(*audit.notes)),
        *([_draw_mended(audit, after, mended)] if after is not None else []),
        _draw_rules(audit.rules),
        _draw_leaks(audit),
        _draw_data(audit),
        _draw_reading(),
    ]
    foot = f"Doctored {__version__}; manifest {audit.facts.manifest.digest()[:16]}"
    return document(f"Audit of {name}", *body, lead=LEADS[verdict.state], foot=foot)


def _draw_mended(audit: Audit, after: Audit, mended: Sequence[str]) -> Markup:
    before_rules = {judged.name: judged for judged in audit.rules}
    names = {**before_rules, **{judged.name: judged for judged in after.rules}}
    after_rules = {judged.name: judged for judged in after.rules}
    rows = [
        [judged.about, _figure(before_rules.get(name)), _figure(after_rules.get(name))]
        for name, judged in names.items()
        if (judged.score or (before_rules.get(name) and before_rules[name].score))
    ]
    leaks = [
        ["rows", f"{audit.leaks.rows:,}", f"{after.leaks.rows:,}"],
        ["pairs with equal pixels", _total(audit.leaks.equal_pairs), _total(after.leaks.equal_pairs)],
        ["test pictures that leak", f"{audit.leaks.leaked['any']:,}", f"{after.leaks.leaked['any']:,}"],
    ]
    verdicts = [["verdict", audit.verdict.state.value, after.verdict.state.value]]
    return section(
        "Before and after mending",
        paragraphs(*mended),
        table(["", "before", "after"], [*verdicts, *leaks, *rows]),
    )


def _figure(judged: Judged | None) -> str:
    if judged is None:
        return "not part of it"
    if judged.score is None:
        return "alike"
    return f"{judged.score.auc:.3f} ({judged.score.low:.3f} to {judged.score.high:.3f})"


def _total(pairs: dict[str, int]) -> str:
    return f"{sum(pairs.values()):,}"


def _draw_rules(rules: Sequence[Judged]) -> Markup:
    judged = [(rule, rule.score) for rule in rules if rule.score is not None]
    rows = [
        Estimate(rule.about, score.auc, score.low, score.high, TONES[state_of(rule)])
        for rule, score in judged
    ]
    marks = [(0.5, "chance"), (SUSPICIOUS_AUC, ""), (BROKEN_AUC, "0.75"), (1.0, "1")]
    chart = estimates(
        rows,
        domain=(0.4, 1.0),
        marks=marks,
        alt="AUC of each rule with its interval; the table below has the figures",
    )
    cells = [
        [tell_rule(rule), f"{score.auc:.3f}", f"{score.low:.3f}–{score.high:.3f}", _draw_values(rule)]
        for rule, score in judged
    ]
    alike = ", ".join(rule.about for rule in rules if rule.score is None)
    return section(
        "What tells the classes apart without looking",
        tag(
            "p",
            "Each rule learns on four fifths of the pictures and is tried on the rest; copies and groups "
            "stay together. The area under the curve (AUC) is the chance that a fake ranks above a real one.",
        ),
        chart if rows else "",
        table(["rule", "AUC", "interval", "most telling values"], cells) if cells else "",
        paragraphs(f"Alike for all pictures: {alike}." if alike else ""),
    )


def _draw_values(rule: Judged) -> Markup:
    texts = [f"{value['value']}: {value['real']:,} real, {value['fake']:,} fake" for value in rule.values[:3]]
    return join(*(join(tag("small", text), tag("br")) for text in texts))


def _draw_leaks(audit: Audit) -> Markup:
    leaks = audit.leaks
    splits = sorted({*leaks.equal_pairs, *leaks.near_pairs})
    pairs = [[name, leaks.equal_pairs.get(name, 0), leaks.near_pairs.get(name, 0)] for name in splits]
    told = []
    if leaks.test_rows:
        told.append(
            f"{leaks.leaked['any']:,} of {leaks.test_rows:,} test pictures ({leaks.leaked_share:.1%}) are in "
            "train or val too, or share a group with one that is."
        )
    else:
        told.append("The set has no test split of its own.")
    told.append(
        f"Split at random, one in five to test, {leaks.random_leak:.1%} of the test pictures would leak."
    )
    if leaks.groups:
        told.append(f"{leaks.groups_across_splits:,} of {leaks.groups:,} groups lie in more than one split.")
    told.append(f"{leaks.conflicts:,} pictures carry both labels.")
    if leaks.near_across_labels:
        told.append(
            f"{leaks.near_across_labels:,} near pairs are one real, one fake: usual where fakes are made "
            "from real pictures of the set."
        )
    if audit.overlap is not None:
        told.append(tell_overlap(audit.overlap))
    shown = [*leaks.examples["equal_across_splits"][:2], *leaks.examples["near_across_splits"]]
    shown = shown or [*leaks.examples["equal"][:2], *leaks.examples["near"]]
    return section(
        "What is there twice",
        paragraphs(*told),
        table(["pairs in", "equal pixels", "nearly equal"], pairs) if pairs else "",
        _draw_pairs(audit, shown[:_MOST_PAIRS_SHOWN]),
    )


def _draw_pairs(audit: Audit, pairs: Sequence[Sequence[str]]) -> Markup:
    manifest = audit.facts.manifest
    rows = {name: row for row, name in enumerate(manifest.column("id"))}
    cards = []
    for pair in pairs:
        figures = [draw_picture(audit.facts, rows[name]) for name in pair]
        cards.append(tag("article", tag("div", *figures, class_="strip"), class_="card"))
    return tag("div", *cards, class_="grid") if cards else Markup("")


def draw_picture(facts: Facts, row: int) -> Markup:
    """A small square from the middle of one row, as its file is; an empty one where it cannot be read."""
    told = facts.manifest.row(row)
    caption = f"{told.id} ({told.label or 'no label'})"
    try:
        with MemberStore(str(told.source)) as store:
            pixels = decode(store.read(str(told.member))).pixels
    except DoctoredError:
        return figure(tag("div", class_="blank"), caption, kind="square")
    if told.box is not None:
        x, y, width, height = told.box
        pixels = pixels[y : y + height, x : x + width]
    if max(pixels.shape[:2]) > _SHOWN_SIDE:
        square = Preprocess.center(min(MAX_SIZE, *pixels.shape[:2])).apply(pixels)[0]
        pixels = Preprocess.resize(_SHOWN_SIDE).apply(square)[0]
    return figure(picture(encode_png(pixels), caption), caption, kind="tiny")


def _draw_data(audit: Audit) -> Markup:
    channels = [
        [name, *(f"{value:.4f}" for value in (*part.mean, *part.deviation))]
        for name, part in audit.channels.parts.items()
    ]
    headers = ["", *(f"{what} {colour}" for what in ("mean", "deviation") for colour in ("R", "G", "B"))]
    return section(
        "The pictures",
        draw_counts(count_labels(audit.facts)),
        *_draw_histograms(audit),
        tag("p", "Means and deviations of the channels, exact, in units of 0 to 1:"),
        table(headers, channels),
    )


def draw_counts(counts: dict[str, dict[str, int]]) -> Markup:
    """Splits by labels."""
    labels = sorted({label for of_split in counts.values() for label in of_split})
    rows = [
        [split, *(f"{of_split.get(label, 0):,}" for label in labels)] for split, of_split in counts.items()
    ]
    return table(["split", *labels], rows)


def draw_legend() -> Markup:
    swatches = [tag("span", tag("span", class_=f"swatch {name}"), f" {name}") for name in ("real", "fake")]
    return tag("p", *swatches, class_="legend")


def _draw_histograms(audit: Audit) -> Iterator[Markup]:
    facts = audit.facts
    usable = facts.is_usable
    table_ = facts.records
    pixels = np.maximum(1, table_["width"].astype(np.float64) * table_["height"])
    for title, values in (
        ("File length in bytes", table_["file_bytes"].astype(np.float64)),
        ("Bytes a pixel", table_["file_bytes"] / pixels),
        ("Pixels", pixels),
        ("JPEG quality that the tables tell", table_["quality"].astype(np.float64)),
        ("Mean brightness (green)", table_["statistics"][:, 1].astype(np.float64)),
        ("Fine detail (log energy of the residual)", table_["statistics"][:, 19].astype(np.float64)),
    ):
        known = usable & np.isfinite(values)
        if not known.any() or values[known].min() == values[known].max():
            continue
        yield tag("h3", title)
        yield draw_histogram(values, known, facts.is_fake, title)
    if usable.any():
        yield draw_legend()


def draw_histogram(
    values: NDArray[np.float64], known: NDArray[np.bool_], is_fake: NDArray[np.bool_], title: str
) -> Markup:
    """Shares of real and fake in forty bins; the half per cent at either end goes into the outer bins."""
    low, high = np.quantile(values[known], [0.005, 0.995])
    if low == high:
        low, high = values[known].min(), values[known].max()
    edges = np.linspace(low, high, _BINS + 1)
    clipped = np.clip(values, low, high)
    series = []
    for label, rows in (("real", known & ~is_fake), ("fake", known & is_fake)):
        series.append((label, label, np.histogram(clipped[rows], edges)[0].tolist()))
    return histogram(series, (f"{low:.4g}", f"{high:.4g}"), alt=f"{title}, real and fake, as shares")


def _draw_reading() -> Markup:
    return section(
        "How to read this",
        paragraphs(
            f"An interval holds with {CORRECTED:.1%} confidence each, so that all together hold with 95 %: a "
            "clean set is not accused because many rules were tried. Copies count once.",
            "Broken: a rule about files reaches an AUC of 0.75 even at its lower bound, or leaks or "
            "conflicting labels touch 5 % of the test split. Suspicious: 0.60, or one row in a thousand. "
            "What pixels tell, and a word for the class in file names, are suspicious at most.",
            "Nearly equal: perceptual hashes within 8 of 64 bits, confirmed on small thumbnails. Mirrored or "
            "strongly cropped copies are not found, and plain pictures are not compared.",
            "What this cannot see: content that differs between the classes (only cats are fake), and "
            "traces that none of the statistics measures. Clean means that nothing was found by these means.",
        ),
    )
