"""Print `constraints.txt`: what this environment has of all that Doctored's extras reach.

Run `.venv/bin/python scripts/pin.py > constraints.partial && mv constraints.partial constraints.txt`.
"""

import importlib.metadata
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HEADER = """\
# Pins of every package that Doctored and its extras reach, direct or not. Made by scripts/pin.py.
# torch is named without its build, so that pip may take the CPU build where that is on offer.
"""


def asked_for(pyproject: Path) -> list[Requirement]:
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in (*project["dependencies"], *extras)]


def reachable(wanted: list[Requirement]) -> dict[str, str]:
    """Name and version of each installed distribution that the requirements lead to."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        requirement = wanted.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        distribution = importlib.metadata.distribution(name)
        found[name] = Version(distribution.version).public
        for line in distribution.requires or []:
            inner = Requirement(line)
            settings = [{"extra": extra} for extra in ("", *extras)]
            if inner.marker is None or any(inner.marker.evaluate(setting) for setting in settings):
                wanted.append(inner)
    return found


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    pins = reachable(asked_for(root / "pyproject.toml"))
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in sorted(pins.items())))
