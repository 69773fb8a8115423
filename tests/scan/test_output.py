import json
from contextlib import closing

import pytest

from doctored.errors import DoctoredError, UsageError
from doctored.scan.items import Item, Row
from doctored.scan.output import OutputFile
from doctored.scan.settings import Settings
from doctored.scan.sinks import Format

SETTINGS = Settings(("toy",)).to_json()


def row(path, label="real", error=None):
    record = {"path": path, "verdict": label, "error": error, "ms": 1.0}
    return Row(json.dumps(record).encode(), label, error is not None)


def items(*paths):
    return iter([Item(path) for path in paths])


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def open_output(out, kind=Format.JSONL, settings=SETTINGS, resume=False):
    return OutputFile(out, kind, settings, resume=resume)


def interrupt_after(out, *rows):
    output = open_output(out)
    list(output.resumed(items()))
    for each in rows:
        output.write(each)
    output.close()


def left_over(out):
    return sorted(path.name.removeprefix(out.name) for path in out.parent.iterdir())


def test_the_result_appears_whole_and_alone(out):
    output = open_output(out)
    assert list(output.resumed(items("a", "b"))) == []
    output.write(row("a"))
    assert left_over(out) == [".partial", ".partial.json"]
    output.write(row("b"))
    output.finish()
    output.close()
    assert left_over(out) == [""]
    assert out.read_bytes() == row("a").line + b"\n" + row("b").line + b"\n"


def test_another_format_is_made_at_the_end(tmp_path):
    out = tmp_path / "out.json"
    output = open_output(out, Format.JSON)
    list(output.resumed(items("a")))
    output.write(row("a"))
    output.finish()
    assert json.loads(out.read_bytes()) == [json.loads(row("a").line)]
    assert left_over(out) == [""]


def test_an_older_result_stays_until_the_new_one_is_whole(out):
    out.write_text("old")
    output = open_output(out)
    output.write(row("a"))
    output.close()
    assert out.read_text() == "old"


def test_a_left_over_is_not_overwritten(out):
    interrupt_after(out, row("a"))
    with pytest.raises(UsageError, match="--resume, or delete it"):
        open_output(out)


def test_an_output_without_rows_leaves_nothing(out):
    interrupt_after(out)
    assert left_over(out) == []


def test_a_resumed_file_goes_on_behind_what_is_done(out):
    interrupt_after(out, row("a", "fake"), row("b", error={"code": "empty"}))
    output = open_output(out, resume=True)
    rest = items("a", "b", "c")
    done = list(output.resumed(rest))
    assert [(each.label, each.is_broken) for each in done] == [("fake", False), ("real", True)]
    assert [item.path for item in rest] == ["c"]
    output.write(row("c"))
    output.finish()
    assert [json.loads(line)["path"] for line in out.read_bytes().splitlines()] == ["a", "b", "c"]


def test_a_torn_line_is_done_again(out):
    interrupt_after(out, row("a"))
    partial = out.with_name("out.jsonl.partial")
    partial.write_bytes(partial.read_bytes() + row("b").line[:-3])
    output = open_output(out, resume=True)
    rest = items("a", "b")
    assert len(list(output.resumed(rest))) == 1
    assert next(rest).path == "b"
    output.write(row("b"))
    output.finish()
    assert out.read_bytes().splitlines() == [row("a").line, row("b").line]


def test_resuming_nothing_starts_anew(out):
    output = open_output(out, resume=True)
    assert list(output.resumed(items("a"))) == []
    output.close()


@pytest.mark.parametrize("paths", [("a", "x"), ("b", "a"), ("a",), ()])
def test_other_pictures_are_refused(out, paths):
    interrupt_after(out, row("a"), row("b"))
    with closing(open_output(out, resume=True)) as output, pytest.raises(UsageError, match="other pictures"):
        list(output.resumed(items(*paths)))


def test_other_settings_are_refused(out):
    interrupt_after(out, row("a"))
    with pytest.raises(UsageError, match="other settings"):
        open_output(out, settings=Settings(("toy",), budget=0.05).to_json(), resume=True)
    out.with_name("out.jsonl.partial.json").write_text("{")
    with pytest.raises(UsageError, match="other settings"):
        open_output(out, resume=True)


@pytest.mark.parametrize("line", [b"[1]\n", b"nothing\n", b'{"path": 1}\n', b"\xff\n"])
def test_a_damaged_left_over_is_refused(out, line):
    interrupt_after(out, row("a"))
    partial = out.with_name("out.jsonl.partial")
    partial.write_bytes(line + partial.read_bytes())
    with closing(open_output(out, resume=True)) as output, pytest.raises(UsageError, match="damaged"):
        list(output.resumed(items("a", "b")))


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        open_output(tmp_path / "none" / "out.jsonl")


def test_a_full_disk_is_told(out):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    output = open_output(out)
    output._stream.close()
    output._stream = Full()
    with pytest.raises(DoctoredError, match=r"No space left.*make room") as told:
        output.write(row("a"))
    assert told.value.exit_code == 4
