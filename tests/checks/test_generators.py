import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored.checks.editing_software import NAMES, find_editors
from doctored.checks.generation_settings import read_settings
from doctored.checks.generators import GENERATORS, find_generators
from doctored.checks.source_types import read_source_type
from doctored.records import Kind
from provenance_metadata import GRAPH, JOB, PARAMETERS, UUID

DOCS = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
EVERY_FIELD = sorted({field for generator in GENERATORS for mark in generator.marks for field in mark.fields})
CHINA = "a service that labels its pictures by China's GB 45438-2025"
WEB_UI = "a Stable Diffusion web UI (AUTOMATIC1111, Forge or one that writes alike)"


def names(**fields: str) -> list[str]:
    return [
        match.name
        for match in find_generators({key.replace("_", ":", 1): [text] for key, text in fields.items()})
    ]


def settings(**fields: str) -> dict[str, object]:
    given = {key.replace("_", ":", 1): [text] for key, text in fields.items()}
    (match,) = find_generators(given)
    return read_settings(match, given)


def test_every_generator_is_documented_and_its_patterns_compile():
    page = DOCS.read_text("utf-8")
    for generator in GENERATORS:
        assert generator.source
        assert f"| {generator.name} |" in page
        assert generator.marks
        for mark in generator.marks:
            assert mark.fields
            re.compile(mark.pattern)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"text_parameters": PARAMETERS}, WEB_UI),
        ({"exif_UserComment": PARAMETERS.replace("\n", "\r\n")}, WEB_UI),
        ({"exif_UserComment": "Steps: 20, Sampler: Euler, Seed: 1"}, WEB_UI),
        ({"exif_Model": f"prompt:{json.dumps(GRAPH)}"}, "ComfyUI"),
        ({"text_Description": JOB}, "Midjourney"),
        ({"xmp_CreatorTool": "Draw Things"}, "Draw Things"),
        ({"exif_Software": "Fooocus v2.5.5"}, "Fooocus"),
        ({"exif_Make": "Ideogram AI"}, "Ideogram"),
        ({"exif_UserComment": '{"mflux_version": "0.9", "prompt": "fox"}'}, "mflux"),
        ({"iptc_Credit": "Made with Google AI"}, "Google's generators (Gemini, Imagen)"),
        ({"exif_Software": "Adobe Firefly Image 4"}, "Adobe Firefly Image 4"),
        ({"exif_Software": "Midjourney v6.1"}, "Midjourney v6.1"),
        ({"exif_UserComment": '{"AIGC": {"Label": "1", "ProduceID": "x"}}'}, CHINA),
    ],
)  # fmt: skip
def test_marks_are_known(fields, name):
    assert names(**fields) == [name]


@pytest.mark.parametrize(
    "fields",
    [
        {"exif_Software": "Midjourney lake, 2019"},
        {"exif_Software": "not Midjourney"},
        {"exif_Software": "Adobe Firefly themed photo"},
        {"exif_ImageDescription": "Midjourney"},
        {"text_Title": "DALL-E"},
        {"exif_Make": "Ideogram AI fan"},
        {"exif_ImageDescription": "Job ID: 1234"},
        {"exif_Artist": UUID},
        {"exif_ImageDescription": f"Signature: {'A' * 80}"},
        {"text_parameters": "Steps: 20, of a dance"},
        {"text_prompt": "a text on class_type"},
        {"text_prompt": json.dumps({"1": {"class_type": "LoadImage"}})},
        {"xmp_Credit": "Not Made with Google AI"},
        {"text_AIGC": '{"Label": "2", "ContentProducer": "x"}'},
        {"text_AIGC": '{"Label": "1"}'},
        {"text_sd-metadata": '{"image": '},
    ],
)
def test_what_is_only_like_a_mark_is_none(fields):
    assert names(**fields) == []


