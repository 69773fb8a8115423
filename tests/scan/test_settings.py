import pytest
from PIL import Image

from doctored.picture import Limits
from doctored.scan.pipeline import scan
from doctored.scan.settings import Settings


def test_the_defaults_are_those_of_pictures():
    assert Settings().max_bytes == Limits().max_bytes
    assert Settings().time_s == Limits().time_s
    assert Settings(limits={"max_bytes": 7, "time_s": 0.5}).max_bytes == 7
    assert Settings(limits={"max_bytes": 7, "time_s": 0.5}).time_s == 0.5


def test_settings_survive_the_way_to_a_worker():
    plain = Settings(("a", "b.onnx"), 0.05, "careful", {"max_pixels": 9})
    for settings in (Settings(), plain, plain._replace(stability=True, gps=True).with_policy("platform")):
        assert Settings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize("gps", [False, True])
def test_where_a_picture_was_taken_is_told_only_on_request(gps, toy, tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
    Image.new("RGB", (64, 64), (90, 120, 150)).save(tmp_path / "place.jpg", exif=exif)
    (record,) = scan(tmp_path / "place.jpg", detectors=[toy], workers=1, gps=gps)
    assert ("place_recorded" in {finding["code"] for finding in record["findings"]}) is gps
    assert ("48.8" in str(record)) is gps
