"""The crew of decoding processes, and packs that are really killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from doctored.data import decoding
from doctored.data.decoding import Chunk, decode_chunks
from doctored.data.members import MemberStore
from doctored.data.pack import pack
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.errors import DataError
from doctored.picture import Preprocess, decode

EXACT = Preprocess.exact(32)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def cut(store, rows_at_once):
    places = list(store.members.values())
    for start in range(0, len(places), rows_at_once):
        part = places[start : start + rows_at_once]
        yield Chunk(store.source, tuple(range(start, start + len(part))), tuple(part), (None,) * len(part))


def test_every_row_comes_back_once(tmp_path):
    with MemberStore(make_toy(tmp_path / "toy.tar", n=50, archive="tar")) as store:
        decoded = list(decode_chunks(cut(store, 3), EXACT, workers=2))
        assert sorted(index for part in decoded for index in part.indices) == list(range(51))
        names = list(store.members)
        for part in decoded:
            for index, result, pixels in zip(part.indices, part.results, part.pixels, strict=True):
                if names[index] == "planted.json":
                    assert result["error"]["code"] == "not_a_picture"
                    assert not pixels.any()
                else:
                    picture = decode(store.read(names[index]))
                    assert result["sha256"] == picture.sha256
                    np.testing.assert_array_equal(pixels, picture.pixels)


@pytest.fixture
def crashing(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(decoding, "WORKER", "crashing_decoder")
    monkeypatch.setattr(decoding, "TIME_S", 3.0)


def test_a_picture_that_kills_its_decoder_costs_one_row(tmp_path, crashing):
    root = make_toy(tmp_path / "toy", n=16, layout="folders")
    (root / "fake" / "00003.jpg").rename(root / "fake" / "crash.jpg")
    (root / "real" / "00004.jpg").rename(root / "real" / "hang.jpg")
    made = pack(read_dataset(root), EXACT, tmp_path / "pack", workers=2)
    lines = (tmp_path / "pack" / "broken.jsonl").read_text("utf-8").splitlines()
    told = {line["id"]: line for line in map(json.loads, lines)}
    assert {name: line["code"] for name, line in told.items()} == {
        "fake/crash.jpg": "unreadable",
        "real/hang.jpg": "timed_out",
    }
    assert len(made.pixels) == 14
    with MemberStore(root) as store:
        for pixels, row in zip(made.pixels, made.manifest.rows(), strict=True):
            np.testing.assert_array_equal(pixels, decode(store.read(row.member)).pixels)


def test_a_decoder_that_cannot_start_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "WORKER", "doctored.no_such_module")
    with pytest.raises(DataError, match=r"no decoding process can start .*No module named"):
        pack(read_dataset(make_toy(tmp_path / "toy")), EXACT, tmp_path / "pack", workers=1)


PACK = """
import sys
from doctored.data import pack as module
from doctored.data.readers import read_dataset
from doctored.picture import Preprocess
module._MAX_CHUNK_ROWS = 1
show = lambda done, total: print(done, flush=True)
module.pack(read_dataset(sys.argv[1]), Preprocess.exact(32), sys.argv[2], workers=1, progress=show)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_kill_9_at_random_moments(tmp_path):
    source = make_toy(tmp_path / "toy.zip", n=300, archive="zip")
    manifest = read_dataset(source)
    whole = contents(pack(manifest, EXACT, tmp_path / "whole", workers=1).path)
    chance = random.Random(11)
    out = tmp_path / "pack"
    command = [sys.executable, "-c", PACK, str(source), str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for moment in sorted(chance.sample(range(300), 4)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            for line in process.stdout:
                if int(line) >= moment:
                    break
            time.sleep(chance.uniform(0.0, 0.01))
            process.send_signal(signal.SIGKILL)
    counted = []
    pack(manifest, EXACT, out, workers=1, progress=lambda done, total: counted.append(done))
    assert counted[0] >= moment
    assert contents(out) == whole
