import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.errors import PictureError, PictureErrorCode
from doctored.scan.items import (
    BATCH_BYTES,
    BATCH_ITEMS,
    Item,
    ItemError,
    make_batches,
    read_item,
    shown,
    write_item,
)


@given(st.lists(st.sampled_from([0, 1, BATCH_BYTES // 3, BATCH_BYTES, BATCH_BYTES + 1]), max_size=12))
def test_batches_keep_order_and_bounds(sizes):
    batches = list(
        make_batches(Item(str(place), read=lambda size=size: bytes(size)) for place, size in enumerate(sizes))
    )
    assert [item.path for batch in batches for item in batch.items] == [
        str(place) for place in range(len(sizes))
    ]
    assert [item.size() for batch in batches for item in batch.items] == sizes
    assert [batch.number for batch in batches] == list(range(len(batches)))
    for batch in batches:
        assert len(batch.items) == 1 or sum(len(item.data) for item in batch.items) <= BATCH_BYTES


def test_a_batch_holds_at_most_so_many_items():
    sizes = [
        len(batch.items) for batch in make_batches(Item("x", data=b"") for _ in range(2 * BATCH_ITEMS + 1))
    ]
    assert sizes == [BATCH_ITEMS, BATCH_ITEMS, 1]


def test_files_count_with_their_size(tmp_path):
    path = tmp_path / "large.jpg"
    path.write_bytes(b"")
    os.truncate(path, BATCH_BYTES)
    items = [Item("a", file=str(path)), Item("b", file=str(path)), Item("c", file=str(tmp_path / "none"))]
    assert [len(batch.items) for batch in make_batches(items)] == [1, 2]


def test_bytes_are_read_once_and_only_when_the_batch_is_made():
    reads = []

    def read():
        reads.append(1)
        return b"bytes"

    item = Item("x", read=read)
    batches = make_batches([item])
    assert reads == []
    (loaded,) = next(batches).items
    assert (loaded.loaded().data, loaded.size(), reads) == (b"bytes", 5, [1])


def test_a_read_that_fails_is_the_items_error():
    def read():
        raise PictureError(PictureErrorCode.TOO_LARGE, "too large; take another")

    item = Item("x", read=read).loaded()
    assert item.read is None
    assert item.error == ItemError("too_large", "too large; take another")


@pytest.mark.parametrize(
    "item",
    [
        Item("a", file="a\udcff"),
        Item("b", data=b"123"),
        Item("c", error=ItemError("unreadable", "gone; look")),
    ],
)
def test_items_survive_the_way_to_a_worker(item):
    blobs = [b"another's"]
    header = json.loads(json.dumps(write_item(item, blobs)))
    assert read_item(header, blobs) == item


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("gr\u00fcn \u4e2d.png".encode(), "gr\u00fcn \u4e2d.png"),
        (b"caf\xe9.jpg", "caf\\xe9.jpg"),
        (b"\xff\xfe/x", "\\xff\\xfe/x"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="paths are bytes on POSIX only")
def test_bytes_outside_utf8_are_shown_as_escapes(raw, text):
    assert shown(os.fsdecode(raw)) == text


@given(st.text() | st.binary().map(os.fsdecode))
def test_any_path_is_shown_so_that_utf8_holds_it(path):
    assert len(shown(path).encode()) >= len(path)
    assert shown(shown(path)) == shown(path)
