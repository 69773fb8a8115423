import csv
import io
import json

import pytest

from doctored.records import (
    Finding,
    Kind,
    Label,
    Record,
    RecordError,
    Says,
    Strength,
    UsedDetector,
    UsedPolicy,
    Verdict,
)
from doctored.scan.examine import row as row_of
from doctored.scan.sinks import CSV_COLUMNS, Format, convert, open_sink, printable

POLICY = UsedPolicy("careful", "0" * 64)
FAKE = Record(
    doctored="1",
    path="=1+1,\x1b[31m\u202e\n.jpg",
    verdict=Verdict(Label.FAKE, "strong_fake", "Fake, \u201cso\u201d.", Kind.GENERATED, ("x", "y"), 0.98765),
    policy=POLICY,
    sha256="a" * 64,
    format="JPEG",
    width=32,
    height=48,
    detectors=(UsedDetector("one", "1.0", 0.01), UsedDetector("two", "2.0", 0.01)),
    ms=1.5,
)
BROKEN = Record(
    doctored="1",
    path="-",
    verdict=Verdict(Label.UNSURE, "not_examined", "Unsure.", codes=("empty",)),
    policy=POLICY,
    error=RecordError("empty", "it is empty; fetch it"),
)
RECORDS = [FAKE, BROKEN]


def written(kind, records=RECORDS):
    stream = io.BytesIO()
    sink = open_sink(kind, stream)
    for record in records:
        sink.write(row_of(record))
    sink.close()
    assert not stream.closed
    return stream.getvalue()


def test_json_lines_and_json_give_the_records_back():
    records = [record.to_json() for record in RECORDS]
    assert [json.loads(line) for line in written(Format.JSONL).splitlines()] == records
    assert json.loads(written(Format.JSON)) == records
    assert json.loads(written(Format.JSON, [])) == []
    assert written(Format.JSONL, []) == b""


def test_csv_is_flat_and_safe_to_open():
    rows = list(csv.DictReader(io.StringIO(written(Format.CSV).decode(), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    fake, broken = rows
    assert fake["path"] == "'" + FAKE.path
    assert (fake["verdict"], fake["kind"], fake["probability"]) == ("fake", "generated", "0.98765")
    assert (fake["why"], fake["detectors"]) == ("x y strong_fake", "one@1.0 two@2.0")
    assert (fake["error_code"], fake["width"], fake["policy"]) == ("", "32", "careful")
    assert (broken["path"], broken["error_code"], broken["sha256"]) == ("'-", "empty", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_as_a_formula(start):
    record = Record("1", f"{start}cmd|' /C calc'!A0", BROKEN.verdict, POLICY)
    (cells,) = csv.DictReader(io.StringIO(written(Format.CSV, [record]).decode(), newline=""))
    assert cells["path"].startswith("'")


def test_plain_text_is_one_line_a_picture():
    first, second = written(Format.TABLE).decode().splitlines()
    assert first.split("\t") == ["fake", "0.988", "=1+1,\\x1b[31m\\u202e\\n.jpg", "Fake, \u201cso\u201d."]
    assert second.split("\t") == ["unsure", "-", "-", "Unsure."]


def test_plain_text_has_one_line_a_finding_and_each_sentence_once():
    findings = (
        Finding("metadata", "declares_x", Says.FAKE, Strength.WEAK, "It says\tso\n\x1b[31m.", Kind.GENERATED),
        Finding("jpeg", "plain", Says.NEUTRAL, Strength.NONE, "Saved once."),
    )
    verdict = Verdict(Label.UNSURE, "declared_fake", f"Unsure. {findings[0].text}", codes=("declares_x",))
    text = written(Format.TABLE, [Record("1", "a.jpg", verdict, POLICY, findings=findings)]).decode()
    assert text.split("\n") == [
        "unsure\t-\ta.jpg\tUnsure.",
        "\tweak fake\tIt says\\tso\\n\\x1b[31m.",
        "\tneutral\tSaved once.",
        "",
    ]


@pytest.mark.parametrize("kind", Format)
def test_json_lines_convert_to_every_format(kind):
    stream = io.BytesIO()
    convert(io.BytesIO(written(Format.JSONL)), kind, stream)
    assert stream.getvalue() == written(kind)


def test_printable_keeps_letters_of_all_scripts():
    text = "Stra\u00dfe \u4e2d\u6587 \U0001f600.jpg"
    assert printable(text) == text
    assert printable("a\x00b\u2066c") == "a\\x00b\\u2066c"
