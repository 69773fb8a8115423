"""What other tools say about a file, in one vocabulary: each asked through its own command line."""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import ROOT

TIME_S = 120


class Answer(NamedTuple):
    """What a tool says. `intact`: whether the credentials fit the picture, None where it does not say.

    `declared`: it says that the file declares an AI origin. `settings`: it shows the generator's settings.
    `odd_thumbnail`: it says that the embedded thumbnail shows another picture. `remote`: it says that
    credentials are kept elsewhere. `failed`: it gave no answer at all.
    """

    manifest: bool = False
    intact: bool | None = None
    declared: bool = False
    settings: bool = False
    odd_thumbnail: bool = False
    remote: bool = False
    failed: bool = False

    def words(self) -> str:
        if self.failed:
            return "no answer"
        found = [
            "AI declared" if self.declared else "",
            "settings shown" if self.settings else "",
            "credentials" if self.manifest else "",
            {True: "intact", False: "changed or broken", None: ""}[self.intact],
            "thumbnail differs" if self.odd_thumbnail else "",
            "credentials elsewhere" if self.remote else "",
        ]
        return ", ".join(filter(None, found)) or "nothing"


Tool = Callable[[Path], Answer]


def run_json(*command: object, environment: Mapping[str, str] | None = None) -> Any:
    """What a command prints, as JSON; None where it prints none."""
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, timeout=TIME_S, env=environment
        )
        text = done.stdout.decode("utf-8", "replace")
        starts = [place for place in (text.find("{"), text.find("[")) if place >= 0]
        return json.loads(text[min(starts) :]) if starts else None
    except (ValueError, subprocess.TimeoutExpired):
        return None


