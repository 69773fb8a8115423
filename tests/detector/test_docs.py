"""docs/detector-file.md says what is true."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from doctored.detector import onnx_file
from doctored.detector.card import MAX_CARD_BYTES
from doctored.detector.foreign import ForeignLimits, ForeignSession
from doctored.detector.outputs import RANKS
from doctored.picture import encode_png
from toy_detectors import build_toy_detector, toy_card, toy_outputs

TEXT = (Path(__file__).parents[2] / "docs" / "detector-file.md").read_text(encoding="utf-8")


def test_the_example_without_doctored_gives_the_probability(tmp_path):
    pixels = np.random.default_rng(6).integers(0, 256, (32, 32, 3), np.uint8)
    build_toy_detector(tmp_path / "detector.onnx")
    (tmp_path / "picture.png").write_bytes(encode_png(pixels))
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1]
    done = subprocess.run(
        [sys.executable, "-c", example + "print(float(probability[0]))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert abs(float(done.stdout) - toy_outputs(pixels[None])["probability"][0]) < 1e-5, done.stderr


def keys_of(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


def test_every_key_and_every_output_is_explained():
    card = json.loads(toy_card(pool="smoothmax", temperature=1.0).to_json())
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", TEXT))))
    authors_own = {"test.accuracy", "fake", "real"}
    assert set(keys_of(card)) - authors_own - named == set()
    assert RANKS.keys() <= named


def test_its_numbers_are_those_of_the_code():
    limits = ForeignLimits()
    assert f"at most {onnx_file.MAX_FILE_BYTES >> 20} MiB" in TEXT
    assert f"at most {MAX_CARD_BYTES >> 20} MiB, under the metadata key" in TEXT
    assert f"more than {onnx_file.MAX_METADATA_BYTES >> 20} MiB of metadata" in TEXT
    assert (
        f"{limits.memory_bytes >> 30} GiB of memory beyond what onnxruntime itself needs, "
        f"{limits.open_s:g} s to open, {limits.run_s:g} s for each {ForeignSession.views_a_run} views" in TEXT
    )
