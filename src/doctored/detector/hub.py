"""Detectors on a hub: push a file with its page, pull one by name, open what was pulled.

A name is `hf://owner/name`, or `hf://owner/name@revision` with a branch, a tag or a commit. This is the
only door to huggingface_hub, and the rule about the network is:

- `push`, `pull` and `open_or_pull` (which is `doctored.open`) go to the hub, for whoever calls them named it;
- nothing else does. `open_detector`, and with it every scan, explanation and evaluation, takes what was
  pulled before, and refuses the rest with a line that says which command pulls it.

What was pulled lies under `DOCTORED_HOME/hub`, beside a record of its commit and sha256. A file whose bytes
are no longer those of the record is not opened. With a revision in its name the record is a pin as well:
another file under the same revision is refused, whoever changed it. Without one the name means the newest,
and each `pull` takes what that is.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from doctored.detector.card import Card
from doctored.detector.detector import Detector, load_file, open_detector
from doctored.detector.home import home, recall
from doctored.detector.model_card import write_model_card
from doctored.detector.onnx_file import MAX_FILE_BYTES, read_card_text
from doctored.errors import DetectorError, DoctoredError, MissingExtra, UsageError
from doctored.version import __version__

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hf://"
FILE, PAGE, RECORD = "detector.onnx", "README.md", "pulled.json"
_PART = r"[A-Za-z0-9](?:[\w.-]{0,94}[\w])?"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9](?:[\w./-]{0,198}\w)?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LOG_IN = "log in with 'hf auth login'"


@dataclass(frozen=True, slots=True)
class HubName:
    """`hf://repository@revision`; without a revision it means the newest commit at the time of a pull."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")

    @property
    def folder(self) -> Path:
        """Where what was pulled lies; `@` cannot stand in a quoted revision, so no two names share one."""
        return home() / "hub" / self.repository / f"@{quote(self.revision or '', safe='')}"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A file that was pulled: where it lies, its card, and what the record says of it."""

    name: str
    path: Path
    card: Card
    sha256: str
    commit: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A file that was pushed: `name` with the commit, ready to be pulled."""

    name: str
    url: str
    card: Card
    sha256: str


def is_hub_name(name: object) -> bool:
    return isinstance(name, str) and name.startswith(PREFIX)


def read_name(text: str) -> HubName:
    """`hf://owner/name[@revision]`; UsageError for anything else."""
    repository, at, revision = text.removeprefix(PREFIX).partition("@")
    if at and (not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision):
        raise UsageError(f"{revision!a} is no revision: name a branch, a tag or a commit after the @")
    return HubName(_read_repository(repository), revision or None)


def open_or_pull(
    name_or_path: str | os.PathLike[str], *, threads: int | None = None, provider: str = "cpu"
) -> Detector:
    """`open_detector`, but a name `hf://owner/name[@revision]` that is not on this machine is pulled first.

    Raises what `open_detector` and `pull` raise.
    """
    if is_hub_name(name_or_path) and _recall(name := read_name(str(name_or_path))) is None:
        pull(str(name))
    return open_detector(name_or_path, threads=threads, provider=provider)


def find_pulled(text: str) -> tuple[Path, str]:
    """The file that was pulled under a name, and the sha256 that it has to have; nothing is fetched.

    Raises UsageError for what is no name, DetectorError where nothing was pulled under it.
    """
    name = read_name(text)
    record = _recall(name)
    if record is None:
        raise DetectorError(
            f"{name} is not on this machine, and is fetched only when asked: doctored pull {name}"
        )
    return name.folder / FILE, record[0]


def pull(text: str) -> Pulled:
    """Fetch the detector of `hf://owner/name[@revision]` and keep it, with its commit and sha256.

    The file is checked as far as can be without opening it; it runs in a child process like any file that
    is not from the shelf. Raises UsageError for what is no name, MissingExtra, and DetectorError where
    the hub has no such detector or cannot be reached, or has another file under a revision that was pulled.
    """
    name = read_name(text)
    name.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=name.folder, prefix="pulling-") as aside:
        path, commit = _download(name, Path(aside))
        file = path.read_bytes()
        card = Card.from_json(read_card_text(file))
        sha256 = hashlib.sha256(file).hexdigest()
        known = _recall(name)
        if name.revision and known is not None and known[0] != sha256:
            raise DetectorError(
                f"{name} is another file now (sha256 {sha256[:12]}…) than when it was pulled first "
                f"({known[0][:12]}…): ask its owner why, or delete {name.folder} to take the new one"
            )
        path.replace(name.folder / FILE)
    _write_record(name, sha256, commit)
    return Pulled(str(name), name.folder / FILE, card, sha256, commit)


