"""The tables that `doctored evaluate` prints, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from doctored.records import Label
from doctored.untrusted import clean

if TYPE_CHECKING:
    from doctored.evaluate import Evaluation
    from doctored.measure.summary import Figure

ROWS = (
    ("accuracy", "accuracy"),
    ("balanced accuracy", "balanced_accuracy"),
    ("MCC", "mcc"),
    ("precision, real", "precision_real"),
    ("recall, real", "recall_real"),
    ("F1, real", "f1_real"),
    ("precision, fake", "precision_fake"),
    ("recall, fake", "recall_fake"),
    ("F1, fake", "f1_fake"),
    ("ROC AUC", "roc_auc"),
    ("average precision", "average_precision"),
    ("equal error rate", "eer"),
    ("TPR at 1 % FPR", "tpr_at_fpr_0.01"),
    ("TPR at 0.1 % FPR", "tpr_at_fpr_0.001"),
    ("log loss", "log_loss"),
    ("Brier score", "brier"),
    ("calibration error", "ece"),
    ("the same, equal mass", "ece_equal_mass"),
)
TROUBLES = (
    ("undecodable", "could not be decoded and are in no figure"),
    ("outside_size", "are of a size outside the domain and are in no figure"),
    ("outside_distance", "lie outside the domain by their distance; scored, but answered unsure"),
    ("broken_in_pack", "were left out of the pack as broken"),
)
MOST_SLICES = 8
HEAD = f"{'value':>8}  {'95 % interval':<18}{'n':>8}"


def draw(evaluation: "Evaluation") -> Iterator[str]:
    """Everything about one detector."""
    counts = evaluation.counts
    part = f", split {evaluation.split}" if evaluation.split else ""
    yield f"{evaluation.card.name} {evaluation.card.version} on {evaluation.data}{part}"
    yield f"{counts['rows']:,} pictures, {counts['scored']:,} scored"
    yield from (f"{counts[key]:,} {says}" for key, says in TROUBLES if counts.get(key))
    yield f"\n{'at probability one half':<24}{HEAD}"
    yield from (draw_figure(title, evaluation.figures[key]) for title, key in ROWS)
    cells = evaluation.confusion
    yield f"\n{'confusion':<24}{'called real':>12}{'called fake':>12}"
    yield f"{'real':<24}{cells.true_real:>12,}{cells.false_fake:>12,}"
    yield f"{'fake':<24}{cells.false_real:>12,}{cells.true_fake:>12,}"
    yield from _draw_outcome(evaluation)
    told = evaluation.to_json()
    yield from _draw_selection(told["risk_coverage"]["rows"])
    yield from _draw_likelihood(told["likelihood_ratios"])
    yield from _draw_slices(told["slices"])
    yield from _draw_duplicates(told)
    yield from _draw_paired(evaluation.card.name, told["paired"])


def draw_pooled(names: Sequence[str], told: Mapping[str, Any]) -> Iterator[str]:
    """Several detectors: the mean of each figure, its spread, and every value."""
    part = f", split {told['split']}" if told["split"] else ""
    yield f"{len(names)} detectors on {told['data']}{part}: {', '.join(names)}"
    yield f"\n{'':<24}{'mean':>8}  {'95 % interval':<18}{'deviation':>10}  values"
    for title, key in ROWS:
        if pooled := told["figures"].get(key):
            values = " ".join(f"{value:.4f}" for value in pooled["values"])
            interval = _interval(pooled["low"], pooled["high"])
            yield f"{title:<24}{pooled['mean']:>8.4f}  {interval:<18}{pooled['deviation']:>10.4f}  {values}"


def draw_figure(title: str, figure: "Figure") -> str:
    return _row(title, figure.to_json())


def _row(title: str, figure: Mapping[str, Any]) -> str:
    value = "–" if figure["value"] is None else f"{figure['value']:.4f}"
    return f"{title:<24}{value:>8}  {_interval(figure['low'], figure['high']):<18}{figure['n']:>8,}"


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None else f"{low:.4f} to {high:.4f}"


def _draw_outcome(evaluation: "Evaluation") -> Iterator[str]:
    outcome = evaluation.outcome
    title = f"at the {outcome.budget:.1%} budget"
    yield f"\n{title:<24}" + "".join(f"{'called ' + answer:>14}" for answer in outcome.table[Label.REAL])
    for truth, row in outcome.table.items():
        yield f"{truth:<24}" + "".join(f"{n:>14,}" for n in row.values())
    yield f"\n{'':<24}{HEAD}"
    yield draw_figure("without an answer", outcome.unsure)
    yield draw_figure("wrong among answers", outcome.error)
    yield draw_figure("real called fake", outcome.real_called_fake)
    yield draw_figure("fake called real", outcome.fake_called_real)


def _draw_selection(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How much surer answers are, when fewer are given."""
    if not rows:
        return
    yield f"\n{'wrong, if answered are':<24}{HEAD}"
    for row in rows:
        if row["from"] == "these":
            yield _row(f"the surest {row['coverage']:.0%}", row["risk"])
    for row in rows:
        if row["from"] == "validation":
            yield _row(f"{row['coverage']:.0%} of validation", row["risk"]) + (
                f", {row['answered']['value']:.1%} of these pictures"
            )


def _draw_likelihood(told: Mapping[str, Any] | None) -> Iterator[str]:
    if told is None:
        return
    yield f"\n{'likelihood ratios, bits':<24}{HEAD}"
    yield _row("Cllr", told["cllr"])
    yield _row("its minimum", told["cllr_min"])


def _draw_slices(slices: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """What a reader looks for first in each part; evaluation.json has the rest."""
    for grouping, parts in slices.items():
        yield f"\n{'accuracy by ' + grouping:<24}{HEAD}"
        yield from (
            _row(clean(part["value"], 23), part["figures"]["accuracy"]) for part in parts[:MOST_SLICES]
        )
        if len(parts) > MOST_SLICES:
            yield f"and {len(parts) - MOST_SLICES} more, in evaluation.json"


def _draw_duplicates(told: Mapping[str, Any]) -> Iterator[str]:
    found = told["duplicates"]
    if found["figures"] is None:
        return
    copies = f"{found['within']:,} pictures copy another of these"
    if found["in_training"]:
        copies += f", {found['in_training']:,} are in training"
    yield f"\n{copies}, pixel for pixel; without them"
    yield f"{'':<24}{HEAD}"
    yield _row("accuracy", found["figures"]["accuracy"])
    yield _row("ROC AUC", found["figures"]["roc_auc"])


def _draw_paired(name: str, told: Mapping[str, Any] | None) -> Iterator[str]:
    if told is None:
        return
    yield f"\n{name} less {told['against']['name']}, on {told['n']:,} pictures that both scored"
    yield f"{'':<24}{HEAD}"
    for title, key in (("accuracy", "accuracy"), ("ROC AUC", "roc_auc")):
        if (compared := told[key]) is not None:
            p = "" if compared["p"] is None else f"  p = {compared['p']:.3g}"
            yield _row(title, compared["difference"]) + p
    if (accuracy := told["accuracy"]) is not None:
        yield (
            f"right alone: {accuracy['only_ours_right']:,} and {accuracy['only_theirs_right']:,}; McNemar's "
            f"mid-p = {accuracy['p_mid']:.3g}"
        )
