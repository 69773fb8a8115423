"""Readers: from a data set as people download it to its manifest.

The order of the imports is the order of choice: special layouts before general ones.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from doctored.data.manifest import Manifest
from doctored.data.members import MemberStore
from doctored.data.picture_tables import PictureTable

# isort: off
from doctored.data.readers import cifake, casia, openforensics, generators, huggingface, folders

# isort: on
from doctored.data.readers.base import Listing, Reader, list_readable, reader_named, registered_readers
from doctored.errors import DataError

__all__ = [
    "casia",
    "cifake",
    "folders",
    "generators",
    "huggingface",
    "openforensics",
    "read_dataset",
    "registered_readers",
]

ENOUGH = 0.9  # a set may hold a sheet or two of samples beside its pictures
_RECOGNISED_BY = 20_000


def read_dataset(path: str | os.PathLike[str], reader: str | None = None) -> Manifest:
    """The manifest of a folder, a .zip, a .tar, a .tar.gz, a table of pictures (.parquet, .arrow), or of a
    manifest file (.csv, .parquet).

    The layout is recognised from the members' names, or `reader` names it. Relative sources in a
    manifest file are taken from the file's own folder. Raises DataError for an unknown layout, with a
    drawing of each known one, and UsageError for an unknown reader.
    """
    path = Path(path)
    if path.is_file() and is_manifest_file(path):
        manifest = Manifest.from_csv(path) if path.suffix.lower() == ".csv" else Manifest.from_parquet(path)
        base = path.absolute().parent
        sources = [None if source is None else str(base / source) for source in manifest.column("source")]
        return manifest.with_columns(source=sources)
    with MemberStore(path) as store:
        return read_store(store, reader)


def read_store(store: MemberStore, reader: str | None = None) -> Manifest:
    """As `read_dataset`, from a store that is open."""
    manifest = (reader_named(reader) if reader else _recognise(store)).read(store)
    if not len(manifest):
        named = manifest.metadata.reader
        raise DataError(f"{store.source}: the reader {named!r} understands none of it; name another, or none")
    return manifest


def is_manifest_file(path: Path) -> bool:
    """A .csv, or a .parquet that holds no pictures but rows about them."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return PictureTable(path, path.name).picture_column is None
    return suffix == ".csv"


def _recognise(store: MemberStore) -> Reader:
    listing = list_readable(store.members)
    if not listing:
        raise DataError(f"{store.source} holds no pictures; check the path")
    step = -(-len(listing.pictures) // _RECOGNISED_BY)  # every name of a million tells no more
    listing = listing._replace(pictures=listing.pictures[:: max(1, step)])
    shares: dict[str, float] = {}
    for name, reader in registered_readers().items():
        shares[name] = reader.matches(listing)
        if shares[name] >= ENOUGH:
            return reader
    raise DataError(_draw_layouts(store.source, listing, shares))


def _draw_layouts(source: str, listing: Listing, shares: dict[str, float]) -> str:
    drawings = "\n\n".join(f"{name}:\n{reader.layout}" for name, reader in registered_readers().items())
    members = [*listing.pictures, *listing.tables]
    return (
        f"{source}: the layout is not known (first picture: {members[0]!r}). Known layouts:\n\n{drawings}\n\n"
        f"Here {_name_nearest(members, shares)}; "
        "arrange the folders so, name a reader, or write a manifest.csv"
    )


def _name_nearest(members: Sequence[str], shares: dict[str, float]) -> str:
    nearest = max(shares, key=lambda name: shares[name])
    if shares[nearest]:
        understood = round(shares[nearest] * len(members))
        return f"the nearest is {nearest!r}, which understands {understood} of {len(members)} pictures"
    found = dict.fromkeys(part for name in members for part in name.split("/")[:-1])
    if not found:
        return "the nearest is 'folders', but all pictures lie in one folder"
    shown = ", ".join(map(repr, list(found)[:5])) + (", ..." if len(found) > 5 else "")
    return f"the nearest is 'folders', but no folder's name is a class ({shown})"
