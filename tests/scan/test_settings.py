from doctored.picture import Limits
from doctored.scan.settings import Settings


def test_the_defaults_are_those_of_pictures():
    assert Settings().max_bytes == Limits().max_bytes
    assert Settings().time_s == Limits().time_s
    assert Settings(limits={"max_bytes": 7, "time_s": 0.5}).max_bytes == 7
    assert Settings(limits={"max_bytes": 7, "time_s": 0.5}).time_s == 0.5


def test_settings_survive_the_way_to_a_worker():
    for settings in (Settings(), Settings(("a", "b.onnx"), 0.05, "careful", {"max_pixels": 9})):
        assert Settings.from_json(settings.to_json()) == settings
