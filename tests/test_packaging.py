"""The wheel: what it carries, and that it works in a clean environment without any extra."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "doctored"
pytestmark = pytest.mark.clean


def run(*command: object, cwd: Path) -> str:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of what is committed or would be, so that nothing stray gets in."""
    checkout = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(PACKAGE, checkout / "src" / "doctored", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", ".", cwd=checkout)
    (built,) = (checkout / "dist").glob("*.whl")
    return built


def test_the_wheel_carries_everything_that_lies_in_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if name.startswith("doctored/")}
    lying = {
        f"doctored/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == lying
    for needed in (
        "detector/shelf/shelf.json",
        "detector/shelf/cifake.onnx",
        "detector/shelf/cifake/golden.json",
        "detector/shelf/cifake-compact.onnx",
        "detector/shelf/cifake-compact/golden.json",
        "verdict/policies/careful.toml",
        "scan/record.schema.json",
    ):
        assert f"doctored/{needed}" in carried


def test_the_wheel_is_small_and_licensed(wheel):
    assert wheel.stat().st_size < 5_000_000
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith("licenses/LICENSE"))
        assert b"Apache License" in archive.read(licence)


@pytest.fixture(scope="module")
def clean_python(wheel, tmp_path_factory):
    """A new environment with the wheel and what it asks for, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    run(*pip, "--constraint", ROOT / "constraints.txt", wheel, cwd=folder)
    return python


def test_the_core_scans_without_any_extra(clean_python, tmp_path):
    for picture in (ROOT / "examples").glob("*.jpg"):
        shutil.copy(picture, tmp_path)
    doctored = clean_python.with_name("doctored.exe" if sys.platform == "win32" else "doctored")
    rows = [json.loads(line) for line in run(doctored, "scan", "--jsonl", ".", cwd=tmp_path).splitlines()]
    verdicts = {Path(row["path"]).name: row["verdict"] for row in rows}
    assert verdicts == {"fake.jpg": "fake", "photo.jpg": "unsure", "real.jpg": "real"}
    run(doctored, "explain", "fake.jpg", cwd=tmp_path)
    assert (tmp_path / "explanation.png").stat().st_size > 1000
    run(doctored, "check-up", cwd=tmp_path)
    installed = run(clean_python, "-m", "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    for extra in ("torch", "pyarrow", "onnx==", "scikit-image", "scikit-learn", "pillow-heif"):
        assert f"\n{extra}" not in f"\n{installed}"


def test_what_needs_an_extra_says_which(clean_python, tmp_path):
    for command, extra in (
        (["train", ".", "--out", "run"], "train"),
        (["demo"], "demo"),
        (["pull", "hf://ann/toy"], "hub"),
    ):
        done = subprocess.run(
            [clean_python, "-m", "doctored.cli.main", *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 4
        assert f"doctored[{extra}]" in done.stderr
        assert done.stderr.count("\n") == 1
