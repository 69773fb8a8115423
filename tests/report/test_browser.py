"""The page in a browser: nothing wrong, wide or narrow, light or dark; and a wrong page is found wrong."""

import json

import pytest

import toy_run
from benchmarks.page_checks import SCHEMES, WIDTHS, check_page, find_browser, opened_browser
from doctored.report import write_report

pytest.importorskip("axe_playwright_python", reason="the extra 'dev' brings Playwright and axe-core")
pytestmark = pytest.mark.skipif(find_browser() is None, reason="there is no Chromium on the path")


@pytest.fixture(scope="module")
def browser():
    with opened_browser(find_browser()) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Every section, and text from files that is long and strange."""
    folder = toy_run.make_run(tmp_path_factory.mktemp("runs") / "toy-compact")
    card = toy_run.card()
    card["card"]["limits"] = "Nothing " + "but-one-very-long-word" * 20
    (folder / "model_card.json").write_text(json.dumps(card), encoding="utf-8")
    return write_report([folder]).page


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wrong_with_a_whole_page(browser, page, width, scheme):
    checked = check_page(browser, page, width, scheme)
    assert checked.faults == ()
    assert checked.charts >= 12
    assert checked.pictures == 7, "four examples with overlays, a mistake, two neighbours"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1400, "light")])
def test_nothing_is_wrong_with_a_comparison(browser, tmp_path, width, scheme):
    names = ("a", "a-run-with-a-very-long-name-that-does-not-break", "c")
    runs = [toy_run.make_run(tmp_path / name, seed=place) for place, name in enumerate(names)]
    checked = check_page(browser, write_report(runs, tmp_path / "out").page, width, scheme)
    assert checked.faults == ()
    assert checked.charts == 1


def test_a_page_with_nothing_but_gaps_is_sound_too(browser, tmp_path):
    folder = toy_run.make_run(tmp_path / "run", only=("config.toml",))
    assert check_page(browser, write_report([folder]).page, 390, "light").faults == ()


def test_a_wrong_page_is_found_wrong(browser, tmp_path):
    file = tmp_path / "wrong.html"
    file.write_text(
        "<!doctype html><title>wrong</title><style>p { color: #ccc; background: #fff; width: 3000px }</style>"
        "<h3>a heading too deep</h3><p>pale</p><img src='http://127.0.0.1:9/x.png'>"
        "<svg role='img' width='10'><title>tiny</title></svg><script>nowhere()</script>",
        encoding="utf-8",
    )
    faults = " | ".join(check_page(browser, file, 390, "light").faults)
    for fault in (
        "request: http://127.0.0.1:9/x.png",
        "script: nowhere is not defined",
        "picture not shown",
        "picture without a text",
        "chart not drawn: tiny",
        "wider than the screen",
        "axe: color-contrast",
        "axe: html-has-lang",
        "axe: image-alt",
    ):
        assert fault in faults
