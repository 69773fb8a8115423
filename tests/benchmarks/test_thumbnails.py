"""Which photos are trained on and which are measured on; how thumbnails and outsiders are made."""

import zipfile

import numpy as np
import pytest

from benchmarks import domain_thumbnails, make_thumbnails
from benchmarks.outsiders import KINDS, make_outsiders
from benchmarks.thumbnails import FILTERS, GENERATED, HELD_OUT, QUALITY, TRAINING, middle, reduce
from doctored.data.manifest import Manifest
from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.picture import decode, encode_jpeg, encode_png
from doctored.picture.jpeg_history.tables import standard_table
from toy_detectors import build_toy_detector


def write_photos(folder, origins, count=3):
    random = np.random.default_rng(0)
    for origin in origins:
        with zipfile.ZipFile(folder / f"{origin.name}.zip", "w") as archive:
            for index in range(count):
                pixels = random.integers(0, 256, (90, 120, 3), dtype=np.uint8)
                archive.writestr(f"{origin.only}{index}.jpg", encode_jpeg(pixels, 90))
            archive.writestr(f"small-{origin.only}.png", encode_png(np.zeros((20, 20, 3), np.uint8)))
            archive.writestr("notes.txt", "no picture")


def test_no_origin_is_trained_on_and_measured_on():
    def names(origins):
        return {origin.name for origin in origins} | {origin.repository.lower() for origin in origins}

    learnt = names(TRAINING + GENERATED)
    assert learnt & names(HELD_OUT) == set()
    assert len({origin.name for origin in TRAINING + GENERATED}) == len(TRAINING + GENERATED)
    assert len({(origin.repository, origin.path) for origin in TRAINING + GENERATED}) == len(
        TRAINING + GENERATED
    )


def test_a_photo_is_reduced_by_pillows_filters():
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    square = middle(pixels)
    np.testing.assert_array_equal(square, pixels[:, 8:72])
    for name in FILTERS:
        resampling = getattr(Image.Resampling, "BOX" if name == "area" else name.upper())
        expected = np.asarray(Image.fromarray(square).resize((32, 32), resampling))
        np.testing.assert_array_equal(reduce(square, name), expected)


def test_the_training_set_joins_cifake(tmp_path):
    origins = TRAINING + GENERATED
    write_photos(tmp_path, origins)
    cifake = make_toy(tmp_path / "cifake.zip", n=40, archive="zip")
    out = tmp_path / "thumbnails"
    words = ["--photos", str(tmp_path), "--data", str(cifake), "--out", str(out), "--crops", "4"]
    words += ["--whole", "2"]
    make_thumbnails.main(words)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(first) == {f"{origin.name}.zip" for origin in origins}
    manifest = Manifest.from_csv(tmp_path / "cifake-and-thumbnails.csv")
    rows = [row for row in manifest.rows() if row.id.startswith("thumbnails/")]
    assert len(rows) == len(origins) * 3 * 6
    assert len(manifest) == 40 + len(rows)
    assert manifest.metadata.reader is None
    labels = {origin.name: "real" for origin in TRAINING} | {origin.name: "fake" for origin in GENERATED}
    assert {(row.group.split("/")[0], row.label) for row in rows} == set(labels.items())
    assert {row.split for row in rows} == {"train"}
    assert len({row.group for row in rows}) == len(origins) * 3
    make_thumbnails.main(words)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_the_first_squares_do_not_depend_on_how_many_follow():
    # who makes more of the same photos later has the earlier ones among them
    pixels = np.random.default_rng(2).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    few, more = (
        [
            square.tobytes()
            for square in make_thumbnails.cut_squares(pixels, 4, whole, np.random.default_rng(3))
        ]
        for whole in (0, 3)
    )
    assert more[:4] == few
    *_, last = make_thumbnails.cut_squares(pixels, 4, 3, np.random.default_rng(3))
    assert last.shape == (70, 70, 3)


@pytest.mark.parametrize("origins", [TRAINING, GENERATED])
def test_thumbnails_of_both_classes_are_saved_as_cifakes_or_not_at_all(tmp_path, origins):
    write_photos(tmp_path, origins)
    made = [data for _, _, data in make_thumbnails.make(tmp_path, origins[0], 40, 3, seed=0)]
    pictures = [decode(data) for data in made]
    assert {(picture.width, picture.height) for picture in pictures} == {(32, 32)}
    saved = [picture.container().jpeg for picture in pictures if picture.format == "JPEG"]
    assert all(jpeg.tables[0] == standard_table(QUALITY) for jpeg in saved)
    assert {picture.format for picture in pictures} == {"JPEG", "PNG"}
    assert 0.35 < len(saved) / len(made) < 0.65


def test_the_benchmark_counts_what_is_called_fake(tmp_path, capsys):
    write_photos(tmp_path, HELD_OUT)
    first, second = (tmp_path / f"{origin.name}.zip" for origin in HELD_OUT[:2])
    with zipfile.ZipFile(first) as archive, zipfile.ZipFile(second, "a") as other:
        photo = archive.read("0.jpg")
        other.writestr("copy.jpg", photo)
        other.writestr(f"{HELD_OUT[1].without[0]}.jpg", encode_jpeg(np.zeros((90, 90, 3), np.uint8), 90))
    gathered = domain_thumbnails.gather(tmp_path)
    assert list(gathered) == list(FILTERS)
    assert {views.shape for views in gathered.values()} == {(3 * len(HELD_OUT), 32, 32, 3)}
    levels = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (20, 130, 250)])
    with open_detector(build_toy_detector(tmp_path / "toy.onnx")) as detector:
        figures = domain_thumbnails.measure(detector, dict.fromkeys(FILTERS, levels))
    assert figures[""].value == pytest.approx(2 / 3)  # above grey is fake to the toy
    assert figures[".abstaining"].value == pytest.approx(1 / 3)
    assert figures[".unsure"].value == pytest.approx(1 / 3)
    assert figures[".forced.area"].n == 3


@pytest.mark.parametrize("kind", KINDS)
def test_outsiders_are_many_seeded_and_of_their_kind(kind):
    made = make_outsiders(kind, 12)
    assert made.shape == (12, 32, 32, 3)
    np.testing.assert_array_equal(made, make_outsiders(kind, 12))
    assert len({view.tobytes() for view in made}) == 12
    if kind == "flat":
        assert all(np.ptp(view.reshape(-1, 3), axis=0).max() <= 2 for view in made)
    else:
        assert all(np.ptp(view) > 8 for view in made)
