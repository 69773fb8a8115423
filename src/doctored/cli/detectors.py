"""`doctored detectors`: what is on the shelf, and what each detector covers."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doctored.errors import DetectorError

if TYPE_CHECKING:
    from doctored.detector import Card


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="Tell all about one; by default list all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON.")] = False,
) -> None:
    """List the detectors that there are, and what each covers."""
    for line in tell_shelf(as_json) if name is None else tell_one(name, as_json):
        typer.echo(line)


def tell_shelf(as_json: bool) -> Iterator[str]:
    from doctored.detector.shelf import shelf

    entries = shelf()
    if as_json:
        rows = [as_object(entry.card, entry.sha256) | {"default": entry.is_default} for entry in entries]
        yield json.dumps(rows, indent=2, ensure_ascii=False)
    elif not entries:
        yield "There is no detector on the shelf. doctored train makes one; --detector FILE uses it."
    else:
        for entry in entries:
            yield from list_one(entry.card, entry.is_default)
            yield ""
        yield "All about one: doctored detectors NAME"


def tell_one(name: str, as_json: bool) -> Iterator[str]:
    from doctored.detector import open_detector

    with open_detector(name) as opened:
        if as_json:
            yield json.dumps(as_object(opened.card, opened.sha256), indent=2, ensure_ascii=False)
        else:
            yield from describe(opened.card, opened.sha256)


def as_object(card: "Card", sha256: str) -> dict[str, Any]:
    value = json.loads(card.to_json())
    if not isinstance(value, dict):
        raise DetectorError(f"the card of {card.name} is damaged: install Doctored again")
    return {"sha256": sha256, **value}


def list_one(card: "Card", is_default: bool) -> Iterator[str]:
    from doctored.detector.model_card import QUESTIONS

    yield f"{card.name} {card.version}"
    yield f"  asks     {QUESTIONS[card.asks.value]}"
    yield f"  knows    {card.domain.text} ({card.domain.kind.value})"
    yield f"  judges   {'where none is named' if is_default else 'where it is named'}"
    for key in ("test.accuracy", "test.roc_auc"):
        if metric := card.card.metrics.get(key):
            title = key.removeprefix("test.").replace("roc_auc", "AUC")
            yield f"  {title:<8} {metric.value:.4f} [{metric.low:.4f}, {metric.high:.4f}], n {metric.n:,}"


def describe(card: "Card", sha256: str) -> Iterator[str]:
    """Everything on the card, for people."""
    from doctored.detector.model_card import QUESTIONS

    domain, notes = card.domain, card.card
    sides = " to ".join(str(side) for side in sorted({domain.min_side, domain.max_side}))
    yield f"{card.name} {card.version}"
    yield f"asks       {QUESTIONS[card.asks.value]}"
    yield f"knows      {domain.text}"
    yield f"domain     {domain.kind.value}; sides {sides} pixels; distance up to {domain.distance_limit:.4g}"
    yield f"prepares   {', '.join(f'{key} {value}' for key, value in card.preprocess.to_json().items())}"
    yield f"limits     {notes.limits}"
    yield "\nthresholds"
    for says, mistake in (("fake", "of the real are called fake"), ("real", "of the fakes are called real")):
        sign = "≥" if says == "fake" else "≤"
        for row in card.thresholds[says]:
            promise = f"at most {row.bound:.2%} {mistake} (95 % bound, n {row.n:,})"
            yield f"  {says} at logit {sign} {row.logit:.4f}: budget {row.budget:.1%}, {promise}"
    yield f"\n{'figures':<28}{'value':>8}  {'95 % interval':<18}{'n':>8}"
    for key, metric in notes.metrics.items():
        yield f"  {key:<26}{metric.value:>8.4f}  {f'{metric.low:.4f} to {metric.high:.4f}':<18}{metric.n:>8,}"
    yield f"\ndata       {notes.data}"
    yield f"counts     {', '.join(f'{key} {count:,}' for key, count in notes.counts.items())}"
    yield f"licence    {notes.licence}"
    yield f"network    {notes.text}"
    yield f"made by    {notes.command} (commit {notes.commit})"
    yield f"sha256     {sha256}"
