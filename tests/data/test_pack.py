import hashlib
import io
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from doctored.data import pack as pack_module
from doctored.data.decoding import Decoded
from doctored.data.decoding_worker import handle
from doctored.data.manifest import Manifest
from doctored.data.members import MemberStore
from doctored.data.pack import Pack, pack, request_digest
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.errors import DataError, UsageError
from doctored.picture import Preprocess, decode

EXACT = Preprocess.exact(32)
FILES = ["broken.jsonl", "manifest.csv", "pack.json", "pixels.npy"]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pack_module, "_MAX_CHUNK_ROWS", 4)


@pytest.fixture(autouse=True)
def decoding_here(monkeypatch):
    """Starting processes takes longer than these tests: the worker's own function is called in this one.
    What the processes add is tested in test_decoding.py."""

    def decode_here(chunks, preprocess, workers, equalisation):
        for chunk in chunks:
            answers = []
            rows = [list(row) for row in zip(chunk.places, chunk.boxes, strict=True)]
            request = {"source": chunk.source, "preprocess": preprocess.to_json(), "rows": rows}
            request["equalisation"] = equalisation
            handle(request, [], lambda *frame, answers=answers: answers.append(frame))
            ((header, (pixels,)),) = answers
            shape = (len(rows), preprocess.size, preprocess.size, 3)
            yield Decoded(chunk.indices, header["results"], np.frombuffer(pixels, np.uint8).reshape(shape))

    monkeypatch.setattr(pack_module, "decode_chunks", decode_here)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    return make_toy(tmp_path_factory.mktemp("toy") / "toy.zip", n=30, archive="zip", seed=5)


@pytest.fixture
def damaged(tmp_path):
    """A folder of 12 pictures, two of them broken."""
    root = make_toy(tmp_path / "damaged", n=12, layout="folders")
    (root / "real" / "00001.jpg").write_bytes((root / "real" / "00001.jpg").read_bytes()[:300])
    (root / "fake" / "00005.jpg").write_bytes(b"no picture")
    return root


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("preprocess", [EXACT, Preprocess.resize(24), Preprocess.center(20)])
@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_pixels_and_columns_are_the_decoders(tmp_path, toy, form, preprocess):
    source = toy
    if form == "tar.gz":
        shutil.unpack_archive(toy, tmp_path / "files")
        source = shutil.make_archive(str(tmp_path / "toy"), "gztar", tmp_path / "files")
    calls = []
    manifest = read_dataset(source)
    made = pack(manifest, preprocess, tmp_path / "pack", progress=lambda *call: calls.append(call))
    assert made.pixels.shape == (30, preprocess.size, preprocess.size, 3)
    assert not made.pixels.flags.writeable
    assert made.manifest.column("id") == manifest.column("id")
    with MemberStore(source) as store:
        for pixels, row in zip(made.pixels, made.manifest.rows(), strict=True):
            picture = decode(store.read(row.member))
            np.testing.assert_array_equal(pixels, preprocess.apply(picture.pixels)[0])
            assert (row.sha256, row.width, row.height) == (picture.sha256, 32, 32)
            assert (row.format, row.bytes) == ("JPEG", len(picture.bytes))
            assert row.pixels_sha256 == hashlib.sha256(b"32x32\n" + picture.pixels.tobytes()).hexdigest()
    assert sorted(contents(tmp_path / "pack")) == FILES
    assert calls[0] == (0, 30)
    assert calls[-1] == (30, 30)
    assert made.info["manifest"] == made.manifest.digest()


def test_equal_pixels_have_equal_digests_whatever_the_file(tmp_path):
    (tmp_path / "real").mkdir()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    image.save(tmp_path / "real" / "a.png")
    image.save(tmp_path / "real" / "b.bmp")
    image.rotate(90).save(tmp_path / "real" / "c.png")
    made = pack(read_dataset(tmp_path), EXACT, tmp_path / "pack")
    a, b, c = made.manifest.column("pixels_sha256")
    assert a == b != c
    assert len(set(made.manifest.column("sha256"))) == 3


def test_broken_pictures_are_left_out_and_told(tmp_path, damaged):
    manifest = read_dataset(damaged)
    odd = manifest.select([0, 2, 3]).with_columns(
        id=["no such member", "outside", "another size"],
        member=["real/none.jpg", "real/00002.jpg", "real/00003.jpg"],
        box=[None, (20, 20, 13, 5), (0, 0, 31, 32)],
    )
    columns = {name: [*manifest.column(name), *odd.column(name)] for name in manifest.columns}
    made = pack(Manifest(columns), EXACT, tmp_path / "pack")
    lines = (tmp_path / "pack" / "broken.jsonl").read_text("utf-8").splitlines()
    told = {line["id"]: line for line in map(json.loads, lines)}
    assert set(told) == {"real/00001.jpg", "fake/00005.jpg", "no such member", "outside", "another size"}
    assert told["fake/00005.jpg"]["code"] == "not_a_picture"
    assert told["real/00001.jpg"]["code"] == "truncated"
    assert "reaches out of a picture of 32×32" in told["outside"]["message"]
    assert made.info["broken"] == 5
    assert made.info["rows"] == len(made.manifest) == len(made.pixels) == 10
    assert sorted(contents(tmp_path / "pack")) == FILES
    with MemberStore(damaged) as store:
        for pixels, row in zip(made.pixels, made.manifest.rows(), strict=True):
            np.testing.assert_array_equal(pixels, decode(store.read(row.member)).pixels)


