import hashlib
import json

import pytest

from doctored.errors import DetectorError, UsageError
from doctored.picture import Limits
from doctored.scan import examine
from doctored.scan.examine import Examiner
from doctored.scan.items import Item, ItemError
from doctored.scan.settings import Settings
from toy_pictures import save_grey


def records(examiner, items):
    return [json.loads(row.line) for rows in examiner.examine(items) for row in rows]


@pytest.fixture
def examiner(toy):
    return Examiner(Settings((toy,)))


def test_a_row_tells_all_about_a_picture(examiner, pictures):
    path = pictures / "a-fake.png"
    (record,) = records(examiner, [Item("shown", file=str(path))])
    assert record["path"] == "shown"
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record["format"], record["width"], record["height"]) == ("PNG", 32, 32)
    assert (record["verdict"], record["kind"]) == ("fake", "generated")
    assert record["why"] == ["detector_says_fake", "strong_fake"]
    assert record["probability"] == record["findings"][0]["score"] > 0.97
    assert record["detectors"] == [{"name": "toy", "version": "1.0.0", "budget": 0.01}]
    assert record["policy"]["name"] == "careful"
    assert record["error"] is None
    assert record["ms"] > 0


def test_bytes_give_what_their_file_gives(examiner, pictures):
    path = pictures / "b-real.png"
    by_file, by_bytes = records(examiner, [Item("x", file=str(path)), Item("x", data=path.read_bytes())])
    del by_file["ms"], by_bytes["ms"]
    assert by_file == by_bytes


def test_what_cannot_be_examined_is_a_row_that_is_never_real(examiner, pictures):
    items = [
        Item("broken", file=str(pictures / "e-broken.jpg")),
        Item("gone", file=str(pictures / "none.png")),
        Item("empty", data=b""),
        Item("known", error=ItemError("too_large", "it is too large; take another")),
        Item("fine", file=str(pictures / "b-real.png")),
    ]
    found = records(examiner, items)
    assert [record["verdict"] for record in found] == ["unsure"] * 4 + ["real"]
    codes = [record["error"]["code"] for record in found[:-1]]
    assert codes == ["not_a_picture", "unreadable", "empty", "too_large"]
    assert found[3]["text"] == "Unsure: not examined. It is too large; take another."
    assert found[3]["why"] == ["too_large", "not_examined"]
    assert all(record["sha256"] is None and record["findings"] == [] for record in found[:-1])


def test_memory_that_runs_out_is_a_row(examiner, pictures, monkeypatch):
    def decode(*arguments):
        raise MemoryError

    monkeypatch.setattr(examine, "decode", decode)
    (record,) = records(examiner, [Item("x", file=str(pictures / "a-fake.png"))])
    assert record["error"]["code"] == "too_large"


def test_limits_are_kept(toy, pictures):
    examiner = Examiner(Settings((toy,), limits={"max_pixels": 1024}))
    assert examiner.limits == Limits(max_pixels=1024)
    items = [Item("s", file=str(pictures / "a-fake.png")), Item("l", file=str(pictures / "d-large.png"))]
    assert [record["error"] is None for record in records(examiner, items)] == [True, False]


@pytest.mark.parametrize("limit", ["group", "pixels"])
def test_groups_stay_small_and_rows_in_order(examiner, tmp_path, monkeypatch, limit):
    if limit == "group":
        monkeypatch.setattr(examine, "QUICK_S", -1.0)  # never grows
    else:
        monkeypatch.setattr(examine, "MAX_PIXELS", 2 * 1024)
    items = [Item(str(value), file=str(save_grey(tmp_path / f"{value}.png", value))) for value in range(9)]
    groups = [[json.loads(row.line)["path"] for row in rows] for rows in examiner.examine(items)]
    assert [path for group in groups for path in group] == [str(value) for value in range(9)]
    assert max(map(len, groups)) == (1 if limit == "group" else 2)


def test_groups_grow_while_checks_are_quick_and_shrink_when_slow(examiner, tmp_path, monkeypatch):
    items = [Item(str(value), file=str(save_grey(tmp_path / f"{value}.png", value))) for value in range(15)]
    assert [len(rows) for rows in examiner.examine(items)] == [1, 2, 4, 8]
    monkeypatch.setattr(examine, "QUICK_S", -1.0)
    monkeypatch.setattr(examine, "SLOW_S", 0.0)
    assert [len(rows) for rows in examiner.examine(items)] == [15]
    assert [len(rows) for rows in examiner.examine(items)] == [8, 4, 2, 1]


def test_it_says_that_it_is_alive_before_each_step(examiner, tmp_path):
    beats = []
    items = [Item(str(value), file=str(save_grey(tmp_path / f"{value}.png", value))) for value in range(3)]
    list(examiner.examine(items, lambda: beats.append(1)))
    assert len(beats) == 3 + 2


def test_what_cannot_work_fails_at_once(toy, tmp_path):
    with pytest.raises(DetectorError):
        Examiner(Settings(("no-such-detector",)))
    with pytest.raises(UsageError):
        Examiner(Settings((toy,), budget=0.123))
    with pytest.raises(UsageError):
        Examiner(Settings((), policy="no-such-policy"))
    with pytest.raises(UsageError):
        Examiner(Settings((), limits={"max_pixels": -1}))


def test_no_detectors_is_no_verdict(pictures):
    (record,) = records(Examiner(Settings(())), [Item("x", file=str(pictures / "a-fake.png"))])
    assert (record["verdict"], record["why"], record["detectors"]) == ("unsure", ["no_sign"], [])


def test_text_that_no_utf8_holds_stays_an_escape(pictures):
    row = next(Examiner(Settings(())).examine([Item("odd \udcff \x1b", data=b"x")]))[0]
    assert json.loads(row.line)["path"] == "odd \udcff \x1b"
    assert b"\\udcff" in row.line
    assert b"\\u001b" in row.line
