"""Write what the docs take from the code and from benchmarks/results: `python docs/generate.py [--check]`.

`docs/cli.md` and `docs/findings.md` are written whole. In the README and the other pages only what stands
between `<!-- begin: NAME -->` and `<!-- end -->` is: `results` (the main table), `figures PREFIX` (every
figure whose ID starts so), `run COMMAND` (a doctored command and what it prints), `policies` and `facts`
(the policies that ship, what they ask for). With `--check` nothing is written, and the exit code is 1 where
a page is out of date.
"""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.results_file import read_figures  # noqa: E402
from doctored.checks.texts import LIMITS, TEXTS  # noqa: E402
from doctored.cli.commands import COMMANDS, load_command  # noqa: E402
from doctored.errors import PictureErrorCode  # noqa: E402
from doctored.verdict import Row, load_policy, shipped_policies  # noqa: E402
from doctored.verdict.facts import FACTS  # noqa: E402

BLOCK = re.compile(r"(<!-- begin: ([^\n]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
POLICIES = ROOT / "src" / "doctored" / "verdict" / "policies"
STYLE = re.compile(r"\x1b\[[0-9;]*m")
COLUMNS = 96
PICTURES: dict[
    Path, bytes
] = {}  # made by the commands that were run; PNG bytes differ between versions of zlib
WRITTEN_BY = "<!-- Written by docs/generate.py; edit the code, then run `make results`. -->"

# What the README promises: the text, the figure's ID, how it is shown, what it has to be.
RESULTS = (
    (
        "`cifake-compact`, official CIFAKE test split: accuracy",
        "cifake.compact.accuracy",
        "percent",
        "≥ 96.8 %",
    ),
    ("its ROC AUC", "cifake.compact.auc", "plain", "≥ 0.995"),
    ("its parameters", "cifake.compact.parameters", "count", "≤ 95,000"),
    ("the record network on the same: accuracy", "cifake.record.accuracy", "percent", "≥ 98.6 %"),
    ("its ROC AUC", "cifake.record.auc", "plain", "≥ 0.999"),
    ("its parameters", "cifake.record.parameters", "count", "≤ 1,000,000"),
    ("the small network, taught by it: accuracy", "cifake.small.accuracy", "percent", "≥ 97.7 %"),
    ("its parameters", "cifake.small.parameters", "count", "≤ 95,000"),
    ("`cifake`, the robust network: accuracy", "cifake.robust.clean", "percent", "≥ 98 %"),
    ("the same, every picture saved as JPEG 50", "cifake.robust.q50", "percent", "≥ 96 %"),
    ("saved as JPEG 30", "cifake.robust.q30", "percent", "≥ 93 %"),
    ("resized to 64 pixels and back", "cifake.robust.r64", "percent", "≥ 95 %"),
    ("resized to 24 pixels and back", "cifake.robust.r24", "percent", "≥ 85 %"),
    ("training, pictures a second against plain Keras 3", "train.vs_keras", "times", "≥ 2.2× (bf16)"),
    ("the same with the whole recipe on", "train.vs_keras_full", "times", "≥ 2.5×"),
    ("the same, by the speed that Keras had alone", "train.vs_keras_full.against_alone", "times", "≥ 2.5×"),
    ("held to fp32", "train.vs_keras_full_fp32", "times", "≥ 2.2×"),
    ("the same, by its speed alone", "train.vs_keras_full_fp32.against_alone", "times", "≥ 2.2×"),
    ("training loop against a bare torch loop", "train.vs_bare", "times", "≥ 0.85×"),
    ("one 32×32 picture, our session against torch eager", "infer.vs_torch", "times", "≤ 0.4×"),
    ("the same, the record network", "infer.vs_torch_record", "times", "reported"),
    ("StyleGAN against FFHQ faces, five folds: accuracy", "faces.accuracy", "percent", "≥ 95 %"),
    ("the same by ResNet-18, from scratch, few epochs", "faces.resnet.accuracy", "percent", "reported"),
    ("`scan one.jpg` by `cifake-compact` against opening it alone", "scan.cold_ratio", "times", "≤ 1.6×"),
    ("its memory", "scan.cold_mb", "megabytes", "≤ 300 MB"),
    ("the same by `cifake`, the default", "scan.cold_robust_ratio", "times", "≤ 1.6×"),
    (
        "`scan` of 20,000 files by `cifake-compact` against a bare loop",
        "scan.cifake_ratio",
        "times",
        "≥ 0.7×",
    ),
    ("its memory", "scan.cifake_mb", "megabytes", "≤ 500 MB"),
    ("the same with `cifake`, the default", "scan.robust_ratio", "times", "≥ 0.8×"),
    ("all checks but detectors on 2 megapixels, against decoding it", "checks.2mp_ratio", "times", "≤ 1.5×"),
    ("the same on 12 megapixels", "checks.12mp_ratio", "times", "≤ 1.2×"),
    ("packing killed and resumed: same result", "resume.pack", "percent", "100 %"),
    ("training killed and resumed: same bits", "resume.train", "percent", "100 %"),
    ("scanning killed and resumed: same rows", "resume.scan", "percent", "100 %"),
    ("provenance: cases with exactly the right findings", "provenance.matrix", "percent", "100 %"),
    ("an earlier JPEG saving, q 50–80 then 90: ROC AUC", "jpeg.double.auc", "plain", "≥ 0.95"),
    ("its false alarms", "jpeg.double.false_alarms", "percent", "≤ 2 %"),
    ("planted faults of data sets that the audit names", "audit.planted", "percent", "100 %"),
    ("clean data sets that it does not accuse", "audit.planted.control", "percent", "100 %"),
    ("the audit of 120,000 pictures against one bare decoding pass", "audit.cifake.ratio", "times", "≤ 6×"),
    ("its memory", "audit.cifake.mb", "megabytes", "≤ 2,000 MB"),
    ("pairs of equal pictures that it finds in CIFAKE", "audit.cifake.duplicate_pairs", "count", "1,336"),
    ("of them across train and test", "audit.cifake.crossing_pairs", "count", "378"),
    ("near duplicates among 10⁶ hashes: recall", "audit.near_duplicates.recall", "percent", "≥ 99 %"),
    (
        "20,000 pictures: the audit's time against cleanvision's",
        "audit.peers.cleanvision.ratio",
        "times",
        "reported",
    ),
    ("the same against imagededup's", "audit.peers.imagededup.ratio", "times", "reported"),
    ("CASIA v1: AUC of the quantisation table alone", "audit.casia1.tables_before", "plain", "reported"),
    ("the same after equalisation", "audit.casia1.tables_after", "plain", "≤ 0.55"),
    ("hostile files: a picture or a clear refusal", "hostile.decode", "percent", "100 %"),
    ("hostile files scanned: a row each", "hostile.scan", "percent", "100 %"),
    ("hostile metadata: a row, clean texts, no markup", "hostile.metadata", "percent", "100 %"),
    ("hostile detector files: one clear line each", "hostile.detector", "percent", "100 %"),
    ("hostile data sets: read, counted or refused in one line", "hostile.data", "percent", "100 %"),
    ("probabilities of `cifake`: equal-mass calibration error", "calibration.ece.cifake", "plain", "≤ 0.01"),
    (
        "its accuracy where it answers, at 95 % coverage",
        "calibration.selective.cifake",
        "percent",
        "≥ 99.3 %",
    ),
    ("what its likelihood ratios cost above the least, bits", "lr.cllr", "plain", "≤ 0.01"),
    ("what is no photo, of 32×32: `unsure`, the worst of five kinds", "domain.reject", "percent", "≥ 95 %"),
    ("thumbnails of photos from elsewhere that it calls fake", "domain.thumbnails", "percent", "≤ 10 %"),
    ("`evaluate --robustness` against bare inference", "evaluate.ratio", "times", "≤ 1.5×"),
    ("families of networks that keep the whole contract", "zoo.contract", "percent", "100 %"),
    ("metrics against scikit-learn: largest deviation", "metrics.oracle", "tiny", "≤ 1e-12"),
    ("a report's page in Chromium, two widths, light and dark: faults", "page.checks", "count", "none"),
)

SHOWN: dict[str, Callable[[float], str]] = {
    "percent": lambda value: f"{100 * value:.2f} %".replace(".00 %", " %"),
    "plain": lambda value: f"{value:.4f}",
    "count": lambda value: f"{value:,.0f}",
    "tiny": lambda value: f"{value:.1e}",
    "times": lambda value: f"{value:.2f}×",
    "megabytes": lambda value: f"{value:.0f} MB",
}

EXIT_CODES = {
    0: "done",
    1: "done, and `--fail-on` matched",
    2: "wrong usage; one line says what, and how to mend it",
    3: "done, but some inputs could not be read; each has its row",
    4: "could not run: a missing extra, no such detector, a broken data set, no space; one line, what to do",
    130: "interrupted; what was done is kept and can be resumed",
}

ERRORS = {
    PictureErrorCode.EMPTY: "the file has no bytes",
    PictureErrorCode.TRUNCATED: "the file ends before the picture does",
    PictureErrorCode.NOT_A_PICTURE: "the bytes are of no format that is read",
    PictureErrorCode.UNSUPPORTED: "a picture, but of a kind that is not read, or not without an extra",
    PictureErrorCode.TOO_LARGE: "the file, its metadata or a side of it is over a limit",
    PictureErrorCode.TOO_MANY_PIXELS: "more pixels than the limit allows",
    PictureErrorCode.UNREADABLE: "it could not be opened, or its decoder failed on it",
    PictureErrorCode.TIMED_OUT: "it took longer than the time limit",
}


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def results(_: str) -> str:
    """The README's table: what was promised, what was measured."""
    figures = read_figures()
    shown = [(row, figures[row[1]]) for row in RESULTS if row[1] in figures]
    rows = [
        [text, says(figure, way), f"{wanted}: missed" if is_missed(figure["value"], way, wanted) else wanted]
        for (text, _, way, wanted), figure in shown
    ]
    provenance = taken([figure for _, figure in shown])
    return table(["what", "measured [95 % interval]", "has to be"], rows) + "\n" + provenance


def is_missed(value: float, way: str, wanted: str) -> bool:
    """Whether a figure is on the wrong side of the bound that a row names; rows without one miss nothing."""
    bound = re.match(r"([≥≤]) ([\d.,e-]+)", wanted)
    if bound is None:
        return False
    limit = float(bound[2].replace(",", "")) / (100 if way == "percent" else 1)
    return value < limit if bound[1] == "≥" else value > limit


def says(figure: Mapping[str, Any], way: str) -> str:
    show = SHOWN[way]
    value = f"**{show(figure['value'])}**"
    if figure["low"] is None:
        return value
    return f"{value} [{show(figure['low'])}, {show(figure['high'])}]"


def taken(figures: list[dict[str, Any]]) -> str:
    """Where, when and from which commit these figures are, one line for each machine."""
    places: dict[str, dict[str, set[str]]] = {}
    for figure in figures:
        machine, commit, date = (figure["taken"][key] for key in ("machine", "commit", "date"))
        flags = ", ".join(machine["flags"]) or "no vector units named"
        place = f"{machine['cores']} cores of {machine['processor']} ({flags}), {machine['memory_gb']} GB"
        libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
        place += f", no GPU, {machine['os']}, Python {machine['python']}, {libraries}"
        places.setdefault(place, {}).setdefault(date, set()).add(commit)
    return "".join(f"Taken on {place} ({describe_days(days)}).\n" for place, days in places.items())


def describe_days(days: Mapping[str, set[str]]) -> str:
    return "; ".join(
        f"{date}, commit{'s' * (len(commits) > 1)} {', '.join(sorted(commits))}"
        for date, commits in sorted(days.items())
    )


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.5g}"


def figures_table(prefix: str) -> str:
    figures = {key: figure for key, figure in read_figures().items() if key.startswith(prefix)}
    if not figures:
        return "Not measured yet.\n"
    rows = [
        [
            f"`{key}`",
            f"{number(figure['value'])} {figure['unit']}",
            "" if figure["low"] is None else f"{number(figure['low'])} to {number(figure['high'])}",
            f"{figure['n']:,}",
        ]
        for key, figure in figures.items()
    ]
    return table(["figure", "value", "95 % interval", "n"], rows) + "\n" + taken(list(figures.values()))


def written_table(name: str) -> str:
    """A table that a benchmark wrote beside its figures."""
    lines = (ROOT / "benchmarks" / "results" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    head, *rows = [line.split("\t") for line in lines]
    return table(head, rows)


def run(command: str) -> str:
    """A doctored command on the pictures of `examples`, with what it prints on a terminal.

    It runs in a scratch folder; the pictures that it makes there are kept in `PICTURES`.
    """
    program, *arguments = shlex.split(command)
    if program != "doctored":
        raise ValueError(f"the docs run doctored, not {program}")
    words = [sys.executable, "-m", "doctored.cli.main", *arguments]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        shutil.copytree(ROOT / "examples", scratch / "examples")
        shown = "\n".join(line.rstrip() for line in on_terminal(words, scratch).splitlines())
        for file in sorted(scratch.rglob("*.png")):
            PICTURES[ROOT / file.relative_to(scratch)] = file.read_bytes()
    return f"```console\n$ {command}\n{shown}\n```\n"


def on_terminal(command: list[str], folder: Path) -> str:
    """What a command prints on a terminal, without its colours, then what it says on stderr."""
    import pty  # POSIX only, as is this way of looking at a program

    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    printed = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error, not an empty read
        while part := os.read(ours, 65536):
            printed += part
    os.close(ours)
    said = process.communicate()[1].decode()
    if process.returncode not in (0, 1, 3):
        raise RuntimeError(f"{command}: {said}")
    return STYLE.sub("", printed.decode().replace("\r", "")) + said


def policies(_: str) -> str:
    """The rows of every policy that ships, in order, and what each policy makes of them."""
    shipped = [load_policy(name) for name in shipped_policies()]
    rules = {tuple((row.rule, row.when, row.unless) for row in policy.rows) for policy in shipped}
    if len(rules) != 1:
        raise ValueError("the policies that ship have different rows; give each a table of its own")
    rows = [
        [f"`{same[0].rule}`", conditions(same[0]), *(row.label.value for row in same)]
        for same in zip(*(policy.rows for policy in shipped), strict=True)
    ]
    return table(["rule", "when", *(f"`{policy.name}`" for policy in shipped)], rows)


def conditions(row: Row) -> str:
    asked = " and ".join(f"`{fact}`" for fact in row.when) or "nothing else fits"
    return asked + "".join(f", not `{fact}`" for fact in row.unless)


def facts(_: str) -> str:
    """What the rows of a policy can ask for."""
    return table(["fact", "is so where"], [[f"`{fact}`", text] for fact, text in FACTS.items()])


BLOCKS: dict[str, Callable[[str], str]] = {
    "results": results,
    "figures": figures_table,
    "run": run,
    "table": written_table,
    "policies": policies,
    "facts": facts,
}


def filled(text: str) -> str:
    """A page with its blocks written again."""

    def fill(match: re.Match[str]) -> str:
        kind, _, argument = match[2].partition(" ")
        return match[1] + BLOCKS[kind](argument) + match[4]

    return BLOCK.sub(fill, text)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, with its parts: `scan`, `data pack`."""
    for name in COMMANDS:
        command = load_command(name)
        parts = getattr(command, "commands", None)
        if parts is None:
            yield name, command
        else:
            yield from ((f"{name} {part}", inner) for part, inner in parts.items())


def command_page() -> str:
    sections = [f"{WRITTEN_BY}\n# Commands\n"]
    for name, command in commands():
        context = command.context_class(command, info_name=f"doctored {name}")
        records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
        rows = [[f"`{re.sub(r' <[^>]*>$', '', what)}`", " ".join(help.split())] for what, help in records]
        sections.append(f"## doctored {name}\n{' '.join(command.help.split())}\n\n{table(['', ''], rows)}")
    codes = [[f"`{code}`", text] for code, text in EXIT_CODES.items()]
    sections.append(
        "## Exit codes\n"
        + table(["code", "meaning"], codes)
        + "\nWhere two fit: 4, then 2, then 1, then 3. A path that does not exist is a row and a 3; an empty "
        "folder is a 0 and says so. `doctored --debug ...` shows the traceback of an error; `doctored "
        "--version` the version.\n"
    )
    return "\n".join(sections)


def finding_page() -> str:
    findings = [[f"`{code}`", re.sub(r"{(\w+):[^}]*}", r"{\1}", text)] for code, text in TEXTS.items()]
    errors = [[f"`{code}`", text] for code, text in ERRORS.items()]
    sections = [
        f"{WRITTEN_BY}\n# Findings, verdicts, errors\n",
        "## Findings\nWhat a check can report. Words in braces are filled in; what stands after a colon is a "
        "variant of the same code.\n\n" + table(["code", "says"], findings),
        "What the checks cannot see:\n\n" + "".join(f"- {text}\n" for text in LIMITS.values()),
        "## Verdicts\nA policy is a table; the first row that fits the findings decides, and its name ends "
        "the record's `why`.\n",
    ]
    for file in sorted(POLICIES.glob("*.toml")):
        policy = load_policy(file.stem)
        rows = [[f"`{row.rule}`", row.label.value, row.text] for row in policy.rows]
        sections.append(f"### `{policy.name}`\n{policy.text}\n\n" + table(["rule", "verdict", "says"], rows))
    sections.append("## Errors\nWhy a picture could not be examined.\n\n" + table(["code", "means"], errors))
    return "\n".join(sections)


def pages() -> dict[Path, str]:
    """Every page that is written here, whole or in part, as it should be."""
    whole = {ROOT / "docs" / "cli.md": command_page(), ROOT / "docs" / "findings.md": finding_page()}
    others = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    parts = {path: path.read_text(encoding="utf-8") for path in others if path not in whole}
    return whole | {path: filled(text) for path, text in parts.items() if BLOCK.search(text)}


def stale() -> list[Path]:
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> None:
    if "--check" in sys.argv[1:]:
        for path in (found := stale()):
            print(f"{path.relative_to(ROOT)} is out of date; run: make results")
        sys.exit(bool(found))
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")
    for path, picture in PICTURES.items():
        path.write_bytes(picture)


if __name__ == "__main__":
    main()
