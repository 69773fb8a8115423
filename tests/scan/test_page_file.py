import os
import re
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from tests.page.reading import HOSTILE, Seen

from doctored.checks.texts import LIMITS
from doctored.errors import DoctoredError, UsageError
from doctored.picture import encode_jpeg
from doctored.records import Label, Record, RecordError
from doctored.scan.examine import row
from doctored.scan.items import Preview
from doctored.scan.page_file import CHAPTERS, PageFile
from doctored.scan.settings import Settings
from doctored.verdict import decide, load_policy, not_examined
from toy_findings import DECLARED, FAKE_GENERATED, NEUTRAL, OUTSIDE, REAL_OF_BOTH

POLICY = load_policy()
GREY = encode_jpeg(np.full((8, 12, 3), 128, np.uint8))
PREVIEW = Preview(GREY, (GREY, GREY), "one")
BROKEN = RecordError("empty", "it is empty; fetch it again")


def judged(path, *findings, preview=PREVIEW):
    verdict = decide(findings, POLICY)
    return row(Record("1", path, verdict, POLICY.used, "a" * 64, "JPEG", 640, 480, tuple(findings)), preview)


def unread(path):
    return row(Record("1", path, not_examined(BROKEN, POLICY), POLICY.used, error=BROKEN))


ROWS = [
    judged("neutral.jpg", OUTSIDE, NEUTRAL),
    judged("real.jpg", REAL_OF_BOTH),
    judged("declared.jpg", DECLARED),
    unread("broken.jpg"),
    judged("fake.jpg", FAKE_GENERATED),
    judged("fake again.jpg", FAKE_GENERATED),
]
ORDER = ["fake.jpg", "fake again.jpg", "declared.jpg", "neutral.jpg", "real.jpg", "broken.jpg"]


def write(path, rows=ROWS, command="doctored scan x --html y", **more):
    page = PageFile(path, command, Settings(stability=True), **more)
    assert list(page.passing(rows)) == list(rows)
    page.finish()
    page.close()
    return path.read_text("utf-8")


def read(text):
    return Seen(
        re.sub("<(style|script)>.*?</\\1>", "", text.removeprefix("<!doctype html>"), flags=re.DOTALL)
    )


def paths(text):
    return re.findall("<h3><bdi>(.*?)</bdi></h3>", text)


def test_what_needs_a_look_comes_first(tmp_path):
    text = write(tmp_path / "page.html")
    assert paths(text) == ORDER
    headings = re.findall("<h2>(.*?)</h2>", text)
    chapters = ["Fake (2)", "Unsure, with a sign (1)", "Unsure (1)", "Real (1)", "Not examined (1)"]
    assert headings == ["What a verdict is not", *chapters, "Limits of each check"]
    assert len(CHAPTERS) == len(chapters)
    assert os.listdir(tmp_path) == ["page.html"]  # noqa: PTH208


def test_the_head_tells_counts_and_circumstances(tmp_path):
    seen = read(write(tmp_path / "page.html"))
    for value in ("6 pictures examined", "2 fake", "3 unsure", "1 real",
                  "1 of the unsure could not be examined",
                  "doctored scan x --html y", " UTC", "numpy", "onnxruntime", f"careful, {POLICY.digest}",
                  "is not a proof that there is none", *LIMITS.values()):  # fmt: skip
        assert value in seen.text, value


def test_the_page_is_well_formed_and_asks_nobody(tmp_path):
    text = write(tmp_path / "page.html")
    for element in ("html", "head", "body", "main", "section", "article", "div", "ul", "li", "dl", "details"):
        assert len(re.findall(f"<{element}[ >]", text)) == text.count(f"</{element}>"), element
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert text.count("<script>") == 1
    sources = [attributes["src"] for name, attributes in read(text).tags if name == "img"]
    assert len(sources) == 5 * 3
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_headings_follow_each_other_and_ids_are_unique(tmp_path):
    tags = read(write(tmp_path / "page.html")).tags
    levels = [int(name[1]) for name, _ in tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(names) == len(set(names))


def test_links_lead_to_every_part(tmp_path):
    tags = read(write(tmp_path / "page.html")).tags
    places = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = [attributes["href"] for name, attributes in tags if name == "a"]
    assert len(links) == 6
    assert {link.removeprefix("#") for link in links} <= places


@pytest.mark.parametrize("text", [*HOSTILE, "\u202e", "\x1b[31m"])
def test_a_command_from_outside_is_text(tmp_path, text):
    plain = read(write(tmp_path / "a.html", command="x"))
    hostile = read(write(tmp_path / "b.html", command=text))
    assert [name for name, _ in plain.tags] == [name for name, _ in hostile.tags]


def test_a_page_holds_so_many_pictures_and_says_what_it_leaves_out(tmp_path):
    rows = [judged(f"{number}.jpg", NEUTRAL) for number in range(5)] + ROWS
    text = write(tmp_path / "page.html", rows, at_most=4)
    assert paths(text) == ["fake.jpg", "fake again.jpg", "declared.jpg", "0.jpg"]
    seen = read(text).text
    assert "11 pictures examined" in seen
    assert "5 more are left out here, for a page holds 4; --jsonl has them all." in seen
    assert "Real (1)1" not in seen
    assert seen.count("more are left out here") == 3
    whole = write(tmp_path / "whole.html", rows)
    assert len(paths(whole)) == 11
    assert "left out here" not in whole


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    import tracemalloc

    large = Preview(GREY + bytes(100_000))
    one = judged("a.jpg", NEUTRAL, preview=large)
    page = PageFile(tmp_path / "page.html", "x", Settings())
    page.write(one)
    tracemalloc.start()
    for _ in range(100):
        page.write(one)
    page.finish()
    page.close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "page.html").stat().st_size > 10_000_000
    assert peak < 3_000_000


def test_a_page_of_nothing_is_a_page(tmp_path):
    text = write(tmp_path / "page.html", [])
    assert "0 pictures examined" in text
    assert paths(text) == []


def test_without_finish_nothing_is_left_and_an_older_page_stays(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    page = PageFile(path, "x", Settings())
    page.write(ROWS[0])
    page.close()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]  # noqa: PTH208


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    for path in (tmp_path / "none" / "page.html", tmp_path):
        with pytest.raises(UsageError, match=r"cannot be written .*choose another place"):
            PageFile(path, "x", Settings())


def test_a_full_disk_is_told(tmp_path):
    page = PageFile(tmp_path / "page.html", "x", Settings())

    def fail(card):
        raise OSError(28, "No space left on device")

    for chapter in page._chapters:
        chapter.write = fail
    with pytest.raises(DoctoredError, match=r"No space left.*make room") as told:
        page.write(ROWS[0])
    assert told.value.exit_code == 4
    page.close()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_runs_the_filters_under_the_content_policy(tmp_path):
    path = tmp_path / "page.html"
    text = write(path)
    assert 'id="filters" role="search" aria-label="Filter the pictures" hidden' in text
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([CHROMIUM, *options, "--dump-dom", path.as_uri()], capture_output=True, timeout=120)
    page = done.stdout.decode()
    (filters,) = re.findall('<div id="filters"[^>]*>', page)
    assert "hidden" not in filters
    assert "6 of 6 pictures shown" in page
    assert {label.value for label in Label} <= set(re.findall('<option value="(.*?)">', page))
