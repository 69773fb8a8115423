"""What `doctored train` prints at its end."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doctored.training import RunResult, Search
    from doctored.training.interpolate import Tried


def tell_run(result: "RunResult") -> Iterator[str]:
    """The few figures that matter; nothing where another process has them."""
    if not result.metrics:
        return
    metrics = result.metrics["metrics"]
    for part, says in (
        ("val", "validation (chose epoch and calibration)"),
        ("held", "held out (bought the thresholds)"),
        ("test", "test (measured once)"),
    ):
        accuracy, auc = metrics.get(f"{part}.accuracy"), metrics.get(f"{part}.roc_auc")
        if accuracy and auc:
            yield f"{says}: accuracy {estimate(accuracy)}, AUC {estimate(auc)}, n {accuracy['n']:,}"
    yield f"detector: {result.detector}"
    yield f"next: doctored scan PICTURES --detector {result.detector}"


def tell_search(search: "Search", out: Path) -> Iterator[str]:
    """What the search suggests, and how to take it."""
    end = "until the loss flew apart" if search.is_diverged else "to the end"
    yield f"tried {len(search.rates)} rates from {search.rates[0]:.2g} to {search.rates[-1]:.2g}, {end}"
    found = search.settings()
    yield "the loss falls fastest at " + ", ".join(f"{key} {rate:g}" for key, rate in found.items())
    yield f"every step: {out / 'learning_rate.json'}"
    settings = " ".join(f"--set {key}={rate:g}" for key, rate in found.items())
    yield f"next: doctored train DATA --out {out} {settings}"


def tell_shares(tried: "Sequence[Tried]") -> Iterator[str]:
    """A line a share of the way: accuracy on each kind of validation pictures that there is."""
    kinds = [kind for kind, found in tried[0].accuracy.items() if found.n]
    yield from aligned(
        [
            ["share", *(f"{kind} (n {tried[0].accuracy[kind].n:,})" for kind in kinds)],
            *(
                [f"{one.share:.1f}", *(estimate(one.accuracy[kind].to_json()) for kind in kinds)]
                for one in tried
            ),
        ]
    )


def tell_pool(pooled: dict[str, Any], out: Path) -> Iterator[str]:
    """A line a run, a line a seed, and all together; nothing where another process has them."""
    if not pooled:
        return
    rows = [["run", "epochs", "pictures", "accuracy", "AUC"]]
    rows += [line(run["folder"], str(run["epochs"]), run) for run in pooled["runs"]]
    rows += [line(f"seed {one['seed']}, all folds", "", one) for one in pooled["by_seed"]]
    rows += [line("all", "", pooled["pooled"])]
    yield from aligned(rows)
    for key, says in (("accuracy", "accuracy"), ("roc_auc", "AUC")):
        spread = pooled["spread"][key]
        if spread["deviation"] is not None:
            yield (
                f"{says} over {len(pooled['by_seed'])} seeds: mean {spread['mean']:.4f}, standard deviation "
                f"{spread['deviation']:.4f}, from {spread['lowest']:.4f} to {spread['highest']:.4f}"
            )
    for name, why in pooled["failed"].items():
        yield f"left out with its seed: {name}: {why}"
    yield f"the table: {out / 'pooled.json'}"


def line(name: str, epochs: str, figures: dict[str, Any]) -> list[str]:
    accuracy = figures["accuracy"]
    return [name, epochs, f"{accuracy['n']:,}", estimate(accuracy), estimate(figures["roc_auc"])]


def estimate(measured: dict[str, Any] | None) -> str:
    """A value with its 95 % interval."""
    if measured is None or measured["value"] is None:
        return "unknown"
    if measured["low"] is None:
        return f"{measured['value']:.4f}"
    return f"{measured['value']:.4f} [{measured['low']:.4f}, {measured['high']:.4f}]"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The cells of a table in columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
