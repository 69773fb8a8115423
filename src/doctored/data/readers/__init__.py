"""Readers: from a data set as people download it to its manifest.

The order of the imports is the order of choice: special layouts before general ones.
"""

import os
from pathlib import Path

from doctored.data.manifest import Manifest
from doctored.data.members import MemberStore
from doctored.data.readers import cifake, folders
from doctored.data.readers.base import Reader, pictures_among, reader_named, registered_readers
from doctored.errors import DataError

__all__ = ["cifake", "folders", "read_dataset", "registered_readers"]

ENOUGH = 0.9  # a set may hold a sheet or two of samples beside its pictures


def read_dataset(path: str | os.PathLike[str], reader: str | None = None) -> Manifest:
    """The manifest of a folder, a .zip, a .tar, a .tar.gz, or of a manifest file (.csv, .parquet).

    The layout is recognised from the members' names, or `reader` names it. Relative sources in a
    manifest file are taken from the file's own folder. Raises DataError for an unknown layout, with a
    drawing of each known one, and UsageError for an unknown reader.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_file() and suffix in (".csv", ".parquet"):
        manifest = Manifest.from_csv(path) if suffix == ".csv" else Manifest.from_parquet(path)
        base = path.absolute().parent
        sources = [None if source is None else str(base / source) for source in manifest.column("source")]
        return manifest.with_columns(source=sources)
    with MemberStore(path) as store:
        manifest = (reader_named(reader) if reader else _recognise(store)).read(store)
    if not len(manifest):
        raise DataError(f"{path}: the reader {reader!r} understands none of it; name another, or none")
    return manifest


def _recognise(store: MemberStore) -> Reader:
    pictures = pictures_among(store.members)
    if not pictures:
        raise DataError(f"{store.source} holds no pictures; check the path")
    shares = {reader.name: reader.matches(pictures) for reader in registered_readers().values()}
    fitting = next((name for name, share in shares.items() if share >= ENOUGH), None)
    if fitting is not None:
        return reader_named(fitting)
    raise DataError(_draw_layouts(store.source, pictures, shares))


def _draw_layouts(source: str, pictures: list[str], shares: dict[str, float]) -> str:
    drawings = "\n\n".join(f"{name}:\n{reader.layout}" for name, reader in registered_readers().items())
    nearest = max(shares, key=lambda name: shares[name])
    hint = "none of them comes near"
    if shares[nearest]:
        count = round(shares[nearest] * len(pictures))
        hint = f"the nearest is {nearest!r}, which understands {count} of {len(pictures)} pictures"
    return (
        f"{source}: the layout is not known (first picture: {pictures[0]}). Known layouts:\n\n{drawings}\n\n"
        f"Here {hint}; arrange the folders so, name a reader, or write a manifest.csv"
    )