def texts_of(value: object) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *texts_of(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


def is_ai_source(text: str) -> bool:
    """Whether it names an IPTC source type of AI, as an address or spelt out as some tools do."""
    return "trainedalgorithmicmedia" in text.replace(" ", "").lower()


def exiftool(program: Path) -> Tool:
    def ask(file: Path) -> Answer:
        said = run_json(program, "-j", "-G", "-a", "-struct", file)
        if not said:
            return Answer(failed=True)
        tags = said[0]
        values = texts_of({key: value for key, value in tags.items() if not key.startswith("File:")})
        return Answer(
            manifest=any(key.startswith(("JUMBF:", "CBOR:")) for key in tags),
            declared=any(is_ai_source(text) for text in values),
            settings=any("Steps: " in text and "Sampler: " in text for text in values),
            remote="XMP:Provenance" in tags,
        )

    return ask


def c2patool(program: Path) -> Tool:
    def ask(file: Path) -> Answer:
        said = run_json(program, file)
        if said is None:
            return Answer()
        broken = {"assertion.dataHash.mismatch", "claimSignature.mismatch", "assertion.hashedURI.mismatch"}
        texts = texts_of(said)
        return Answer(
            manifest=True,
            intact=broken.isdisjoint(texts),
            declared=any(is_ai_source(text) for text in texts),
        )

    return ask


def authentica(program: Path) -> Tool:
    def ask(file: Path) -> Answer:
        said = run_json(program, "scan", "--json", "--no-watermark", "--no-forensics", file)
        metadata = run_json(program, "meta", "--json", file)
        if said is None:
            return Answer(failed=True)
        credentials = said.get("c2pa") or {}
        is_found = bool(credentials.get("manifest_found"))
        fits = credentials.get("data_hash_verified")
        if is_found and fits is None:
            fits = None if credentials.get("signature_valid") else False
        texts = texts_of(credentials) + texts_of(metadata)
        return Answer(
            manifest=is_found,
            intact=fits if is_found else None,
            declared=any(is_ai_source(text) for text in texts),
            settings=any("Steps: " in text and "Sampler: " in text for text in texts),
        )

    return ask


def issynthetic(program: Path) -> Tool:
    def ask(file: Path) -> Answer:
        said = run_json(program, "inspect", "--json", file)
        if said is None:
            return Answer(failed=True)
        texts = texts_of(said)
        return Answer(
            manifest="c2pa" in str(said.get("source", "")).lower(),
            declared=bool(said.get("is_generated")),
            settings=any("Steps: " in text for text in texts),
        )

    return ask


def sahu65(program: Path) -> Tool:
    def ask(file: Path) -> Answer:
        said = run_json(program, "detect", "--json", file)
        if said is None:
            return Answer(failed=True)
        return Answer(manifest=bool(said.get("c2pa_present")), declared=bool(said.get("c2pa_ai_declared")))

    return ask


INTACT = {
    "credential_intact",
    "credential_says_generated",
    "credential_says_edited_with_ai",
    "credential_says_captured",
    "credential_says_edited",
}
BROKEN = {"credential_changed_after_signing", "credential_unreadable"}


def doctored(home: Path) -> Tool:
    """Doctored itself, asked like the others: through its command line, with the trust lists of `home`."""
    environment = os.environ | {"DOCTORED_HOME": str(home), "PYTHONPATH": str(ROOT / "src")}

    def ask(file: Path) -> Answer:
        said = run_json(
            sys.executable, "-m", "doctored.cli.main", "scan", "--json", file, environment=environment
        )
        if not said or said[0]["error"]:
            return Answer(failed=True)
        findings = [one for one in said[0]["findings"] if not one["check"].startswith("detector:")]
        codes = {one["code"] for one in findings}
        intact = INTACT | {code for code in codes if code.endswith("_by_stranger")}
        return Answer(
            manifest=bool(codes & (intact | BROKEN)),
            intact=True if codes & intact else False if codes & BROKEN else None,
            declared=any(one["says"] == "fake" and one["kind"] != "tampered" for one in findings),
            settings=any(
                "sampler" in text.lower() for text in texts_of([one["details"] for one in findings])
            ),
            odd_thumbnail="thumbnail_unlike" in codes,
            remote="credential_not_checked" in codes,
        )

    return ask


# By environment: the program, what pip is told to install, how it is asked. sahu65 imports c2pa, does not ask
# pip for it, and reports no credentials where it is missing: so it is asked both ways.
PACKAGES: dict[str, tuple[str, list[str], Callable[[Path], Tool]]] = {
    "authentica": ("authentica", ["authentica==0.2.2"], authentica),
    "issynthetic": ("issynthetic", ["issynthetic==0.1.0"], issynthetic),
    "sahu65": ("sahu65", ["sahu65==1.1.0"], sahu65),
    "sahu65_c2pa": ("sahu65", ["sahu65==1.1.0", "c2pa-python==0.38.1"], sahu65),
}
PROGRAMS: dict[str, Callable[[Path], Tool]] = {"exiftool": exiftool, "c2patool": c2patool}


def find_tools(environments: Path) -> dict[str, Tool]:
    """Every peer that can be had, by name and version: programs on the path, packages each in a venv."""
    tools: dict[str, Tool] = {}
    for name, make in PROGRAMS.items():
        if (found := shutil.which(name)) is None:
            print(f"{name} is not installed; left out")
            continue
        flag = "-ver" if name == "exiftool" else "--version"
        version = subprocess.run([found, flag], capture_output=True, text=True).stdout.split()[-1]
        tools[f"{name} {version}"] = make(Path(found))
    for name, (command, requirements, make) in PACKAGES.items():
        folder = environments / f"peer-{name}"
        program = folder / ("Scripts" if sys.platform == "win32" else "bin") / command
        if not program.exists():
            print(f"installing {' '.join(requirements)} into {folder}")
            venv.create(folder, with_pip=True)
            subprocess.run(
                [program.with_name("python"), "-m", "pip", "install", "-q", *requirements], check=True
            )
        tools[f"{name} {requirements[0].partition('==')[2]}"] = make(program)
    return tools
