"""A scan that is killed and resumed gives what one that was never killed gives: no row lost, none doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from doctored.scan.output import OutputFile
from doctored.scan.settings import Settings
from doctored.scan.sinks import Format
from toy_pictures import assert_same_records, save_many

PICTURES = 200


def command(folder, out, toy, *more):
    options = ["--detector", toy, "--workers", "2", "--out", str(out), *more]
    return [sys.executable, "-m", "doctored.cli.main", "scan", str(folder), *options]


def rows(out):
    return [json.loads(line) for line in out.read_bytes().splitlines()]


def run(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command(*arguments), capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    save_many(folder, PICTURES)
    return folder


@pytest.fixture(scope="module")
def whole(folder, toy, tmp_path_factory):
    """The result of a scan that nobody interrupts."""
    out = tmp_path_factory.mktemp("whole") / "whole.jsonl"
    run(folder, out, toy)
    assert len(rows(out)) == PICTURES
    return out


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is for POSIX")
def test_killed_at_random_moments_and_resumed(folder, toy, tmp_path, whole):
    out = tmp_path / "killed.jsonl"
    partial = tmp_path / "killed.jsonl.partial"
    chance = random.Random(11)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    kills = 0
    while not out.exists() and kills < 6:
        scan = command(folder, out, toy, "--resume")
        with subprocess.Popen(scan, stderr=subprocess.PIPE, env=environment) as process:
            before = partial.stat().st_size if partial.exists() else 0
            while process.poll() is None and (not partial.exists() or partial.stat().st_size == before):
                time.sleep(0.001)
            time.sleep(chance.uniform(0.0, 0.05))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
    assert kills > 0
    if not out.exists():
        run(folder, out, toy, "--resume")
    assert_same_records(rows(out), rows(whole))
    assert [path.name for path in tmp_path.iterdir()] == ["killed.jsonl"]


@pytest.mark.parametrize("keep", [0, 1, 150, PICTURES])
def test_cut_anywhere_and_resumed(folder, toy, tmp_path, whole, keep):
    """Like a kill after `keep` rows and a half."""
    out = tmp_path / "cut.jsonl"
    OutputFile(out, Format.JSONL, Settings((toy,)).to_json(), resume=False)._stream.close()
    lines = whole.read_bytes().splitlines(keepends=True)
    torn = lines[keep][:20] if keep < PICTURES else b""
    (tmp_path / "cut.jsonl.partial").write_bytes(b"".join(lines[:keep]) + torn)
    run(folder, out, toy, "--resume")
    assert_same_records(rows(out), rows(whole))
    assert out.read_bytes().startswith(b"".join(lines[:keep]))