def test_settings_of_many_formats():
    novel = '{"prompt": "p", "uc": "n", "seed": 2, "scale": 5.5}'
    assert settings(text_Software="NovelAI", text_Comment=novel) == {
        "prompt": "p", "negative_prompt": "n", "seed": 2, "scale": 5.5,
    }  # fmt: skip
    assert settings(text_Description=JOB) == {"prompt": "a red fox --ar 3:2 --v 6.1"}
    swarm = '{"sui_image_params": {"prompt": "fox", "model": "m", "seed": 99999999999999999999}}'
    assert settings(text_parameters=swarm) == {
        "prompt": "fox", "model": "m", "seed": "99999999999999999999",
    }  # fmt: skip
    invoke = '{"positive_prompt": "fox", "model": {"name": "m", "key": "k"}, "seed": true}'
    assert settings(text_invokeai_metadata=invoke) == {"prompt": "fox", "model": "m"}
    assert settings(text_fooocus_scheme="fooocus") == {}
    assert settings(exif_UserComment='Steps: 9, Sampler: "a, b", Seed: 1') == {
        "steps": 9,
        "sampler": "a, b",
        "seed": 1,
    }


@given(st.dictionaries(st.sampled_from(EVERY_FIELD), st.lists(st.text(max_size=80), max_size=3), max_size=6))
def test_any_texts_are_matched_and_read(fields):
    for match in find_generators(fields):
        json.dumps(read_settings(match, fields), allow_nan=False)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "sui_image_params",
    "class_type",
    "inputs",
    "prompt",
    "model",
    "AIGC",
    "Label",
    "image",
    "seed",
    "mflux_version",
]


@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=6), st.sampled_from(EVERY_FIELD))
def test_any_json_is_matched_and_read(value, field):
    text = json.dumps(value)
    graph = json.dumps({"1": {"class_type": "KSampler", "inputs": value}})
    for content in (text, graph, f"prompt:{graph}"):
        for match in find_generators({field: [content]}):
            json.dumps(read_settings(match, {field: [content]}), allow_nan=False)


def test_no_pattern_is_slow_on_what_repeats():
    parts = (
        "Steps: 1, ",
        "\nSteps: 1, a: ",
        " -s 1 ",
        "Job ID: ",
        "{",
        '{"a":',
        " ",
        "Midjourney v",
        "Signature: A",
        "\\",
        '"',
    )
    for part in parts:
        text = part * (1_000_000 // len(part))
        for field in EVERY_FIELD:
            began = time.perf_counter()
            for match in find_generators({field: [text]}):
                read_settings(match, {field: [text]})
            assert time.perf_counter() - began < 5, (part, field)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        (
            "https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia/",
            "trainedAlgorithmicMedia",
        ),
        (" digsrctype:compositeWithTrainedAlgorithmicMedia ", "compositeWithTrainedAlgorithmicMedia"),
        ("TrainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        ("http://c2pa.org/digitalsourcetype/empty", "empty"),
        ("digitalCapture", "digitalCapture"),
    ],
)
def test_source_types_are_read_in_every_spelling(value, name):
    found = read_source_type(value)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "value", ["", "media", "http://example.com/trainedAlgorithmicMedia", "x trainedAlgorithmicMedia"]
)
def test_other_values_are_no_source_type(value):
    assert read_source_type(value) is None


def test_two_source_types_declare_something():
    assert read_source_type("trainedAlgorithmicMedia").kind is Kind.GENERATED
    assert read_source_type("compositeWithTrainedAlgorithmicMedia").kind is Kind.EDITED_WITH_AI
    assert read_source_type("compositeSynthetic").kind is None


def test_editors_are_known_by_how_they_begin():
    said = ["Adobe Photoshop 25.0 (Windows)", "GIMP 2.10.30", "Ver.1.0", "my GIMP", "Photosynth", "gimp 3"]
    assert find_editors(said) == ["Adobe Photoshop 25.0 (Windows)", "GIMP 2.10.30", "gimp 3"]
    assert len(set(NAMES)) == len(NAMES)
