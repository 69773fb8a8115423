import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance_metadata as made
from doctored.checks.metadata import MetadataCheck
from doctored.errors import PictureError
from doctored.picture import decode
from doctored.records import Finding
from hostile_metadata import hostile_pictures
from provenance_metadata import CELLS, comment, exif, save, xmp

CONTROL = {
    chr(code)
    for code in [*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
}


def findings(data: bytes, shows_gps: bool = False) -> list[Finding]:
    return MetadataCheck(shows_gps).run(decode(data))


def only(data: bytes, code: str) -> Finding:
    (found,) = [finding for finding in findings(data) if finding.code == code]
    return found


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_cell_of_the_matrix(cell):
    assert cell.found() == cell.expected


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_findings_are_json_and_limits_are_said(cell):
    for finding in cell.findings():
        json.dumps(finding.to_json(), allow_nan=False)
        assert finding.limits
        assert finding.region is None


def test_the_settings_of_a_web_ui_are_read():
    finding = only(
        save("JPEG", block=exif(camera={made.COMMENT: comment(made.PARAMETERS)})), "declares_generated"
    )
    (generator,) = finding.details["generators"]
    assert generator["field"] == "exif:UserComment"
    assert generator["settings"] == {
        "prompt": "a <b>red</b> fox in snow",
        "negative_prompt": "blurry",
        "steps": 20,
        "sampler": "Euler a",
        "seed": 1234,
        "scale": 7,
        "model": "dream",
        "model_hash": "0a1b2c3d",
    }


def test_the_settings_of_a_graph_are_read():
    finding = only(save("PNG", texts={"prompt": json.dumps(made.GRAPH)}), "declares_generated")
    settings = finding.details["generators"][0]["settings"]
    expected = {
        "prompt": "a red fox",
        "seed": 5,
        "steps": 20,
        "sampler": "euler",
        "model": "dream.safetensors",
    }
    assert settings == {**expected, "nodes": 3}


def test_a_statement_is_weak_and_its_sentence_says_that_it_can_be_planted():
    for cell in CELLS:
        for finding in cell.findings():
            if finding.code.startswith("declares_"):
                assert finding.strength == "weak"
                assert finding.text.endswith("the file says so itself, and this can be planted.")


def test_a_generator_that_the_file_names_is_named():
    data = save("PNG", packet=xmp({"Iptc4xmpExt:AISystemUsed": "Dream Machine &lt;b>9"}))
    assert "Dream Machine <b>9" in only(data, "declares_generated").text


def test_the_camera_and_its_settings():
    block = exif(made.CAMERA, {made.EXPOSURE: 0.01, made.ISO: 400, made.TAKEN: "2020:05:06 07:08:09"})
    details = only(save("JPEG", block=block), "camera_metadata").details
    assert (details["make"], details["model"], details["iso"]) == ("Canon", "Canon EOS 70D", 400)
    assert details["exposure_time_s"] == pytest.approx(0.01)
    assert details["has_gps"] is False
    assert "gps" not in details


def test_a_place_is_told_only_where_it_is_asked_for():
    data = save("JPEG", block=exif(made.CAMERA, gps=made.PLACE))
    hidden = findings(data)
    assert [finding.code for finding in hidden] == ["camera_metadata"]
    assert hidden[0].details["has_gps"] is True
    said = json.dumps([finding.to_json() for finding in hidden])
    assert not any(trace in said for trace in ("48.", "51.", "2.35", "latitude", "2.0, 21"))
    shown = findings(data, shows_gps=True)
    assert [finding.code for finding in shown] == ["camera_metadata", "place_recorded"]
    assert shown[1].details["latitude"] == pytest.approx(48.85667, abs=1e-5)
    assert "48.85667" in shown[1].text


def test_no_text_of_any_field_passes_uncleaned_and_none_takes_long():
    found_in = 0
    for name, data in hostile_pictures(("PNG", "WEBP")):
        try:
            picture = decode(data)
        except PictureError:  # Pillow reads some of these itself, and refuses
            continue
        began = time.perf_counter()
        found = MetadataCheck(shows_gps=True).run(picture)
        assert time.perf_counter() - began < 10, name
        found_in += bool(found)
        for finding in found:
            assert len(finding.text) < 800, name
            for text in strings(finding.to_json()):
                assert not CONTROL & set(text), name
                assert len(text) <= 2000, name
                text.encode("utf-8")
    assert found_in > 100


def test_a_long_prompt_is_cut_and_its_length_told():
    data = save("PNG", texts={"parameters": f"{'fox ' * 5000}\nSteps: 20, Sampler: Euler, Seed: 1"})
    settings = only(data, "declares_generated").details["generators"][0]["settings"]
    assert len(settings["prompt"]) == 2000
    assert settings["prompt_characters"] >= 19_000


def test_ten_megabytes_of_parameters_are_read_in_seconds():
    for text in ("Steps: 1, " * 400_000, "\nSteps: 1, a: " * 300_000, " " * 4_000_000, '{"a":' * 800_000):
        data = save("PNG", texts={"parameters": text, "Dream": text, "Description": text, "prompt": text})
        began = time.perf_counter()
        findings(data)
        assert time.perf_counter() - began < 10


@given(st.data())
def test_any_damage_leaves_findings_and_nothing_else(data):
    whole = bytearray(
        save(
            "PNG",
            block=exif(made.CAMERA, {made.COMMENT: comment(made.PARAMETERS)}, made.PLACE).tobytes(),
            packet=xmp({"xmp:CreatorTool": "GIMP"}, made.STEPS),
        )
    )
    at = bytes(whole).index(b"eXIf")
    picture = decode(bytes(whole))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(at + 4, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    picture.bytes = bytes(whole)
    for finding in MetadataCheck(shows_gps=True).run(picture):
        json.dumps(finding.to_json(), allow_nan=False)


def test_nothing_is_read_where_nothing_is(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "doctored.picture.metadata.exif", None)
    assert findings(save("JPEG")) == []
