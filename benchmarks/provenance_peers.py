"""`provenance.peers.*`: what tools that people use say of the same files, side by side.

    python -m benchmarks.provenance_peers --envs peers

Files are made and signed on the spot, as in tests/provenance_*.py. Each tool runs through its own command
line, packages in environments of their own (made in `--envs`), exiftool and c2patool where they are
installed. A figure is the share of files of which a tool says what is true and nothing that is not; only
what was asked of a file counts. The table goes into benchmarks/results/provenance_peers.tsv.
"""

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.machine import ROOT
from benchmarks.provenance_tools import Answer, Tool, doctored, find_tools
from benchmarks.results_file import RESULTS, share
from doctored.checks.trust import add_list

SUFFIXES = {"JPEG": "jpg", "WEBP": "webp", "TIFF": "tif", "PNG": "png", "AVIF": "avif"}
SIGNED_AI = {"manifest": True, "intact": True, "declared": True}
NOTHING = {"manifest": False, "declared": False, "remote": False}

# (format, case of tests/provenance_*.py) → what is true of it; what is not named is not asked.
ASKED: dict[tuple[str, str], dict[str, bool]] = {
    **{(name, "generated, trusted"): SIGNED_AI for name in SUFFIXES},
    ("JPEG", "generated, expired since"): SIGNED_AI,
    ("JPEG", "part generated, trusted"): SIGNED_AI,
    ("JPEG", "a generated parent's child's child"): {"manifest": True, "declared": True},
    ("JPEG", "captured, trusted"): {"manifest": True, "intact": True, "declared": False},
    **{(name, "changed after signing"): {"manifest": True, "intact": False} for name in ("JPEG", "PNG")},
    ("JPEG", "a manifest from another picture"): {"manifest": True, "intact": False, "declared": False},
    ("JPEG", "a box with words in it"): {"intact": False, "declared": False},
    ("JPEG", "words in a comment"): NOTHING,
    ("JPEG", "only an address"): {"remote": True, "declared": False},
    ("JPEG", "nothing"): NOTHING,
    **{(name, "source type in XMP"): {"declared": True} for name in ("JPEG", "PNG", "WEBP", "TIFF")},
    ("PNG", "parameters in a text"): {"settings": True},
    **{(name, "parameters in UserComment"): {"settings": True} for name in ("JPEG", "WEBP")},
    ("JPEG", "planted statement on a camera photo"): {"settings": True},
    ("JPEG", "thumbnail of another picture"): {"odd_thumbnail": True},
    ("JPEG", "thumbnail of the picture"): {"odd_thumbnail": False, "declared": False},
    ("JPEG", "camera"): NOTHING,
    ("JPEG", "a photo called midjourney"): NOTHING,
    ("PNG", "a picture titled so"): NOTHING,
}


def is_right(answer: Answer, asked: dict[str, bool]) -> bool:
    return not answer.failed and all(getattr(answer, name) == value for name, value in asked.items())


def make_files(folder: Path) -> dict[tuple[str, str], Path]:
    sys.path.insert(0, str(ROOT / "tests"))
    cells: list[Any] = []
    for module in ("provenance_credentials", "provenance_metadata"):
        cells += import_module(module).CELLS
    made = {(cell.format, cell.case): cell.make for cell in cells}
    files = {}
    for number, key in enumerate(ASKED):
        files[key] = folder / f"{number:02d}.{SUFFIXES[key[0]]}"
        files[key].write_bytes(made[key]())
    return files


def trust_the_house(home: Path, folder: Path) -> None:
    signing: Any = import_module("provenance")
    credentials: Any = import_module("provenance_credentials")
    file = folder / "house.pem"
    file.write_text(signing.pem(credentials.house().certificate), encoding="ascii")
    os.environ["DOCTORED_HOME"] = str(home)
    add_list(file)


def main() -> None:
    parser = commands.parser(__doc__, timed=False)
    parser.add_argument("--envs", type=Path, required=True, help="where the packages' environments are")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_files(folder)
        trust_the_house(folder / "home", folder)
        tools: dict[str, Tool] = {"doctored": doctored(folder / "home"), **find_tools(options.envs)}
        rows, right = [], dict.fromkeys(tools, 0)
        for key, file in files.items():
            answers = {tool: ask(file) for tool, ask in tools.items()}
            for tool, answer in answers.items():
                right[tool] += is_right(answer, ASKED[key])
            marked = [
                ("" if is_right(answer, ASKED[key]) else "✗ ") + answer.words() for answer in answers.values()
            ]
            rows.append([f"{key[0]}: {key[1]}", *marked])
            print("\t".join(rows[-1]))
    table = ["\t".join(row) for row in [["file", *tools], *rows]]
    (RESULTS / "provenance_peers.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")
    figures = {}
    for tool, count in right.items():
        figure_id = f"provenance.peers.{tool.split()[0]}"
        figures[figure_id] = share(count, len(files), "share right")
    commands.finish("provenance_peers", figures, options)


if __name__ == "__main__":
    main()