def test_boxes_are_cut_before_anything_else(tmp_path):
    root = make_toy(tmp_path / "toy", n=4, size=64, layout="folders")
    manifest = read_dataset(root)
    boxes = [(0, 0, 32, 32), (5, 7, 32, 32), None, (32, 32, 32, 32)]
    twice = Manifest(
        {
            "id": list("abcd"),
            "source": [str(root)] * 4,
            "member": [manifest.column("member")[0]] * 4,
            "box": boxes,
        }
    )
    made = pack(twice, Preprocess.resize(32, "nearest"), tmp_path / "pack")
    whole = decode(root / manifest.column("member")[0]).pixels
    np.testing.assert_array_equal(made.pixels[0], whole[:32, :32])
    np.testing.assert_array_equal(made.pixels[1], whole[7:39, 5:37])
    assert made.manifest.column("width") == (32, 32, 64, 32)
    assert len(set(made.manifest.column("sha256"))) == 1
    assert len(set(made.manifest.column("pixels_sha256"))) == 4


def test_a_finished_pack_is_opened_not_made_again(tmp_path, toy, monkeypatch):
    manifest = read_dataset(toy)
    first = contents(pack(manifest, EXACT, tmp_path / "pack").path)
    monkeypatch.setattr(pack_module, "decode_chunks", None)
    assert contents(pack(manifest, EXACT, tmp_path / "pack").path) == first


def test_a_pack_knows_what_it_is_of(tmp_path, toy):
    manifest = read_dataset(toy)
    made = pack(manifest, EXACT, tmp_path / "pack")
    assert made.fits(manifest, EXACT)
    assert not made.fits(manifest.select([0, 1]), EXACT)
    assert not made.fits(manifest, Preprocess.center(32))
    other = make_toy(tmp_path / "other.zip", n=30, archive="zip", seed=6)
    columns = {"source": [str(other)] * 30, "bytes": manifest.column("bytes")}
    same_names = manifest.with_columns(**columns)
    assert same_names.digest() == manifest.digest()
    assert not made.fits(same_names, EXACT)
    assert request_digest(same_names, EXACT) != request_digest(manifest, EXACT)
    moved = shutil.copy(toy, tmp_path / "moved.zip")
    assert made.fits(read_dataset(moved), EXACT)
    assert request_digest(read_dataset(moved), EXACT) == request_digest(manifest, EXACT)
    opened = pack(read_dataset(moved), EXACT, made.path)
    assert opened.manifest.column("source") == (str(moved),) * len(manifest)
    assert opened.manifest.digest() == made.manifest.digest()

    with pytest.raises(DataError, match="a pack of something else"):
        pack(same_names, EXACT, tmp_path / "pack")
    remade = pack(same_names, EXACT, tmp_path / "pack", resume=False)
    assert remade.fits(same_names, EXACT)


def test_an_unfinished_pack_of_something_else_is_kept(tmp_path, toy, monkeypatch):
    manifest = read_dataset(toy)
    uninterrupted = interrupt(monkeypatch, after=2)
    with pytest.raises(KeyboardInterrupt):
        pack(manifest, EXACT, tmp_path / "pack")
    uninterrupted()
    with pytest.raises(DataError, match="unfinished pack of something else"):
        pack(manifest, Preprocess.center(32), tmp_path / "pack")
    with pytest.raises(DataError, match="no finished pack"):
        Pack.open(tmp_path / "pack")


def test_rows_are_found_by_id(tmp_path, toy):
    manifest = read_dataset(toy)
    made = pack(manifest, EXACT, tmp_path / "pack")
    assert made.indices(manifest.select([7, 3, 29])).tolist() == [7, 3, 29]
    with pytest.raises(DataError, match="'stranger' is not in the pack"):
        made.indices(Manifest({"id": ["stranger"]}))


