"""`doctored data audit` and `explore`: shortcuts and leaks, and what a set is like, before anyone trains."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doctored.cli.data_options import ReaderName, Workers, shown_progress
from doctored.errors import UsageError

if TYPE_CHECKING:
    from doctored.data.audit import Audit
    from doctored.data.audit.exploring import Exploration

STATES = ("suspicious", "broken")


def audit(
    path: Annotated[Path, typer.Argument(help="A folder, an archive, or a manifest.")],
    reader: ReaderName = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Another set: find its pictures in this one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder for audit.json, copies.csv and a page.")
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option("--fix", help="Write a cleaned manifest (.csv, .parquet), and audit that too."),
    ] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", help="broken or suspicious: end with 1 where it is so bad.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    with_models: Annotated[
        bool, typer.Option("--models/--no-models", help="Boosted trees on all rules; needs scikit-learn.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of folds, samples and a drawn split.")] = 0,
    workers: Workers = None,
) -> None:
    """Find what would make a detector's figures worthless: shortcuts, leaks, conflicting labels."""
    from doctored.data.audit import audit as audit_manifest
    from doctored.data.audit.output import describe_audit
    from doctored.data.readers import read_dataset

    if fail_on is not None and fail_on not in STATES:
        raise UsageError(f"--fail-on takes {' or '.join(STATES)}, not {fail_on!r}; give one of these")
    manifest = read_dataset(path, reader)
    other = read_dataset(against) if against is not None else None
    with shown_progress("looking at pictures") as progress:
        found = audit_manifest(
            manifest,
            against=other,
            against_name=against.name if against is not None else "",
            with_models=with_models,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    after, told = _mend(found, fix, seed, workers, with_models) if fix is not None else (None, [])
    if as_json:
        typer.echo(json.dumps(describe_audit(found, after, told)))
    else:
        typer.echo("\n".join(draw_audit(found, path.name)))
        if after is not None:
            lines = [f"\n{fix}: the mended manifest", *told, "", *draw_audit(after, f"{fix}, mended")]
            typer.echo("\n".join(lines))
    if out is not None:
        from doctored.data.audit.output import write_audit

        write_audit(found, path.name, out, after=after, mended=told)
        if not as_json:
            typer.echo(f"\n{out / 'index.html'} shows it, {out / 'audit.json'} has all figures")
    if fail_on is not None and _is_as_bad(found.verdict.state.value, fail_on):
        raise typer.Exit(1)
    if found.facts.problems:
        raise typer.Exit(3)


def explore(
    path: Annotated[Path, typer.Argument(help="A folder, an archive, or a manifest.")],
    reader: ReaderName = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder for exploration.json and index.html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
    seed: Annotated[int, typer.Option(help="Of the samples on the page.")] = 0,
    workers: Workers = None,
) -> None:
    """Show what a data set is like: sizes, formats, qualities, balance, outliers, copies, exact means."""
    from doctored.data.audit import collect_facts
    from doctored.data.audit.exploring import explore as explore_facts
    from doctored.data.readers import read_dataset

    with shown_progress("looking at pictures") as progress:
        found = explore_facts(collect_facts(read_dataset(path, reader), workers=workers, progress=progress))
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        typer.echo("\n".join(draw_exploration_lines(found, path.name)))
    if out is not None:
        from doctored.data.audit.output import write_exploration

        write_exploration(found, path.name, out, seed)
        if not as_json:
            typer.echo(f"\n{out / 'index.html'} shows it, {out / 'exploration.json'} has all figures")
    if found.facts.problems:
        raise typer.Exit(3)


def draw_exploration_lines(found: "Exploration", name: str) -> Iterator[str]:
    """Lines: counts, a row for each property, the words, exact means."""
    yield f"{name}: {len(found.facts):,} pictures, {len(found.facts.problems):,} not readable"
    for split, counts in found.counts.items():
        yield f"  {split}: " + ", ".join(f"{label} {count:,}" for label, count in counts.items())
    yield ""
    heads = ("smallest", "1/4", "median", "3/4", "largest", "skew", "outliers")
    yield f"{'':<16}" + "".join(f"{head:>10}" for head in heads)
    for property_name, told in found.distributions.items():
        if told.n:
            five = (told.minimum, told.quarter, told.median, told.three_quarters, told.maximum)
            cells = "".join(f"{value:>10.4g}" for value in (*five, told.skew))
            yield f"{property_name:<16}{cells}{told.outliers:>10,}"
    yield ""
    for word, shares in found.words.items():
        yield f"{word}: " + ", ".join(f"{value} {count:,}" for value, count in shares.items())
    for part, channel in found.channels.parts.items():
        mean, deviation = (" ".join(f"{v:.6f}" for v in vs) for vs in (channel.mean, channel.deviation))
        yield f"mean and deviation of {part}: {mean}, {deviation}"
    yield f"pairs with equal pixels: {found.equal_pairs:,}, nearly equal: {found.near_pairs:,}"


def _mend(
    found: "Audit", fix: Path, seed: int, workers: int | None, with_models: bool
) -> tuple["Audit", list[str]]:
    """Write the mended manifest; its own audit, and all that is to be said about it."""
    from doctored.data.audit import audit as audit_manifest
    from doctored.data.audit.mend import mend, tell_remains, write_manifest

    mended = mend(found, seed=seed)
    with shown_progress("looking at mended pictures") as progress:
        after = audit_manifest(
            mended.manifest, with_models=with_models, seed=seed, workers=workers, progress=progress
        )
    write_manifest(mended.manifest, fix)
    return after, [*mended.told, *tell_remains(after)]


def draw_audit(found: "Audit", name: str) -> Iterator[str]:
    """Lines: the verdict and its reasons, then every rule, the most telling first."""
    from doctored.data.audit.verdict import tell_overlap

    verdict = found.verdict
    yield f"{name}: {verdict.state.value}"
    for reason in verdict.reasons:
        yield f"  {reason.state.value}: {reason.text}"
    for note in found.notes:
        yield f"  note: {note}"
    yield ""
    yield f"{'rule':<20}{'AUC':>7}  {'interval':<15}{'right':>7}"
    for judged in found.rules:
        if judged.score is not None:
            score = judged.score
            interval = f"{score.low:.3f}–{score.high:.3f}"
            yield f"{judged.name:<20}{score.auc:>7.3f}  {interval:<15}{score.accuracy:>7.1%}"
    if alike := [judged.name for judged in found.rules if judged.score is None]:
        yield f"alike for all pictures: {', '.join(alike)}"
    yield ""
    leaks = found.leaks
    for title, pairs in (("equal pixels", leaks.equal_pairs), ("nearly equal", leaks.near_pairs)):
        places = ", ".join(f"{split} {count:,}" for split, count in pairs.items())
        yield f"pairs with {title}: {sum(pairs.values()):,}" + (f" ({places})" if places else "")
    if leaks.groups:
        yield f"groups in more than one split: {leaks.groups_across_splits:,} of {leaks.groups:,}"
    yield f"split at random, one in five to test, {leaks.random_leak:.1%} of the test pictures would leak"
    if found.overlap is not None:
        yield tell_overlap(found.overlap)


def _is_as_bad(state: str, limit: str) -> bool:
    order = ("clean", *STATES)
    return order.index(state) >= order.index(limit)
