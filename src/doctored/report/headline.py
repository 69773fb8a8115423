"""The figures to be seen first, and how far they may be believed."""

from collections.abc import Mapping

from doctored.data.audit.rules import UNSEEN
from doctored.measure.summary import Figure
from doctored.page.document import Tile, fold, insight, paragraphs, table, tiles, warning
from doctored.page.markup import Markup
from doctored.report.artefacts import AUDIT, Run
from doctored.report.measured import Measured, read_measured
from doctored.report.wording import (
    TITLES,
    between,
    pictures,
    range_of,
    read_figures,
    sentence,
    share,
    value_of,
    valued,
)

FIRST = ("accuracy", "roc_auc", "tpr_at_fpr_0.01", "ece_equal_mass", "ece", "log_loss")
_MOST_TILES = 6


def draw_headline(run: Run) -> list[Markup]:
    measured = read_measured(run)
    outcome = measured.part("outcome")
    found = {**measured.figures, **read_figures(_of_outcome(outcome))}
    chosen = [name for name in FIRST if name in found]
    if "ece_equal_mass" in chosen and "ece" in chosen:
        chosen.remove("ece")
    shown = [
        Tile(TITLES[name], value_of(name, found[name]), _below(name, found[name]))
        for name in [*chosen, *_of_outcome(outcome)][:_MOST_TILES]
    ]
    rows = [
        [TITLES[name], value_of(name, figure), range_of(name, figure), f"{figure.n:,}"]
        for name, figure in found.items()
        if name in TITLES
    ]
    headers = ["figure", "value", "95 % interval", "n"]
    every = table(headers, rows, caption="Every figure, with its 95 % interval", is_named=True)
    return [
        *[warning(text) for text in tell_cautions(run, measured)],
        insight(tell_headline(measured)),
        tiles(*shown),
        fold("Every figure, with its interval and how many pictures are behind it", every),
    ]


def _of_outcome(outcome: Mapping[str, object] | None) -> dict[str, Mapping[str, object]]:
    names = ("unsure", "error", "real_called_fake", "fake_called_real")
    return {name: outcome[name] for name in names if name in outcome} if outcome else {}  # type: ignore[misc]


def _below(name: str, figure: Figure) -> list[str]:
    interval = range_of(name, figure)
    return [*([] if interval == "–" else [interval]), f"n = {figure.n:,}"]


def tell_headline(measured: Measured) -> str:
    """How often it is right when it must answer, and what the three-way answer makes of it."""
    accuracy = measured.figures.get("accuracy")
    if accuracy is None:
        return "The files name no accuracy."
    where = (
        f"{pictures(accuracy.n)} of the {measured.split} split" if measured.split else pictures(accuracy.n)
    )
    text = f"On {where}, forced to answer, it is right on {between(accuracy)}"
    outcome = measured.part("outcome")
    if outcome is None:
        return f"{text}."
    unsure, error = read_figures({name: outcome[name] for name in ("unsure", "error")}).values()
    return (
        f"{text}; allowed to say unsure (the {share(outcome['budget'])} budget), it leaves "
        f"{share(valued(unsure))} open and is wrong on {share(valued(error))} of its answers."
    )


def tell_cautions(run: Run, measured: Measured) -> list[str]:
    """What must be known before the figures are believed."""
    told = []
    if run.has(AUDIT):
        verdict = run.json(AUDIT)["verdict"]
        broken = [reason for reason in verdict["reasons"] if reason["state"] == "broken"]
        worst = min(broken, key=lambda reason: reason["code"] in UNSEEN, default=None)
        if worst is not None:
            blame = (
                "the audit calls this data broken for what files tell and a network does not see."
                if worst["code"] in UNSEEN
                else "the audit calls this data broken, so figures on it mean little."
            )
            told.append(f"{blame} {sentence(worst['text'])}")
    if measured.split == "val":
        told.append(
            "there is no test split here. The epoch, the calibration and the thresholds were chosen on these "
            "very validation pictures, so the figures flatter."
        )
    if measured.split == "train":
        told.append("these are pictures that the detector was trained on; the figures say nothing of others.")
    duplicates = measured.part("duplicates")
    if duplicates is not None and (duplicates.get("in_training") or 0) > 0:
        count = int(duplicates["in_training"])
        told.append(
            f"{pictures(count)} of these {'lies' if count == 1 else 'lie'} in train or val too; the figures "
            "without them stand under 'Is it equally good everywhere?'."
        )
    return told


def draw_source(measured: Measured) -> Markup:
    """Where the figures of a page come from."""
    return paragraphs(f"From {measured.source}.")
