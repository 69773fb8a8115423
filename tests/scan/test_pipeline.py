import json
from pathlib import Path

import jsonschema
import pytest

import doctored
from doctored.errors import DetectorError, UsageError
from doctored.picture import Limits
from doctored.scan import pipeline
from doctored.scan.pipeline import scan
from toy_pictures import assert_same_records, save_many

SCHEMA = json.loads((Path(pipeline.__file__).with_name("record.schema.json")).read_text("utf-8"))


@pytest.fixture
def validate():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA).validate


def test_records_come_in_input_order_and_keep_the_schema(toy, pictures, tmp_path, validate):
    paths = [pictures, tmp_path / "none.png", str(pictures / "b-real.png")]
    records = list(scan(paths, detectors=[toy], workers=2))
    for record in records:
        validate(record)
    names = [Path(record["path"]).name for record in records]
    assert names == [
        "a-fake.png",
        "b-real.png",
        "c-grey.png",
        "d-large.png",
        "e-broken.jpg",
        "none.png",
        "b-real.png",
    ]
    verdicts = [record["verdict"] for record in records]
    assert verdicts == ["fake", "real", "unsure", "unsure", "unsure", "unsure", "real"]
    rules = [record["policy"]["rule"] for record in records]
    assert rules[:5] == ["strong_fake", "strong_real", "undecided", "outside", "not_examined"]
    assert [record["why"][-1] for record in records] == rules


def test_the_schema_refuses_what_is_no_record(toy, pictures, validate):
    (record,) = scan(pictures / "a-fake.png", detectors=[toy], workers=1)
    for key in record:
        with pytest.raises(jsonschema.ValidationError):
            validate({name: value for name, value in record.items() if name != key})
    for change in ({"more": 1}, {"verdict": "maybe"}, {"sha256": "x"}, {"why": []}, {"probability": 1.5}):
        with pytest.raises(jsonschema.ValidationError):
            validate(record | change)


def test_the_schema_has_the_records_keys_in_their_order(toy, pictures):
    (record,) = scan(str(pictures / "a-fake.png"), detectors=[toy], workers=1)
    assert list(record) == list(SCHEMA["properties"]) == SCHEMA["required"]
    finding = SCHEMA["$defs"]["finding"]
    assert list(record["findings"][0]) == list(finding["properties"]) == finding["required"]


def test_any_number_of_workers_gives_the_same_records(toy, tmp_path):
    save_many(tmp_path / "many", 150)
    alone, together = (list(scan(tmp_path / "many", detectors=[toy], workers=workers)) for workers in (1, 3))
    assert len(alone) == 150
    assert_same_records(alone, together)


def test_leaving_early_ends_the_workers(toy, tmp_path):
    save_many(tmp_path / "many", 70)
    records = scan(tmp_path / "many", detectors=[toy], workers=1)
    next(records)
    records.close()
    assert list(records) == []


def test_settings_are_passed_on(toy, pictures):
    path = pictures / "c-grey.png"
    (record,) = scan(path, detectors=[toy], limits=Limits(max_pixels=100), workers=1)
    assert record["error"]["code"] == "too_many_pixels"
    (record,) = scan(path, detectors=[toy], budget=0.05, workers=1)
    assert record["detectors"][0]["budget"] == 0.05


def test_what_cannot_work_is_an_exception(toy, pictures):
    with pytest.raises(DetectorError, match="no-such"):
        list(scan(pictures, detectors=["no-such"]))
    with pytest.raises(UsageError, match="budget"):
        list(scan(pictures, detectors=[toy], budget=0.3))
    with pytest.raises(UsageError, match="policy"):
        list(scan(pictures, detectors=[toy], policy="strict"))


def test_nothing_to_scan_is_nothing(tmp_path):
    assert list(scan([])) == []
    assert list(scan(tmp_path)) == []


def test_it_is_called_doctored_scan(toy, pictures):
    (record,) = doctored.scan(pictures / "b-real.png", detectors=[toy], workers=1)
    assert record["verdict"] == "real"
    assert doctored.scan.pipeline.scan is scan