def test_what_cannot_be_packed(tmp_path, toy, monkeypatch):
    manifest = read_dataset(toy)
    out = tmp_path / "pack"
    with pytest.raises(UsageError, match="take exact, resize or center"):
        pack(manifest, Preprocess.tiles(16, 16), out)
    with pytest.raises(DataError, match="nothing to pack"):
        pack(manifest.select([]), EXACT, out)
    with pytest.raises(DataError, match="has no source"):
        pack(manifest.with_columns(source=[None] * 30), EXACT, out)
    with pytest.raises(DataError, match="no such folder or archive"):
        pack(manifest.with_columns(source=[str(tmp_path / "gone.zip")] * 30), EXACT, out)
    with pytest.raises(DataError, match="none of 30 pictures can be packed; the first: the picture is 32×32"):
        pack(manifest, Preprocess.exact(31), out)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 1000))
    with pytest.raises(DataError, match="the disk is too full"):
        pack(manifest, EXACT, tmp_path / "other")


@pytest.mark.parametrize("spoil", ["pack.json", "pixels.npy", "manifest.csv"])
def test_a_damaged_pack_is_told(tmp_path, toy, spoil):
    made = pack(read_dataset(toy), EXACT, tmp_path / "pack")
    path = made.path / spoil
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
    with pytest.raises(DataError, match="pack"):
        Pack.open(made.path)


# -------------------------------------------------------------------------------------------------- resuming


def interrupt(monkeypatch, after):
    """Ctrl-C after so many chunks; call what comes back to go on without."""
    keep = pack_module._Unfinished.keep
    left = iter(range(after))

    def keep_or_stop(self, decoded):
        if next(left, None) is None:
            raise KeyboardInterrupt
        keep(self, decoded)

    monkeypatch.setattr(pack_module._Unfinished, "keep", keep_or_stop)
    return lambda: monkeypatch.setattr(pack_module._Unfinished, "keep", keep)


@pytest.mark.parametrize("seed", range(12))
def test_any_state_a_kill_can_leave_is_taken_up(tmp_path, damaged, monkeypatch, seed):
    """A journal cut at any byte, and anything at all in the pixels that it does not tell of."""
    chance = random.Random(seed)
    manifest = read_dataset(damaged)
    whole = contents(pack(manifest, EXACT, tmp_path / "whole").path)
    out = tmp_path / "pack"
    uninterrupted = interrupt(monkeypatch, after=2)
    with pytest.raises(KeyboardInterrupt):
        pack(manifest, EXACT, out)
    uninterrupted()

    journal = out / "journal.jsonl"
    head = journal.read_bytes().index(b"\n") + 1
    os.truncate(journal, chance.randrange(head, journal.stat().st_size + 1))
    told = [json.loads(line)["indices"] for line in journal.read_bytes()[head:].split(b"\n")[:-1]]
    pixels = np.lib.format.open_memmap(out / "decoded.npy", mode="r+")
    untold = sorted(set(range(len(manifest))) - {index for indices in told for index in indices})
    pixels[untold] = chance.randrange(256)
    pixels.flush()

    calls = []
    pack(manifest, EXACT, out, progress=lambda *call: calls.append(call))
    assert calls[0][0] == len(manifest) - len(untold)
    assert contents(out) == whole


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_and_packing_goes_on_afterwards(tmp_path, toy, monkeypatch):
    manifest = read_dataset(toy)
    whole = contents(pack(manifest, EXACT, tmp_path / "whole").path)
    uninterrupted = interrupt(monkeypatch, after=2)
    with pytest.raises(KeyboardInterrupt):
        pack(manifest, EXACT, tmp_path / "pack")
    uninterrupted()

    enter = pack_module._Unfinished.__enter__

    def enter_with_full_disk(self):
        enter(self)._journal.close()
        self._journal = io.FileIO("/dev/full", "ab")
        return self

    monkeypatch.setattr(pack_module._Unfinished, "__enter__", enter_with_full_disk)
    with pytest.raises(DataError, match="the disk is full; free some space"):
        pack(manifest, EXACT, tmp_path / "pack")
    monkeypatch.setattr(pack_module._Unfinished, "__enter__", enter)
    assert contents(pack(manifest, EXACT, tmp_path / "pack").path) == whole


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_kill_while_finishing_is_taken_up(tmp_path, damaged, toy, monkeypatch, is_damaged):
    manifest = read_dataset(damaged if is_damaged else toy)
    whole = contents(pack(manifest, EXACT, tmp_path / "whole").path)
    fsync = os.fsync
    for crash_at in range(1, 20):
        calls = iter(range(crash_at))

        def fsync_or_die(descriptor, calls=calls):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", fsync_or_die)
        out = tmp_path / f"pack {crash_at}"
        try:
            pack(manifest, EXACT, out)
        except KeyboardInterrupt:
            monkeypatch.setattr(os, "fsync", fsync)
            with pytest.raises(DataError, match="no finished pack"):
                Pack.open(out)
            pack(manifest, EXACT, out)
            assert contents(out) == whole
        else:
            break
    assert 4 <= crash_at < 19
