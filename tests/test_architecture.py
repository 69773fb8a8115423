"""The house rules that no linter knows. import-linter holds the arrows; here it is seen to hold them."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "doctored"
LEAVES = {"errors", "records", "spelling", "untrusted", "version", "workers"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Where splitting would hurt the reader: path or path:function, with the reason.
LONGER: dict[str, str] = {}
NAMELESS = {"utils", "util", "misc", "common", "manager", "managers", "helper", "helpers"}


def modules(*folders: Path) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of the packages that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def importers(package: str) -> set[str]:
    return {
        path.removeprefix("src/doctored/") for path, tree in modules(PACKAGE) if package in imported(tree)
    }


def rooms() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}


def drawn_arrows() -> dict[str, set[str]]:
    """Room → the rooms its arrow names, from the drawing in docs/architecture.md."""
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    arrows = {}
    for line in drawing.splitlines():
        if match := re.fullmatch(r"  (\w+)/ (?:.* {3}→ (.*)|.*)", line):
            named = {name.strip() for name in (match[2] or "").split(",")} - {""}
            arrows[match[1]] = named - LEAVES
    return arrows


def lies_behind(room: str, arrows: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(arrows[room])
    while ahead:
        if (name := ahead.pop()) not in reached:
            reached.add(name)
            ahead.extend(arrows[name])
    return reached


def contracts() -> list[dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]


def room_contracts() -> dict[str, set[str]]:
    """Room → the rooms that its own contract forbids."""
    return {
        contract["source_modules"][0].removeprefix("doctored."): {
            module.removeprefix("doctored.") for module in contract["forbidden_modules"]
        }
        for contract in contracts()
        if "→" in contract["name"]
    }


def test_the_drawing_shows_every_room_and_no_other():
    assert set(drawn_arrows()) == rooms()


def test_each_room_is_forbidden_exactly_what_no_arrow_leads_to():
    arrows = drawn_arrows()
    expected = {room: set(arrows) - {room} - lies_behind(room, arrows) for room in arrows if room != "cli"}
    assert room_contracts() == expected


@pytest.fixture
def copy(tmp_path):
    package = tmp_path / "src" / "doctored"
    shutil.copytree(
        PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.onnx", "*.jpg", "*.png")
    )
    return package


def lint_imports(copy: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=copy.parent,
        env={"PYTHONPATH": str(copy.parent), "PATH": "", "COLUMNS": "300"},
        capture_output=True,
        text=True,
    )


def test_the_contracts_hold(copy):
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_import_breaks_each_contract(copy):
    wrong = {room: f"import doctored.{sorted(forbidden)[0]}" for room, forbidden in room_contracts().items()}
    wrong["measure"] += "\nimport torch"
    wrong["verdict"] += "\nfrom doctored import __all__\nimport pyarrow"
    for room, line in wrong.items():
        (copy / room / "wrong.py").write_text(line + "\n", encoding="utf-8")
    with (copy / "records.py").open("a", encoding="utf-8") as file:
        file.write("\nimport doctored.cli\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.findall(r"^(.*) KEPT", done.stdout, re.MULTILINE) == []
    assert len(re.findall(r" BROKEN", done.stdout)) == len(contracts())


def test_a_room_that_nobody_listed_is_caught(copy):
    (copy / "attic").mkdir()
    (copy / "attic" / "__init__.py").touch()
    done = lint_imports(copy)
    assert done.returncode == 1
    assert "attic" in done.stdout


def test_one_file_opens_pictures():
    def opens(tree: ast.AST) -> bool:
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        return any(ast.unparse(call) in ("Image.open", "PIL.Image.open") for call in calls)

    assert [path for path, tree in modules(PACKAGE) if opens(tree)] == ["src/doctored/picture/decode.py"]


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        # Detectors run behind one door; behind the other lies the quantiser that onnxruntime brings along.
        ("onnxruntime", {"detector/session.py", "training/quantise.py"}),
        ("c2pa", {"checks/credentials.py"}),
        ("cryptography", {"checks/trust.py"}),
        # Detectors that somebody names; pretrained weights for training.
        ("huggingface_hub", {"detector/hub.py", "models/weights.py"}),
    ],
)
def test_few_files_import_a_risky_library(library, doors):
    assert importers(library) <= doors


def test_torch_stays_in_the_workshop():
    allowed = ("models/", "training/", "evaluate/attacks", "evaluate/weights", "evaluate/sanity")
    assert [
        path for path in importers("torch") | importers("accelerate") if not path.startswith(allowed)
    ] == []


def fresh_process(code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_doctored_imports_no_library():
    heavy = {"torch", "numpy", "onnxruntime", "typer", "PIL", "rich", "c2pa", "fastapi"}
    loaded = fresh_process("import sys, doctored; print(*sys.modules)").split()
    assert heavy & set(loaded) == set()


def test_scanning_imports_nothing_of_the_workshop(tmp_path):
    from PIL import Image

    picture = tmp_path / "grey.jpg"
    Image.new("RGB", (48, 32), (90, 120, 150)).save(picture)
    code = (
        "import sys\nfrom doctored.cli.main import main\n"
        f"sys.argv = ['doctored', 'scan', '--jsonl', {str(picture)!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code in (0, None), stop.code\n"
        "print(*sys.modules)"
    )
    record, loaded = fresh_process(code).splitlines()[-2:]
    assert record.startswith("{")
    workshop = {"torch", "accelerate", "onnx", "onnxscript", "pyarrow", "pandas", "polars", "skimage"}
    workshop |= {"sklearn", "scipy", "matplotlib"}
    workshop |= {f"doctored.{room}" for room in ("data", "models", "training", "evaluate")}
    assert workshop & set(loaded.split()) == set()


def test_the_public_api_is_exactly_this():
    import doctored

    assert sorted(doctored.__all__) == ["evaluate", "explain", "open", "scan", "train"]
    for name in doctored.__all__:
        assert callable(getattr(doctored, name))
    assert set(doctored.__all__) <= set(dir(doctored))


def committed_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name.decode() for name in listed.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_package_host_or_a_place_on_somebodys_machine():
    hosts = [
        b"pypi" + b".org",
        b"pythonhosted" + b".org",
        b"download.pytorch" + b".org",
        b"anaconda" + b".org",
    ]
    homes = rb"(?<![\w.\]}>/-])/(?:root|home|Users|work|opt|mnt|srv)/[\w.]"
    pattern = re.compile(b"|".join([*map(re.escape, hosts), homes]))
    found = {
        path.relative_to(ROOT).as_posix(): match[0].decode()
        for path in committed_files()
        if (match := pattern.search(path.read_bytes()))
    }
    assert found == {}


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    documented = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
    return node.end_lineno - node.lineno + 1 - documented


def test_files_and_functions_stay_readable():
    too_long = {}
    for path, tree in modules(PACKAGE, ROOT / "benchmarks", ROOT / "docs", ROOT / "scripts", ROOT / "tests"):
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            too_long[path] = lines
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = function_lines(node)
                if lines > MAX_FUNCTION_LINES:
                    too_long[f"{path}:{node.name}"] = lines
    assert {place: lines for place, lines in too_long.items() if place not in LONGER} == {}
    assert set(LONGER) <= set(too_long), "an exception that is no longer needed"


def test_every_module_has_a_telling_name():
    named = {part for path, _ in modules(PACKAGE) for part in Path(path).with_suffix("").parts}
    assert named & NAMELESS == set()
