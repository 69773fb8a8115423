"""`doctored check-up`: the first thing to ask of a user who reports trouble."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from doctored.errors import DetectorError, DoctoredError
from doctored.version import __version__
from doctored.workers import available_cores, memory_limit_supported

CORE = ("numpy", "Pillow", "onnxruntime", "c2pa-python", "typer", "rich")
_EXTRA = re.compile(r"""^([A-Za-z0-9._-]+).*;.*extra\s*==\s*["']([^"']+)["']""")
_AGAIN = "install Doctored again (pip install --force-reinstall doctored), or report what stands above"


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Tell what is installed, and whether the detectors work here."""
    report = examine()
    if as_json:
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(draw(report)))
    failed = [row["detector"] for row in report["self_test"] if not row["ok"]]
    if failed or report["trouble"]:
        raise DetectorError(f"the self-test of {', '.join(failed) or 'the shelf'} failed: {_AGAIN}")


def examine() -> dict[str, Any]:
    """The report as a JSON object."""
    tests, trouble = try_shelf()
    return {
        "doctored": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "libraries": {name: version_of(name) for name in CORE},
        "extras": extras(),
        "cores": available_cores(),
        "memory_bytes": measure_memory(),
        "accelerators": find_accelerators(),
        "onnxruntime_providers": find_providers(),
        "formats": find_formats(),
        "memory_limits": memory_limit_supported(),
        "home": find_home(),
        "self_test": tests,
        "trouble": trouble,
    }


def version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def extras() -> dict[str, dict[str, str | None]]:
    """For each extra its packages and their versions, None for one that is missing.

    Empty where Doctored runs from its sources, for then nothing says what the extras are.
    """
    try:
        required = importlib.metadata.requires("doctored") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, dict[str, str | None]] = {}
    for match in filter(None, map(_EXTRA.match, required)):
        found.setdefault(match[2], {})[match[1]] = version_of(match[1])
    return found


def measure_memory() -> int | None:
    """The machine's memory in bytes; None where the platform does not tell."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None


def find_accelerators() -> list[str]:
    """NVIDIA's by name; others show only as providers of onnxruntime."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listed = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    return [line.strip() for line in lines if line.strip()]


def find_providers() -> list[str]:
    from doctored.detector.session import available_providers

    return available_providers()


def find_formats() -> dict[str, bool]:
    """The picture formats that not every installation can read."""
    from PIL import features

    return {
        "WebP": bool(features.check("webp")),
        "AVIF": bool(features.check("avif")),
        "HEIC": importlib.util.find_spec("pillow_heif") is not None,
    }


def find_home() -> dict[str, Any]:
    from doctored.detector.home import home

    folder = home()
    nearest: Path = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    return {"path": str(folder), "is_writable": os.access(nearest, os.W_OK)}


def try_shelf() -> tuple[list[dict[str, Any]], str]:
    """Golden pictures through each shipped detector; and what kept the shelf from being read, if anything."""
    from doctored.detector.shelf import shelf

    try:
        entries = shelf()
    except DoctoredError as error:
        return [], str(error)
    return [try_detector(entry.name, entry.golden) for entry in entries], ""


def try_detector(name: str, golden: Path | None) -> dict[str, Any]:
    from doctored.detector import open_detector
    from doctored.detector.golden import self_test

    row: dict[str, Any] = {"detector": name, "pictures": 0, "ok": True, "failures": []}
    try:
        with open_detector(name) as detector:
            results = self_test(detector, golden) if golden else []
    except DoctoredError as error:
        return row | {"ok": False, "failures": [str(error)]}
    row["pictures"] = len(results)
    for result in results:
        if not result.ok:
            got = result.error or f"gave {result.got}"
            row["failures"].append(f"{result.picture}: {got}, expected {result.expected}")
    return row | {"ok": not row["failures"]}


def draw(report: dict[str, Any]) -> Iterator[str]:
    yield f"doctored       {report['doctored']}"
    yield f"python         {report['python']}"
    yield f"platform       {report['platform']}"
    libraries = [f"{name} {version or 'missing'}" for name, version in report["libraries"].items()]
    yield f"libraries      {', '.join(libraries)}"
    for extra, packages in report["extras"].items():
        missing = [name for name, version in packages.items() if version is None]
        yield f"extra {extra:<8} {'installed' if not missing else 'missing: ' + ', '.join(missing)}"
    if not report["extras"]:
        yield "extras         not known: Doctored runs from its sources"
    yield f"cores          {report['cores']}"
    memory = report["memory_bytes"]
    yield f"memory         {f'{memory / 2**30:.1f} GiB' if memory else 'not known'}"
    yield f"accelerators   {', '.join(report['accelerators']) or 'none found'}"
    yield f"providers      {', '.join(report['onnxruntime_providers'])}"
    yield f"formats        {', '.join(f'{name} {_yes(can)}' for name, can in report['formats'].items())}"
    limits = report["memory_limits"]
    yield f"memory limits  {'kept' if limits else 'this platform cannot keep them; time limits are kept'}"
    home = report["home"]
    yield f"remembers in   {home['path']}{'' if home['is_writable'] else ' (cannot be written to)'}"
    for row in report["self_test"]:
        yield f"self-test      {row['detector']}: {_verdict(row)}"
        yield from (f"               {failure}" for failure in row["failures"])
    if report["trouble"]:
        yield f"self-test      {report['trouble']}"
    elif not report["self_test"]:
        yield "self-test      there is no detector on the shelf"


def _verdict(row: dict[str, Any]) -> str:
    if not row["ok"]:
        return "FAILED"
    return (
        f"{row['pictures']} golden pictures as expected" if row["pictures"] else "opens; no golden pictures"
    )


def _yes(can: bool) -> str:
    return "yes" if can else "no"
