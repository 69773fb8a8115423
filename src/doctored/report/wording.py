"""Figures in words: what every section and every insight writes them with."""

from collections.abc import Mapping
from typing import Any

from doctored.measure.summary import Figure

SHARES = {
    "accuracy": "accuracy",
    "accuracy_at_threshold": "accuracy at the shipped threshold",
    "balanced_accuracy": "balanced accuracy",
    "precision_real": "precision, real",
    "recall_real": "recall, real",
    "f1_real": "F1, real",
    "precision_fake": "precision, fake",
    "recall_fake": "recall, fake",
    "f1_fake": "F1, fake",
    "eer": "equal error rate",
    "tpr_at_fpr_0.01": "fakes found at 1 % false alarms",
    "tpr_at_fpr_0.001": "fakes found at 0.1 % false alarms",
    "unsure": "without an answer",
    "error": "wrong among answers",
    "real_called_fake": "real called fake",
    "fake_called_real": "fake called real",
}
PLAIN = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "mcc": "Matthews correlation (MCC)",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
    "ece_equal_mass": "calibration error, equal mass",
}
TITLES = SHARES | PLAIN
LOWER_IS_BETTER = frozenset({
    "eer", "unsure", "error", "real_called_fake", "fake_called_real", "log_loss", "brier", "ece",
    "ece_equal_mass",
})  # fmt: skip
_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def read_figure(value: Mapping[str, Any] | None) -> Figure | None:
    """A figure as the artefacts hold it; None for null, and for one without a value."""
    if value is None or value["value"] is None:
        return None
    low, high = value.get("low"), value.get("high")
    if low is None or high is None:
        return Figure(float(value["value"]), int(value["n"]))
    return Figure(float(value["value"]), int(value["n"]), float(low), float(high))


def read_figures(values: Mapping[str, Any]) -> dict[str, Figure]:
    """Those that there are, by name."""
    found = {name: read_figure(value) for name, value in values.items()}
    return {name: figure for name, figure in found.items() if figure is not None}


def valued(figure: Figure) -> float:
    """The value of a figure that has one."""
    if figure.value is None:
        raise ValueError("the figure has no value")
    return figure.value


def share(value: float, decimals: int = 1) -> str:
    """`97.5 %`; what is not quite nothing, or not quite all, is not shown as if it were."""
    shown = f"{100 * value:.{decimals}f}"
    least = 10.0**-decimals
    if value > 0 and float(shown) == 0:
        return f"under {least:g} %"
    if value < 1 and float(shown) == 100:
        return f"over {100 - least:g} %"
    return f"{shown.removesuffix('.' + '0' * decimals)} %"


def points(difference: float) -> str:
    """A difference of shares: `1.2 points`."""
    return f"{100 * abs(difference):.1f} points"


def value_of(name: str, figure: Figure) -> str:
    """A figure's value as this kind of figure is written."""
    return share(valued(figure), 2) if name in SHARES else f"{valued(figure):.4f}"


def range_of(name: str, figure: Figure) -> str:
    """Its interval, `–` where it has none."""
    if figure.low is None or figure.high is None:
        return "–"
    if name in SHARES:
        return f"{100 * figure.low:.2f} to {100 * figure.high:.2f} %"
    return f"{figure.low:.4f} to {figure.high:.4f}"


def between(figure: Figure, decimals: int = 1) -> str:
    """A share with its interval: `97.5 % (97.3 to 97.7 %)`."""
    value = share(valued(figure), decimals)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({100 * figure.low:.{decimals}f} to {100 * figure.high:.{decimals}f} %)"


def are_apart(one: Figure, other: Figure) -> bool:
    """Whether two intervals do not touch; False where one is not known."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.high < other.low or other.high < one.low


def number(count: int) -> str:
    """In words up to ten, in digits beyond."""
    return _WORDS[count] if 0 < count < len(_WORDS) else f"{count:,}"


def pictures(count: int, kind: str = "") -> str:
    """`1 picture`, `20,000 real pictures`."""
    noun = "picture" if count == 1 else "pictures"
    return f"{count:,} {kind} {noun}" if kind else f"{count:,} {noun}"


def sentence(text: object) -> str:
    """Text of a file as a sentence: one line with a capital and an end."""
    words = " ".join(str(text).split())
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "!", "?")) else ".")
