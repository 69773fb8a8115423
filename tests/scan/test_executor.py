import json
import time

import pytest

from doctored.errors import DetectorError, DoctoredError, UsageError
from doctored.scan import executor as executors
from doctored.scan.executor import LocalExecutor
from doctored.scan.items import Batch, Item, ItemError
from doctored.scan.pipeline import scan_items
from doctored.scan.settings import Settings
from doctored.scan.start import start_worker
from toy_pictures import save_grey

FRAGILE = "fragile_worker"
QUICK = Settings((), limits={"time_s": 1.5})


@pytest.fixture
def batch_of(tmp_path):
    """Makes files of these names (their bytes differ) and a batch of them."""

    def make(*names, number=0):
        items = [
            Item(name, file=str(save_grey(tmp_path / name, 10 * place + number)))
            for place, name in enumerate(names)
        ]
        return Batch(number, items)

    return make


def outcome(rows):
    records = [json.loads(row.line) for row in rows]
    assert [row.label for row in rows] == [record["verdict"] for record in records]
    assert [row.is_broken for row in rows] == [record["error"] is not None for record in records]
    return [(record["path"], record["error"] and record["error"]["code"]) for record in records]


def work(batches, settings=QUICK, workers=2, **more):
    executor = LocalExecutor(workers, module=FRAGILE, **more)
    return {number: outcome(rows) for number, rows in executor.map_unordered(settings, batches)}


def test_every_batch_comes_back_with_its_rows_in_order(batch_of):
    batches = [
        batch_of(*(f"{number}-{place}.png" for place in range(3)), number=number) for number in range(5)
    ]
    done = work(batches)
    assert done == {batch.number: [(item.path, None) for item in batch.items] for batch in batches}


def test_no_batches_start_no_worker(monkeypatch):
    monkeypatch.setattr(executors, "start_worker", lambda module: pytest.fail("a worker was started"))
    assert work([]) == {}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("hang", "timed_out"),
        ("crash", "unreadable"),
        ("checkhang", "timed_out"),
        ("checkcrash", "unreadable"),
    ],
)
def test_one_bad_picture_costs_one_row(batch_of, bad, code):
    names = ("a.png", f"{bad}.png", "b.png", "c.png")
    batches = [batch_of(*names), batch_of("d.png", "e.png", number=1)]
    done = work(batches, workers=1)
    assert done[0] == [("a.png", None), (f"{bad}.png", code), ("b.png", None), ("c.png", None)]
    assert done[1] == [("d.png", None), ("e.png", None)]


def test_several_bad_pictures_cost_their_own_rows(batch_of):
    done = work([batch_of("crash1.png", "a.png", "crash2.png", "hang.png"), batch_of("crash3.png", number=1)])
    assert [code for _, code in done[0]] == ["unreadable", None, "unreadable", "timed_out"]
    assert done[1] == [("crash3.png", "unreadable")]


def test_what_crashes_only_among_others_is_examined_alone(batch_of):
    done = work([batch_of("a.png", "b.png", "c.png", "allcrash.png", "d.png")])
    assert [code for _, code in done[0]] == [None] * 5


def test_a_slow_batch_is_not_taken_for_one_that_hangs(batch_of):
    batch = batch_of(*(f"slow{place}.png" for place in range(8)))
    began = time.monotonic()
    assert [code for _, code in work([batch], workers=1)[0]] == [None] * 8
    assert time.monotonic() - began > QUICK.time_s


def test_an_item_with_an_error_is_a_row(batch_of):
    batch = Batch(
        0, [Item("x", error=ItemError("too_large", "too large; take another")), *batch_of("a.png").items]
    )
    assert work([batch])[0] == [("x", "too_large"), ("a.png", None)]


def test_a_row_for_what_took_too_long_has_all_the_time(batch_of):
    hasty = Settings((), limits={"time_s": 0.1})
    assert work([batch_of("hang.png")], hasty)[0] == [("hang.png", "timed_out")]


def test_a_warm_worker_is_used_and_ended(batch_of):
    warm = start_worker(FRAGILE)
    assert work([batch_of("a.png")], workers=1, warm=warm)[0] == [("a.png", None)]
    assert not warm.is_alive


def test_a_warm_worker_that_is_not_needed_is_ended():
    warm = start_worker(FRAGILE)
    assert work([], warm=warm) == {}
    assert not warm.is_alive


def test_a_second_worker_starts_when_the_first_is_busy(batch_of, monkeypatch):
    started = []

    def start(module):
        started.append(start_worker(module))
        return started[-1]

    monkeypatch.setattr(executors, "start_worker", start)
    work([batch_of("a.png"), batch_of("b.png", number=1)], workers=3)
    assert len(started) == 1
    work([batch_of(f"slow{number}.png", number=number) for number in range(12)], workers=3)
    assert 1 + 2 <= len(started) <= 1 + 3
    assert not any(child.is_alive for child in started)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (Settings(("no-such-detector",)), DetectorError),
        (Settings((), limits={"max_pixels": -1}), UsageError),
    ],
)
def test_settings_that_cannot_work_are_an_error_of_their_kind(batch_of, settings, error):
    with pytest.raises(error, match=r"[;:] "):
        work([batch_of("a.png")], settings)


def test_a_worker_that_cannot_start_is_one_clear_error(batch_of):
    executor = LocalExecutor(1, module="no_such_worker_module")
    with pytest.raises(DoctoredError, match=r"could not start .*check-up"):
        list(executor.map_unordered(QUICK, [batch_of("a.png")]))


def test_batches_are_taken_only_as_they_are_needed(batch_of, monkeypatch):
    monkeypatch.setattr(executors, "WINDOW", 2)
    taken, ahead = [], []

    def batches():
        for number in range(20):
            taken.append(number)
            yield batch_of("slow.png" if number == 0 else "a.png", number=number)

    finished = set()
    for number, _ in LocalExecutor(2, module=FRAGILE).map_unordered(QUICK, batches()):
        finished.add(number)
        oldest = next(place for place in range(21) if place not in finished)
        ahead.append(len(taken) - oldest)
    assert finished == set(range(20))
    assert max(ahead) <= 2 * 2 + 2


def test_rows_are_brought_into_order_and_closing_ends_the_workers(batch_of):
    class Shuffled:
        closed = False

        def map_unordered(self, settings, batches):
            try:
                done = [(batch.number, [item.path for item in batch.items]) for batch in batches]
                yield from done[::-1]
            finally:
                self.closed = True

    executor = Shuffled()
    items = [Item(str(place), data=b"") for place in range(200)]
    rows = scan_items(items, QUICK, executor)
    assert next(rows) == "0"
    assert list(rows) == [str(place) for place in range(1, 200)]
    assert executor.closed
    executor = Shuffled()
    rows = scan_items(items, QUICK, executor)
    next(rows)
    rows.close()
    assert executor.closed
