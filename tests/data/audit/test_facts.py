"""What one pass tells of each picture, held against plain ways of finding out."""

import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from doctored.data.audit.channels import measure_channels
from doctored.data.audit.facts import collect_facts
from doctored.data.audit.file_facts import estimate_quality
from doctored.data.audit.perceptual import hash_pictures
from doctored.data.audit.pixel_statistics import NAMES, measure_pixels
from doctored.data.manifest import Row, from_rows
from doctored.data.toy import draw_picture
from doctored.errors import DataError


def encoded(pixels, image_format="JPEG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, image_format, **options)
    return stream.getvalue()


def write(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2021, 2, 3, 4, 5, 6)), data)
    return path


@pytest.fixture
def picture():
    return lambda seed, side=32: draw_picture(np.random.default_rng(seed), side)


def listing(path, names, **columns):
    rows = [Row(id=name, source=str(path), member=name, label="fake") for name in names]
    return from_rows(rows).with_columns(**columns) if columns else from_rows(rows)


def test_a_record_tells_what_pillow_and_hashlib_tell(tmp_path, picture):
    exif = Image.Exif()
    exif[271] = "maker"
    members = {
        "a.jpg": encoded(picture(1), quality=75),
        "b.JPG": encoded(picture(2, 48), quality=90, subsampling=0, exif=exif),
        "c.png": encoded(picture(3)[:20, :, 0], "PNG"),
    }
    facts = collect_facts(listing(write(tmp_path / "s.zip", members), members))
    for row, (name, data) in enumerate(members.items()):
        image = Image.open(io.BytesIO(data))
        record = facts.records[row]
        assert (record["width"], record["height"]) == image.size
        assert record["file_bytes"] == len(data)
        assert bytes(record["file_digest"]) == hashlib.sha256(data).digest()
        assert facts.words["format"].names[record["format"]] == image.format
        assert facts.words["mode"].names[record["mode"]] == image.mode
        assert facts.words["extension"].names[facts.words["extension"].codes[row]] == "." + name[2:]
    assert facts.records["quality"][:2].tolist() == [75, 90]
    assert np.isnan(facts.records["quality"][2])
    assert facts.records["has_exif"].tolist() == [False, True, False]
    names = facts.words["subsampling"].names
    assert [names[code] for code in facts.records["subsampling"]] == ["4:2:0", "4:4:4", ""]
    assert len(set(facts.records["tables"].tolist())) == 3
    assert len(set(facts.modified.tolist())) == 1
    assert facts.modified[0] > 0


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95, 100])
def test_the_quality_is_the_one_it_was_saved_with(quality, picture):
    table = Image.open(io.BytesIO(encoded(picture(1), quality=quality))).quantization[0]
    assert estimate_quality(sum(table)) == quality


def test_sums_are_exact(tmp_path, picture):
    members = {f"{seed}.png": encoded(picture(seed, 20 + seed), "PNG") for seed in range(8)}
    manifest = listing(write(tmp_path / "s.zip", members), members, split=["train"] * 4 + ["test"] * 4)
    parts = measure_channels(collect_facts(manifest)).parts
    assert set(parts) == {"all", "train", "test", "fake"}
    for name, seeds in (("all", range(8)), ("train", range(4)), ("test", range(4, 8))):
        pixels = np.concatenate([picture(seed, 20 + seed).reshape(-1, 3) for seed in seeds])
        values = pixels.astype(np.float64) / 255
        np.testing.assert_allclose(parts[name].mean, values.mean(axis=0), rtol=0, atol=1e-12)
        np.testing.assert_allclose(parts[name].deviation, values.std(axis=0), rtol=0, atol=1e-12)
        assert parts[name].pixels == len(pixels)


def test_what_cannot_be_read_is_told_and_not_fatal(tmp_path, picture):
    members = {"a.jpg": encoded(picture(1)), "b.jpg": b"no picture", "c.jpg": encoded(picture(2))[:200]}
    manifest = listing(write(tmp_path / "s.zip", members), [*members, "gone.jpg"])
    facts = collect_facts(manifest)
    assert {row: problem["code"] for row, problem in facts.problems.items()} == {
        1: "not_a_picture",
        2: "truncated",
        3: "unreadable",
    }
    assert facts.is_usable.tolist() == [True, False, False, False]
    assert not facts.records[1:]["width"].any()
    with pytest.raises(DataError, match="not one picture can be read"):
        collect_facts(manifest.select([1, 2]))


def test_digests_are_those_of_a_pack(tmp_path, picture):
    from doctored.data.decoding_worker import digest_pixels

    members = {"a.png": encoded(picture(1, 40), "PNG")}
    manifest = listing(write(tmp_path / "s.zip", members), members, box=[(4, 8, 20, 16)])
    row = collect_facts(manifest).with_digests().row(0)
    crop = picture(1, 40)[8:24, 4:24]
    assert row.pixels_sha256 == digest_pixels(crop).hex()
    assert (row.width, row.height, row.format) == (20, 16, "PNG")


def test_hashes_stay_near_under_compression_and_part_strangers(picture):
    large = [picture(seed, 128) for seed in range(30)]
    again = [np.asarray(Image.open(io.BytesIO(encoded(one, quality=50)))) for one in large]

    def small(pictures):
        return np.stack(
            [np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BOX)) for one in pictures]
        )

    first, is_plain = hash_pictures(small(large))
    second, _ = hash_pictures(small(again))
    assert not is_plain.any()
    assert np.bitwise_count(first ^ second).mean() < 8
    assert np.bitwise_count(first ^ np.roll(second, 1)).mean() > 20
    assert hash_pictures(np.full((1, 32, 32, 3), 90, np.uint8))[1].all()


def test_statistics_do_not_depend_on_what_else_is_in_the_batch(picture):
    batch = np.stack([picture(seed, 40) for seed in range(70)])
    together = measure_pixels(batch)
    assert together.shape == (70, len(NAMES))
    assert np.isfinite(together).all()
    for row in (0, 33, 69):
        np.testing.assert_allclose(
            together[row], measure_pixels(batch[row : row + 1])[0], rtol=1e-3, atol=1e-3
        )
    assert np.isnan(measure_pixels(batch[:2, :10])).all()
    assert np.isfinite(measure_pixels(np.zeros((1, 32, 32, 3), np.uint8))).all()


def test_statistics_see_blocks_noise_and_saturation(picture):
    plain = np.repeat(draw_picture(np.random.default_rng(3), 64)[..., :1], 3, axis=2)
    jpeg = np.asarray(Image.open(io.BytesIO(encoded(plain, quality=10))).convert("RGB"))
    random = np.random.default_rng(0)
    noisy = np.clip(plain + random.normal(0, 12, plain.shape), 0, 255).astype(np.uint8)
    told = dict(zip(NAMES, measure_pixels(np.stack([plain, jpeg, noisy])).T, strict=True))
    assert told["blockiness_8"][1] > told["blockiness_8"][0] + 0.3
    assert told["noise"][2] > told["noise"][0] + 3
    assert told["residual"][2] > told["residual"][0]
    assert told["saturation"][0] < 1e-3
    np.testing.assert_allclose(told["mean_red"], [p[..., 0].mean() for p in (plain, jpeg, noisy)], rtol=1e-4)
    np.testing.assert_allclose(
        told["deviation_red"], [p[..., 0].std() for p in (plain, jpeg, noisy)], rtol=1e-3
    )
