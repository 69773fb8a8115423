import numpy as np
import pytest

from doctored.data.manifest import Row, from_rows
from doctored.data.pack import pack
from doctored.data.readers import read_dataset
from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.evaluate import evaluate
from doctored.measure.summary import summarise
from doctored.picture import Preprocess, encode_jpeg, encode_png
from toy_detectors import build_toy_detector


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "toy.onnx"
    with open_detector(build_toy_detector(path, preprocess=Preprocess.resize(32))) as opened:
        yield opened


@pytest.fixture
def varied(tmp_path):
    """Fakes of two generators, as PNG or JPEG, small or large; and one copy within."""
    draw, rows = np.random.default_rng(0), []
    for index in range(24):
        side, is_fake = (32, 300)[index % 3 == 0], index % 2 == 1
        pixels = draw.integers(0, 256, (side, side, 3), np.uint8) // (1 if is_fake else 2)
        encode, end = (encode_png, "png") if index % 4 < 2 else (encode_jpeg, "jpg")
        (tmp_path / f"{index}.{end}").write_bytes(encode(pixels))
        rows.append(
            Row(
                str(index),
                source=str(tmp_path),
                member=f"{index}.{end}",
                label="fake" if is_fake else "real",
                kind="generated" if is_fake else None,
                generator=("gan", "diffusion")[index % 3 == 0] if is_fake else None,
            )
        )
    return from_rows([*rows, Row("copy", source=str(tmp_path), member="0.png", label="real")])


def test_every_part_has_the_figures_of_its_rows(detector, varied):
    evaluation = evaluate(detector, varied)
    judged = evaluation.judgements
    slices = evaluation.to_json()["slices"]
    assert set(slices) == {"label", "generator", "format", "size"}  # one kind, no subject: they part nothing
    formats = np.array([seen.format for seen in judged.facts])
    for part in slices["format"]:
        rows = formats == part["value"]
        expected = summarise(judged.labels[rows], judged.logits[rows])
        assert part["figures"]["accuracy"] == expected["accuracy"].to_json()
        assert part["real"] + part["fake"] == rows.sum()
    assert {part["value"] for part in slices["size"]} == {"up to 64", "257 to 512"}
    assert [part["value"] for part in slices["size"]] == ["up to 64", "257 to 512"]


def test_a_generator_stands_against_all_reals(detector, varied):
    evaluation = evaluate(detector, varied)
    parts = {part["value"]: part for part in evaluation.to_json()["slices"]["generator"]}
    assert set(parts) == {"gan", "diffusion"}
    assert {part["real"] for part in parts.values()} == {13}
    assert sum(part["fake"] for part in parts.values()) == 12
    assert parts["gan"]["figures"]["roc_auc"]["n"] == 13 + parts["gan"]["fake"]


def test_a_class_alone_has_its_recall_and_no_auc(detector, varied):
    parts = {part["value"]: part for part in evaluate(detector, varied).to_json()["slices"]["label"]}
    assert "roc_auc" not in parts["real"]["figures"]
    assert parts["real"]["figures"]["recall_real"]["n"] == 13
    assert parts["fake"]["outcome"]["real_called_fake"]["n"] == 0


def test_rare_values_are_told_together(detector, tmp_path):
    (tmp_path / "grey.png").write_bytes(encode_png(np.full((32, 32, 3), 90, np.uint8)))
    rows = [
        Row(
            str(index),
            source=str(tmp_path),
            member="grey.png",
            label="real",
            subject=f"s{min(index, 44 - index)}",
        )
        for index in range(90)
    ]
    rows += [
        Row(f"x{i}", source=str(tmp_path), member="grey.png", label="real", subject=f"t{i}")
        for i in range(30)
    ]
    parts = evaluate(detector, from_rows(rows)).to_json()["slices"]["subject"]
    assert len(parts) == 41
    assert parts[-1]["value"] == "others"
    assert sum(part["real"] for part in parts) == 120


def test_copies_within_are_left_out_once_more(detector, varied):
    found = evaluate(detector, varied).duplicates
    assert (found.within, found.in_training, found.n) == (1, None, 24)
    assert "no other train" in found.note
    assert found.figures["accuracy"].n == 24


def test_copies_in_training_are_found_where_pixels_are_known(tmp_path):
    data = make_toy(tmp_path / "toy.zip", n=60, archive="zip")
    detector = build_toy_detector(tmp_path / "toy.onnx")
    assert "give its pack" in evaluate(detector, data).duplicates.note
    packed = pack(read_dataset(data), Preprocess.exact(32), tmp_path / "pack", workers=1)
    clean = evaluate(detector, packed).duplicates
    assert (clean.within, clean.in_training, clean.note, clean.figures) == (0, 0, "", None)
    manifest = packed.manifest
    digests, splits = list(manifest.column("pixels_sha256")), manifest.column("split")
    learnt = digests[splits.index("train")]
    leaky = [learnt if split == "test" and digest == digests[splits.index("test")] else digest
             for digest, split in zip(digests, splits, strict=True)]  # fmt: skip
    found = evaluate(detector, manifest.with_columns(pixels_sha256=leaky)).duplicates
    assert (found.in_training, found.n) == (1, splits.count("test") - 1)
