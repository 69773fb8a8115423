"""The trust lists of this house: whose Content Credentials it believes. None ships with Doctored.

A list is a bundle of certificates of authorities that somebody added by hand: whoever holds a certificate
that one of them issued is trusted. It lies as one file under `DOCTORED_HOME/trust`.
"""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from doctored.detector.home import home
from doctored.errors import DoctoredError, UsageError
from doctored.spelling import suggest

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

HOW_TO_ADD = "doctored trust add FILE"
MAX_BYTES = 8 * 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX = ".json"


class TrustList(NamedTuple):
    """One list. `sha256` is that of the file that was added, `date` the day it was (YYYY-MM-DD, UTC).

    `pem` holds its `certificates`, that many; `expired` names those that had expired when it was added.
    """

    name: str
    sha256: str
    date: str
    pem: str
    certificates: int
    expired: tuple[str, ...] = ()


class UsedTrust(NamedTuple):
    """All lists together, as a check uses them."""

    lists: tuple[TrustList, ...] = ()

    @property
    def pem(self) -> str:
        return "".join(one.pem for one in self.lists)

    def to_json(self) -> dict[str, Any] | None:
        """`names`, `sha256`, `date` of the latest, for records; None where no list is configured.

        Of one list the digest is its own; of several, that of their digests, one a line, sorted by name.
        """
        if not self.lists:
            return None
        digests = [one.sha256 for one in self.lists]
        digest = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
        return {
            "names": [one.name for one in self.lists],
            "sha256": digest,
            "date": max(one.date for one in self.lists),
        }


def load_trust() -> UsedTrust:
    """All lists, sorted by name. Raises DoctoredError for one that cannot be read."""
    return UsedTrust(tuple(_read(path) for path in _paths()))


def add_list(source: Path, name: str | None = None) -> TrustList:
    """Check a bundle of PEM certificates and keep it as a list; by default the file's stem is its name.

    Raises UsageError for a file that is none, for a name or certificates that are there already.
    """
    data = _read_bundle(source)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip("-.") if name is None else name
    if not _NAME.fullmatch(name):
        raise UsageError(f"a list cannot be called '{name}'; give --name letters, digits, dots and dashes")
    sha256 = hashlib.sha256(data).hexdigest()
    for known in load_trust().lists:
        if known.name.lower() == name.lower():
            raise UsageError(
                f"there is a list '{known.name}' already; give --name another, or: "
                f"doctored trust remove {known.name}"
            )
        if known.sha256 == sha256:
            raise UsageError(f"the list '{known.name}' is this very file; nothing needs to be added")
    made = _make_list(name, sha256, _parse(data, source))
    _write(made)
    return made


def remove_list(name: str) -> None:
    """Raises UsageError where there is no list of that name."""
    names = [path.name.removesuffix(_SUFFIX) for path in _paths()]
    if name not in names:
        known = suggest(name, names) if names else "there is none; see: doctored trust list"
        raise UsageError(f"there is no trust list '{name}'; {known}")
    (_folder() / f"{name}{_SUFFIX}").unlink()


def _folder() -> Path:
    return home() / "trust"


def _paths() -> list[Path]:
    try:
        return sorted(path for path in _folder().iterdir() if path.suffix == _SUFFIX)
    except FileNotFoundError:
        return []


def _read(path: Path) -> TrustList:
    name = path.name.removesuffix(_SUFFIX)
    try:
        value = json.loads(path.read_bytes())
        made = TrustList(**{**value, "expired": tuple(value["expired"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DoctoredError(
            f"the trust list '{name}' is damaged; add it again after: doctored trust remove {name}"
        ) from error
    return made


def _read_bundle(source: Path) -> bytes:
    try:
        if source.stat().st_size > MAX_BYTES:
            raise UsageError(f"{source} is over {MAX_BYTES // 2**20} MiB; give a bundle of PEM certificates")
        data = source.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {source}; give a bundle of PEM certificates") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{source}: {reason}; give a bundle of PEM certificates") from error
    if re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", data):
        raise UsageError(f"{source} holds a private key; give certificates only")
    return data


def _parse(data: bytes, source: Path) -> "list[Certificate]":
    """Each certificate of a bundle once, in its order."""
    import warnings

    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd but readable certificates are no news to the user
            found = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise UsageError(
            f"{source} is not a bundle of PEM certificates; give a file with BEGIN CERTIFICATE lines"
        ) from error
    return list(dict.fromkeys(found))


def _make_list(name: str, sha256: str, certificates: "Sequence[Certificate]") -> TrustList:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    for one in certificates:
        if not _is_authority(one):
            raise UsageError(
                f"{_name(one)} is a single signer's certificate; give those of authorities that issue them"
            )
    expired = [_describe(one) for one in certificates if one.not_valid_after_utc < now]
    if len(expired) == len(certificates):
        raise UsageError(f"every certificate of '{name}' has expired; get the list anew")
    return TrustList(
        name=name,
        sha256=sha256,
        date=now.strftime("%Y-%m-%d"),
        pem=_as_pem(certificates),
        certificates=len(certificates),
        expired=tuple(expired),
    )


def _is_authority(certificate: "Certificate") -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return bool(certificate.extensions.get_extension_for_class(BasicConstraints).value.ca)
    except (ExtensionNotFound, ValueError):
        return False


def _describe(certificate: "Certificate") -> str:
    return f"{_name(certificate)} (expired {certificate.not_valid_after_utc:%Y-%m-%d})"


def _name(certificate: "Certificate") -> str:
    from doctored.untrusted import clean

    return clean(certificate.subject.rfc4514_string(), 120)


def _as_pem(certificates: "Sequence[Certificate]") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in certificates)


def _write(made: TrustList) -> None:
    """So that a reader sees all of it or nothing."""
    import tempfile

    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(made._asdict(), stream)
        Path(aside).replace(folder / f"{made.name}{_SUFFIX}")
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise
