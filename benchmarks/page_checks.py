"""`page.checks`: a report's page in headless Chromium, at 390 and 1,400 px, light and dark.

    python -m benchmarks.page_checks [--runs RUN...]

Counted are violations that axe-core finds (headings, labels, contrast and the rest of its rules, with every
fold open), console errors, requests to anywhere, charts and pictures that are not there, and pages wider than
the screen. Without `--runs` two toy runs are trained, evaluated and compared first. It takes no time that
matters, so any machine will do; it needs a `chromium` on the path and the extra `dev`.
"""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import options as commands
from benchmarks.results_file import Figure

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (390, 1400)
SCHEMES = ("light", "dark")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_HEIGHT = 900
_SMALLEST_CHART = 200
_OPEN_FOLDS = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
_CHARTS = (
    "Array.from(document.querySelectorAll('svg[role=img]'), "
    "svg => [svg.querySelector('title').textContent, svg.getBoundingClientRect().width])"
)
_PICTURES = (
    "Array.from(document.images, image => [image.alt, image.complete && image.naturalWidth > 0, "
    "image.getBoundingClientRect().width])"
)


class Checked(NamedTuple):
    """What is wrong with a page at a width and a colour scheme, a sentence each; how many charts and overlays
    it has."""

    faults: tuple[str, ...]
    charts: int
    pictures: int


def find_browser() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextlib.contextmanager
def opened_browser(executable: str) -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def check_page(browser: "Browser", file: Path, width: int, scheme: str) -> Checked:
    """Look at a page as a reader with this screen would."""
    context = browser.new_context(
        viewport={"width": width, "height": _HEIGHT},
        color_scheme="dark" if scheme == "dark" else "light",
        offline=True,
    )
    try:
        page = context.new_page()
        faults: list[str] = []
        page.on(
            "console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None
        )
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        home = file.resolve().as_uri()
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url == home or asked.url.startswith("data:")
                else faults.append(f"request: {asked.url}")
            ),
        )
        page.goto(home)
        page.evaluate(_OPEN_FOLDS)
        charts, pictures = page.evaluate(_CHARTS), page.evaluate(_PICTURES)
        faults += [
            f"chart not drawn: {name}" for name, across in charts if across < _SMALLEST_CHART or not name
        ]
        faults += [
            f"picture not shown: {alt}" for alt, is_there, across in pictures if not is_there or not across
        ]
        faults += [f"picture without a text: {place}" for place, (alt, *_) in enumerate(pictures) if not alt]
        across = page.evaluate("document.documentElement.scrollWidth")
        faults += [f"wider than the screen: {across} px"] if across > width else []
        faults += find_violations(page)
        return Checked(tuple(faults), len(charts), len(pictures))
    finally:
        context.close()


def find_violations(page: "Page") -> list[str]:
    """What axe-core finds, with the first place of each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"axe: {one['id']} at {one['nodes'][0]['target']} ({len(one['nodes'])} places)" for one in found]


def make_toy_runs(folder: Path) -> list[Path]:
    """Two small runs with every artefact, of one recipe with two seeds."""
    from doctored.cli.main import main as doctored

    data = folder / "toy.zip"
    runs = [folder / "toy-one", folder / "toy-two"]
    if doctored(["data", "toy", str(data), "--count", "240"]):
        sys.exit("the toy data set could not be made")
    for seed, run in enumerate(runs):
        settings = [f"--set=seed={seed}", "--set=epochs=2", "--set=batch_size=16", "--set=precision=fp32"]
        looks = ["--robustness", "--explanations", "--errors"]
        if doctored(["train", str(data), "--out", str(run), *settings]) or doctored(
            ["evaluate", str(run), str(data), "--out", str(run), *looks]
        ):
            sys.exit(f"{run.name} could not be made")
    return runs


def make_pages(runs: Sequence[Path], folder: Path) -> list[Path]:
    """A page of each run, and one of all."""
    from doctored.report import write_report

    pages = [write_report([run], folder / f"page-{place}").page for place, run in enumerate(runs)]
    return [*pages, write_report(runs, folder / "compared").page] if len(runs) > 1 else pages


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--runs", type=Path, nargs="+", help="folders of runs that were evaluated")
    options = parser.parse_args(arguments)
    executable = find_browser()
    if executable is None:
        sys.exit("there is no Chromium on the path; install Debian's package 'chromium'")
    with tempfile.TemporaryDirectory() as name:
        pages = make_pages(options.runs or make_toy_runs(Path(name)), Path(name))
        with opened_browser(executable) as browser:
            views = list(product(pages, WIDTHS, SCHEMES))
            seen = [(view, check_page(browser, *view)) for view in views]
    faults = [
        f"{page.parent.name} at {width} px, {scheme}: {fault}"
        for (page, width, scheme), checked in seen
        for fault in checked.faults
    ]
    print("\n".join(faults))
    charts, pictures = (sum(getattr(checked, part) for _, checked in seen) for part in ("charts", "pictures"))
    print(f"{len(seen)} views, {charts} charts, {pictures} pictures")
    options.runs = None  # a run's folder is not part of the command that repeats this
    commands.finish("page_checks", {"page.checks": Figure(len(faults), "faults", len(seen))}, options)


if __name__ == "__main__":
    main()
