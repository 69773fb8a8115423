"""How a training run went: loss and accuracy by epoch."""

import math
from collections.abc import Sequence
from itertools import accumulate

from doctored.measure.summary import Figure
from doctored.page.document import insight
from doctored.page.markup import Markup, tag
from doctored.page.plot import Axis, Series, legend, linear, panel, panels, plot
from doctored.report.artefacts import CONFIG, TRAINING, Epoch, Run
from doctored.report.wording import number, read_figures, share

_TAIL = 10
_MOST_ROWS = 60
_NO_OVERFITTING = 0.05


def draw_convergence(run: Run) -> list[Markup]:
    history = run.history
    planned = int(run.settings["recipe"]["epochs"]) if run.has(CONFIG) else len(history)
    final = read_figures(run.json(TRAINING)["metrics"]) if run.has(TRAINING) else {}
    said = [
        insight(tell_convergence(history, planned, final.get("val.accuracy"))),
        tag("p", tell_loss(history)),
    ]
    note = (
        "Training loss is taken while the weights change, on augmented pictures and softened labels, so it "
        "may lie above the validation loss."
    )
    return [*said, panels(_draw_accuracy(history), _draw_loss(history, note))]


def tell_convergence(history: Sequence[Epoch], planned: int, final: Figure | None = None) -> str:
    """When validation accuracy reached its last round hundredth, and what the end of the run still brought.

    `final` is the validation accuracy with its interval, which says how small a gain can be seen at all.
    """
    accuracies = [epoch.val_accuracy for epoch in history]
    best = max(accuracies)
    milestone = math.floor(best * 100 + 1e-9) / 100
    reached = next(epoch for epoch in history if epoch.val_accuracy >= milestone - 1e-12)
    done = len(history)
    if done == 1:
        return f"It trained for one epoch of {planned} and stands at {best:.3f} on validation."
    text = f"It reached {milestone:.2f} on validation in epoch {reached.epoch} of {done}"
    stopped = f" It stopped before the {planned} epochs that were planned." if done < planned else ""
    tail = min(_TAIL, done // 3)
    if not tail:
        return f"{text}.{stopped}"
    gain = best - max(accuracies[:-tail])
    last = f"the last {number(tail)} epochs" if tail > 1 else "the last epoch"
    if gain < 0.0005:
        return f"{text}; {last} brought nothing more.{stopped}"
    return f"{text}; {last} brought {gain:.3f}{_doubt(gain, final)}.{stopped}"


def _doubt(gain: float, final: Figure | None) -> str:
    if final is None or final.low is None or final.high is None:
        return ""
    margin = (final.high - final.low) / 2
    return f", less than the ±{margin:.3f} that {final.n:,} pictures leave open" if gain < margin else ""


def tell_loss(history: Sequence[Epoch]) -> str:
    """Where validation loss was lowest, and whether what came after looks like overfitting."""
    lowest = min(history, key=lambda epoch: epoch.val_loss)
    last = history[-1]
    if len(history) == 1:
        return f"Validation loss is {lowest.val_loss:.4f} after its only epoch."
    if lowest.epoch == last.epoch:
        return (
            f"Validation loss was lowest in the last epoch ({lowest.val_loss:.4f}): it may be that more "
            "epochs would have brought more."
        )
    rise = last.val_loss / lowest.val_loss - 1
    text = (
        f"Validation loss was lowest in epoch {lowest.epoch} of {len(history)} ({lowest.val_loss:.4f}), "
        "whose "
        f"weights are kept, and ended {share(rise)} above that"
    )
    if rise < _NO_OVERFITTING:
        return f"{text}: no sign of overfitting."
    return f"{text}: past that epoch it learned its training pictures rather than the task."


def _draw_accuracy(history: Sequence[Epoch]) -> Markup:
    points = [(float(epoch.epoch), epoch.val_accuracy) for epoch in history]
    best = list(accumulate((epoch.val_accuracy for epoch in history), max))
    steps = [(float(epoch.epoch), value) for epoch, value in zip(history, best, strict=True)]
    series = [Series("validation", points, "first"), Series("best so far", steps, "unsure", "dashes")]
    attacked = [(float(one.epoch), one.attacked) for one in history if one.attacked is not None]
    if attacked:
        series.append(Series("attacked pictures", attacked, "second"))
    chart = plot(
        series,
        _epochs(history),
        linear("accuracy", [value for one in series for _, value in one.points]),
        title="Validation accuracy by epoch",
        description=f"From {points[0][1]:.4f} in the first epoch to {points[-1][1]:.4f} in the last; the "
        "best "
        f"is {max(best):.4f}.",
    )
    rows = [
        [epoch.epoch, f"{epoch.val_accuracy:.4f}", "–" if epoch.val_auc is None else f"{epoch.val_auc:.5f}"]
        for epoch in thinned(history)
    ]
    headers = ["epoch", "accuracy", "ROC AUC"]
    return panel("Validation accuracy by epoch", chart, headers, rows, key=legend(series))


def _draw_loss(history: Sequence[Epoch], note: str) -> Markup:
    series = [
        Series("validation", [(float(one.epoch), one.val_loss) for one in history], "first"),
        Series("training", [(float(one.epoch), one.train_loss) for one in history], "second", "dashes"),
    ]
    losses = [value for one in series for _, value in one.points]
    first, last = history[0], history[-1]
    chart = plot(
        series,
        _epochs(history),
        linear("loss, nats", losses),
        title="Loss by epoch",
        description=f"Validation from {first.val_loss:.4f} to {last.val_loss:.4f}, training from "
        f"{first.train_loss:.4f} to {last.train_loss:.4f}.",
    )
    rows = [[one.epoch, f"{one.val_loss:.4f}", f"{one.train_loss:.4f}"] for one in thinned(history)]
    headers = ["epoch", "validation", "training"]
    return panel("Loss by epoch", chart, headers, rows, key=legend(series), note=note)


def _epochs(history: Sequence[Epoch]) -> Axis:
    return epoch_axis([float(epoch.epoch) for epoch in history])


def epoch_axis(epochs: Sequence[float]) -> Axis:
    return linear("epoch", epochs, show=lambda value: f"{value:g}", is_whole=True, count=7)


def thinned(history: Sequence[Epoch]) -> list[Epoch]:
    """Few enough epochs for a table, the last among them."""
    every = max(1, math.ceil(len(history) / _MOST_ROWS))
    return [epoch for place, epoch in enumerate(history) if place % every == 0 or epoch is history[-1]]
