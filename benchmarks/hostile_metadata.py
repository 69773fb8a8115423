"""`hostile.metadata`: pictures whose metadata mean harm, through the whole program and all that it shows.

    python -m benchmarks.hostile_metadata

Every picture of tests/hostile_metadata.py (markup, escape codes and changes of direction in every field
that is read; ten megabytes, deep nesting and expanding entities in XMP; blocks that lie about
themselves) and thousands of damaged ones (Exif, XMP, IPTC, a PNG's texts, and signed pictures) are
scanned to JSON lines; some hundreds of those that can be decoded also to a page and to a terminal. The
figure is the share of pictures that have their row, within the time limit, with clean texts. It is 0
where the page or the terminal holds markup or an escape code of a file's. `hostile.metadata_slowest_s`:
the longest that one picture took. Not for Windows (it opens a pseudo-terminal).
"""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import options as commands
from benchmarks.hostile_cli import DOCTORED
from benchmarks.machine import ROOT
from benchmarks.results_file import Figure, share

LIMIT_S = 20.0
SHOWN = 400
# What files carry here, and no output may hold as it is; on a terminal, no control but colours.
TAGS = re.compile(rb"<script>alert|<img src=x|onerror=alert\(2\)>")
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")


def pictures(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes: all special cases, then `count` damaged ones, every second of them signed."""
    sys.path.insert(0, str(ROOT / "tests"))
    hostile: Any = import_module("hostile_metadata")
    yield from hostile.hostile_pictures()
    wholes, signed = list(_unsigned()), list(_signed())
    for number in range(count):
        kind = signed if number % 2 else wholes
        name, data = kind[number // 2 % len(kind)]
        yield f"{name}, damaged ({number})", hostile.mutated(data, seed + number, first=2)


def _unsigned() -> Iterator[tuple[str, bytes]]:
    made: Any = import_module("provenance_metadata")
    for cell in made.CELLS:
        yield str(cell), cell.make()


def _signed() -> Iterator[tuple[str, bytes]]:
    made: Any = import_module("provenance")
    metadata: Any = import_module("provenance_metadata")
    signer = made.Authority("toy root").issue("toy signer")
    manifest = made.definition(made.action("c2pa.created", "trainedAlgorithmicMedia"))
    for image_format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        yield f"signed {image_format}", made.sign(made.plain(image_format), image_format, signer, manifest)
        data = metadata.save(
            image_format,
            block=metadata.exif(metadata.CAMERA, {metadata.COMMENT: metadata.comment(metadata.PARAMETERS)}),
            packet=metadata.source("trainedAlgorithmicMedia"),
        )
        yield f"signed {image_format} with metadata", made.sign(data, image_format, signer, manifest)


def lay_out(count: int, seed: int, folder: Path) -> tuple[Path, list[str]]:
    """Write the pictures and the list of their paths; return it and what each is."""
    names, paths = [], []
    for number, (name, data) in enumerate(pictures(count, seed)):
        path = folder / f"{number:05d}.bin"
        path.write_bytes(data)
        names.append(name)
        paths.append(str(path))
    listed = folder / "list.txt"
    listed.write_text("\n".join(paths) + "\n")
    return listed, names


def scan(listed: Path, *arguments: str) -> None:
    command = [*DOCTORED, "scan", "--from-file", str(listed), "--quiet", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    if done.returncode not in (0, 3) or "Traceback" in done.stderr:
        sys.exit(f"WRONG  exit code {done.returncode}: {done.stderr[-500:]}")


def is_right(row: dict[str, Any]) -> bool:
    """A verdict in time, with clean texts; no check that gave up other than by saying so."""
    texts = [row["text"], *(finding["text"] for finding in row["findings"])]
    return (
        row["verdict"] in ("fake", "unsure", "real")
        and (row["error"] is None or row["error"]["code"] != "timed_out")
        and (row["error"] is not None or bool(row["findings"]))
        and row["ms"] < 1000 * LIMIT_S
        and not any(CONTROLS.search(text) for text in [*texts, *strings(row["findings"])])
    )


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def on_terminal(listed: Path) -> bytes:
    """What a scan of these prints on a terminal."""
    ours, theirs = pty.openpty()
    command = [*DOCTORED, "scan", "--from-file", str(listed)]
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL
    ):
        os.close(theirs)
        printed = b""
        try:
            while part := os.read(ours, 65536):
                printed += part
        except OSError:  # the end of a terminal is an error, not an empty read
            pass
    os.close(ours)
    return printed


def measure(count: int, seed: int, folder: Path) -> dict[str, Figure]:
    listed, names = lay_out(count, seed, folder)
    out, page = folder / "rows.jsonl", folder / "page.html"
    scan(listed, "--jsonl", "--out", str(out))
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    wrong = [name for name, row in zip(names, rows, strict=True) if not is_right(row)]
    for name in wrong[:20]:
        print(f"WRONG  {name}")
    examined = [
        path for path, row in zip(listed.read_text().splitlines(), rows, strict=True) if not row["error"]
    ]
    some = folder / "some.txt"
    some.write_text("\n".join(examined[:SHOWN]) + "\n")
    scan(some, "--jsonl", "--out", str(folder / "some.jsonl"), "--html", str(page))
    shown = {"page": page.read_bytes(), "terminal": on_terminal(some)}
    outside = COLOURS.sub(b"", shown["terminal"]).replace(b"\r\n", b"\n").decode("utf-8", "replace")
    is_clean = not TAGS.search(shown["page"]) and not CONTROLS.search(outside)
    if not is_clean:
        print("WRONG  a page or a terminal holds what a file says as if it were ours")
    right = (len(rows) - len(wrong)) if is_clean else 0
    shown_count = len(examined[:SHOWN])
    print(
        f"{len(examined):,} of {len(rows):,} could be decoded; {shown_count} were shown on page and terminal"
    )
    return {
        "hostile.metadata": share(right, len(rows), "share answered"),
        "hostile.metadata_examined": Figure(len(examined) / len(rows), "share decodable", len(rows)),
        "hostile.metadata_slowest_s": Figure(max(row["ms"] for row in rows) / 1000, "s", len(rows)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument(
        "--files", type=int, default=10_000, help="how many damaged pictures, half of them signed"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    commands.wait_for_idle(options)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.files, options.seed, Path(folder))
    commands.finish("hostile_metadata", figures, options)


if __name__ == "__main__":
    main()