def push(
    detector: str | os.PathLike[str],
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
) -> Pushed:
    """Put a detector, by name or path, and its page into `owner/name` on the hub, as one commit.

    It is opened first, so that no broken file goes out. The repository is made where there is none, with
    `private` so that only its owner sees it; a public one that is there already is then refused.
    `revision` is a branch, made from the newest commit where there is none. Raises DetectorError for a file
    that is no detector and where the hub refuses or cannot be reached, UsageError, MissingExtra.
    """
    name = read_name(f"{PREFIX}{repository.removeprefix(PREFIX)}" + (f"@{revision}" if revision else ""))
    _, file, sha256 = load_file(detector)
    with open_detector(detector) as opened:
        card = opened.card
    page = write_model_card(card, file, sha256, str(HubName(name.repository)))
    api = _hub()
    from huggingface_hub import CommitOperationAdd

    with _told_plainly(name):
        api.create_repo(name.repository, private=private or None, exist_ok=True)
        if private and not api.model_info(name.repository).private:
            raise UsageError(
                f"{name.repository} is there already and public: push to another name, or make it private"
            )
        if name.revision:
            api.create_branch(name.repository, branch=name.revision, exist_ok=True)
        done = api.create_commit(
            name.repository,
            [CommitOperationAdd(FILE, file), CommitOperationAdd(PAGE, page.encode())],
            commit_message=f"{card.name} {card.version}",
            revision=name.revision,
        )
    commit = _read_commit(done.oid)
    return Pushed(str(HubName(name.repository, commit)), done.commit_url, card, sha256)


def _read_repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text) or "--" in text or ".." in text:
        raise UsageError(f"{text!a} is no repository on the hub: write owner/name")
    return text


def _recall(name: HubName) -> tuple[str, str] | None:
    """sha256 and commit of what was pulled under just this name (file systems may not tell v1 from V1)."""
    record = recall(name.folder / RECORD)
    if record is None or record.get("name") != str(name):
        return None
    sha256, commit = record.get("sha256"), record.get("commit")
    return (sha256, commit) if isinstance(sha256, str) and isinstance(commit, str) else None


def _write_record(name: HubName, sha256: str, commit: str) -> None:
    """Unlike what else is remembered this is needed, so a folder that cannot be written to is an error."""
    import json

    aside = name.folder / f"{RECORD}.{os.getpid()}.tmp"
    aside.write_text(json.dumps({"name": str(name), "sha256": sha256, "commit": commit}), encoding="utf-8")
    aside.replace(name.folder / RECORD)


def _download(name: HubName, folder: Path) -> tuple[Path, str]:
    """The file in `folder`, and its commit; its size is asked for before its bytes are."""
    api = _hub()
    from huggingface_hub import hf_hub_url

    with _told_plainly(name):
        url = hf_hub_url(name.repository, FILE, revision=name.revision, endpoint=api.endpoint)
        about = api.get_hf_file_metadata(url=url)
        commit = _read_commit(about.commit_hash)
        if about.size is None or about.size > MAX_FILE_BYTES:
            raise DetectorError(
                f"the file of {name} is larger than {MAX_FILE_BYTES >> 20} MiB, too large for a detector: "
                "take another"
            )
        return Path(api.hf_hub_download(name.repository, FILE, revision=commit, local_dir=folder)), commit


def _read_commit(text: str | None) -> str:
    if text is None or not _COMMIT.fullmatch(text):
        raise DetectorError("the hub names no commit: check HF_ENDPOINT, which may lead to something else")
    return text


def _hub() -> "HfApi":
    try:
        from huggingface_hub import HfApi
    except ModuleNotFoundError as error:
        raise MissingExtra("hub", "a detector on a hub") from error
    return HfApi(library_name="doctored", library_version=__version__)


@contextmanager
def _told_plainly(name: HubName) -> Iterator[None]:
    """huggingface_hub's errors, and those of the client it uses, as one line that says what to do."""
    try:
        yield
    except DoctoredError:
        raise
    except Exception as error:  # what it raises shares no base but this
        raise DetectorError(_describe(error, name)) from error


def _describe(error: Exception, name: HubName) -> str:
    from huggingface_hub import errors as theirs

    repository = name.repository
    if isinstance(error, theirs.GatedRepoError):
        return f"{repository} asks you to accept its terms: do so on its page, then {_LOG_IN}"
    if isinstance(error, theirs.RepositoryNotFoundError):
        return f"there is no {repository} on the hub, or it is private: check the name, or {_LOG_IN}"
    if isinstance(error, theirs.RevisionNotFoundError):
        return f"{repository} has no revision {name.revision!r}: look at its branches, tags and commits"
    if isinstance(error, theirs.RemoteEntryNotFoundError):
        return f"{name} holds no {FILE}: name a repository that 'doctored push' made"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403) or isinstance(error, theirs.LocalTokenNotFoundError):
        return f"the hub refuses to let you: {_LOG_IN} and a token that may write to {repository}"
    said = "".join(letter if letter.isprintable() else " " for letter in str(error.__cause__ or error))
    return (
        f"the hub did not do it for {name} ({' '.join(said.split())[:200] or type(error).__name__}): check "
        "the connection, and HF_ENDPOINT where it is set"
    )
