"""`doctored scan` as a user calls it."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from PIL import Image, PngImagePlugin
from tests.page.reading import Seen

from doctored.cli.main import main
from doctored.cli.scanning import ScanOptions, command_line
from doctored.page.markup import ATTRIBUTES, ELEMENTS
from doctored.scan import pipeline
from toy_detectors import build_toy_detector
from toy_pictures import assert_same_records, save_grey, save_many, save_one_of_each

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(Path(pipeline.__file__).with_name("record.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return str(build_toy_detector(tmp_path_factory.mktemp("toy") / "toy.onnx"))


@pytest.fixture
def pictures(tmp_path):
    return save_one_of_each(tmp_path / "pictures")


@pytest.fixture
def run(capsysbinary, toy):
    """Run `doctored scan` here with the toy detector: exit code, stdout, stderr."""

    def call(*arguments):
        code = main(["scan", "--detector", toy, *map(str, arguments)])
        told = capsysbinary.readouterr()
        return code, told.out.decode(), told.err.decode()

    return call


OUTSIDE = "This picture is 64\u00d764; toy knows only pictures of exactly 32\u00d732 pixels."


def start(*arguments, **more):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "doctored.cli.main", "scan", *map(os.fsdecode, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if os.name != "nt":  # a shell's background job ignores SIGINT, and would hand that down
        more["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, env=environment, **pipes, **more)


def test_plain_text_in_a_pipe(run, pictures):
    code, out, err = run(pictures)
    lines = [line.split("\t") for line in out.splitlines()]
    rows = [line for line in lines if line[0]]
    assert [row[0] for row in rows] == ["fake", "real", "unsure", "unsure", "unsure"]
    assert [row[1] for row in rows][3:] == ["-", "-"]
    assert Path(rows[0][2]) == pictures / "a-fake.png"
    assert rows[3][3] == "Unsure: outside what the detectors know."
    assert ["", "neutral", OUTSIDE] in lines
    assert [line[1] for line in lines if not line[0] and line[2].startswith("toy")][:2] == [
        "strong fake",
        "strong real",
    ]
    assert err == "doctored: 5 pictures: 1 real, 1 fake, 3 unsure; 1 could not be examined\n"
    assert code == 3


def coarse(value):
    """A record without its time, and with scores to three decimals: the last bits move with the batch."""
    if isinstance(value, dict):
        return {key: coarse(item) for key, item in value.items() if key != "ms"}
    if isinstance(value, list):
        return [coarse(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value


def test_the_three_formats_carry_the_same_records(run, pictures):
    as_array = json.loads(run(pictures, "--json")[1])
    as_lines = [json.loads(line) for line in run(pictures, "--jsonl", "-q")[1].splitlines()]
    as_cells = list(csv.DictReader(io.StringIO(run(pictures, "--csv")[1], newline="")))
    validate = jsonschema.Draft202012Validator(SCHEMA).validate
    assert_same_records(as_array, as_lines)
    for line, cells in zip(as_lines, as_cells, strict=True):
        validate(line)
        assert (cells["path"], cells["verdict"]) == (line["path"], line["verdict"])


def test_the_ending_of_the_file_chooses_the_format(run, pictures, tmp_path):
    for name, read in (
        ("o.json", json.loads),
        ("o.jsonl", lambda text: [json.loads(line) for line in text.splitlines()]),
        ("o.csv", lambda text: list(csv.DictReader(io.StringIO(text)))),
        ("o.txt", lambda text: [line for line in text.splitlines() if line[0] != "\t"]),
    ):
        code, out, _ = run(pictures, "--out", tmp_path / name)
        assert (code, out) == (3, "")
        assert len(read((tmp_path / name).read_text("utf-8"))) == 5
    assert not list(tmp_path.glob("*.partial*"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["a-fake.png", "b-real.png"], 0),
        (["a-fake.png", "--fail-on", "fake"], 1),
        (["b-real.png", "--fail-on", "fake"], 0),
        (["b-real.png", "e-broken.jpg", "--fail-on", "fake"], 3),
        (["a-fake.png", "e-broken.jpg", "--fail-on", "fake"], 1),
        (["e-broken.jpg", "--fail-on", "not_a_picture"], 1),
        (["d-large.png", "--fail-on", "real", "--fail-on", "outside_domain"], 1),
        (["c-grey.png", "--fail-on", "undecided"], 1),
        (["none.png"], 3),
        (["a-fake.png", "--fail-on", "fakes"], 2),
        (["a-fake.png", "--budget", "0.5"], 2),
        (["a-fake.png", "--json", "--csv"], 2),
        (["a-fake.png", "--detector", "no-such-detector"], 4),
    ],
)
def test_exit_codes(run, pictures, monkeypatch, arguments, code):
    monkeypatch.chdir(pictures)
    found, _, err = run(*arguments, "--workers", "1")
    assert found == code
    if code in (2, 4):
        assert err.count("\n") == 1
        assert re.search("[;:] .+", err.removeprefix("doctored: "))


def test_an_empty_folder_is_told_and_is_no_error(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = run(tmp_path / "empty", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert "empty holds no pictures" in err
    assert run(tmp_path / "empty", "--quiet") == (0, "", "")


def test_archives_lists_and_stdin(run, pictures, tmp_path, monkeypatch):
    archive = tmp_path / "p.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(pictures / "a-fake.png", "in/x.png")
    (tmp_path / "list.txt").write_text(f"{pictures / 'b-real.png'}\n{tmp_path / 'none.png'}\n")
    with (pictures / "c-grey.png").open("rb") as picture:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture.read())))
    _, out, _ = run(archive, "-", "--from-file", tmp_path / "list.txt", "--jsonl")
    records = [json.loads(line) for line in out.splitlines()]
    assert [(Path(record["path"]).name, record["verdict"]) for record in records] == [
        ("x.png", "fake"),
        ("-", "unsure"),
        ("b-real.png", "real"),
        ("none.png", "unsure"),
    ]
    assert records[0]["path"] == f"{archive}!/in/x.png"


def test_a_page_and_records_come_from_one_scan(run, pictures, tmp_path):
    page, out = tmp_path / "report.html", tmp_path / "out.jsonl"
    code, shown, err = run(pictures, "--html", page, "--out", out)
    assert (code, shown) == (3, "")
    assert err.endswith(f"doctored: the page: {page}\n")
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    for record in records:
        jsonschema.Draft202012Validator(SCHEMA).validate(record)
    text = page.read_text("utf-8")
    assert sorted(re.findall("<h3><bdi>(.*?)</bdi></h3>", text)) == [record["path"] for record in records]
    for record in records:
        assert record["error"] or record["sha256"] in text
    in_domain = [record for record in records if record["width"] == 32]
    examined = [record for record in records if not record["error"]]
    assert text.count("<img ") == len(examined) + 2 * len(in_domain) == 4 + 2 * 3
    assert f"doctored scan {pictures} --detector" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "pictures", "report.html"]


def test_a_page_judges_mild_copies_too_and_changes_nothing_else(run, pictures, tmp_path):
    _, plain, _ = run(pictures, "--jsonl", "--stability")
    _, paged, _ = run(pictures, "--jsonl", "--html", tmp_path / "report.html")
    assert_same_records(*([json.loads(line) for line in out.splitlines()] for out in (plain, paged)))


def save_with_hostile_metadata(folder, text):
    """A PNG and a JPEG whose text fields all hold `text`."""
    folder.mkdir()
    texts = PngImagePlugin.PngInfo()
    for keyword in ("parameters", "prompt", "Software", "Comment", "Description"):
        texts.add_itxt(keyword, f"{text}\nSteps: 20, Sampler: {text}, Seed: 1, Model: {text}")
    texts.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{text}</x:xmpmeta>")
    exif = Image.Exif()
    for number in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
        exif[number] = text
    picture = Image.new("RGB", (90, 70), (120, 90, 60))
    picture.save(folder / "a.png", pnginfo=texts)
    picture.save(folder / "b.jpg", exif=exif, comment=text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "</p><script>alert(1)</script><img src=x onerror=alert(1)>",
        "\x1b[31m\x1b]0;owned\x07\x9b2J",
        "\u202egpj.exe\u2066\u200b",
        "-->]]></style>\"'><b>",
    ],
)
def test_hostile_metadata_is_text_everywhere(run, tmp_path, text):
    for name, content in (("plain", "Some words"), ("hostile", text)):
        save_with_hostile_metadata(tmp_path / name, content)
        code, out, _ = run(tmp_path / name, "--html", tmp_path / f"{name}.html")
        assert code == 0
        assert all(character.isprintable() or character in "\t\n" for character in out)
    page = (tmp_path / "hostile.html").read_text("utf-8")
    body = re.sub("<(style|script)>.*?</\\1>", "", page.removeprefix("<!doctype html>"), flags=re.DOTALL)
    allowed = ELEMENTS | {"style", "script"}
    for element, attributes in Seen(body).tags:
        assert element in allowed
        assert set(attributes) <= ATTRIBUTES
    written = Counter(element for element, _ in Seen(body).tags)
    assert (written["script"], written["img"], written["b"], written["article"]) == (0, 2, 0, 2)
    assert page.count("<script>") == 1
    assert all(character.isprintable() or character == "\n" for character in page)


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses such names")
def test_an_error_that_names_a_file_gives_the_terminal_no_orders(run, tmp_path):
    code, _, err = run("a.png", "--policy", tmp_path / "\x1b[31m.toml")
    assert code == 2
    assert err.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "o.jsonl", "--html", "p.html", "--resume"], "a page needs every picture"),
        (["--out", "p.html"], "use --html FILE"),
        (["--out", "same", "--html", "same"], "the same file"),
        (["--html", "none/p.html"], "cannot be written"),
    ],
)
def test_a_page_that_cannot_be_is_refused_in_one_line(run, pictures, monkeypatch, arguments, said):
    monkeypatch.chdir(pictures)
    code, out, err = run("a-fake.png", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupted_scan_leaves_no_page(toy, tmp_path):
    save_many(tmp_path / "many", 3000)
    page = tmp_path / "page.html"
    with start(tmp_path / "many", "--detector", toy, "--workers", "1", "--html", page, "--jsonl") as process:
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many"]


def test_the_command_on_a_page_is_the_one_that_was_typed():
    options = ScanOptions(
        paths=("a b", "c"),
        detector=["x", "y"],
        budget=0.05,
        as_jsonl=True,
        html=Path("r.html"),
        stability=True,
        fail_on=["fake"],
    )
    assert command_line(options) == (
        "doctored scan 'a b' c --detector x --detector y --budget 0.05 --stability --jsonl --html r.html "
        "--fail-on fake"
    )
    assert command_line(ScanOptions(paths=["-"], stability=False)) == "doctored scan - --no-stability"
    assert command_line(ScanOptions(paths=["p"] * 1020)).endswith("p p … and 1,000 paths more")


def test_limits_can_be_set(run, pictures):
    large = pictures / "d-large.png"
    for option, value, code in (
        ("--max-pixels", 2000, "too_many_pixels"),
        ("--max-bytes", 20, "too_large"),
        ("--time-limit", 0.001, "timed_out"),
    ):
        (record,) = json.loads(run(large, "--json", option, value)[1])
        assert record["error"]["code"] == code


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_outside_utf8(toy, tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9 \x1b[31m.png"
    save_grey(tmp_path / "x.png", 250).rename(os.fsdecode(raw))
    with start(raw, b"--jsonl", b"--detector", os.fsencode(toy)) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["path"].endswith("caf\\xe9 \x1b[31m.png")
    with start(raw, b"--detector", os.fsencode(toy)) as process:
        out, _ = process.communicate()
    assert b"caf\\xe9 \\x1b[31m.png" in out


def test_nothing_is_lost_when_the_reader_leaves(toy, tmp_path):
    save_many(tmp_path / "many", 70)
    with start(tmp_path / "many", "--jsonl", "-q", "--detector", toy) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_an_interrupted_scan_is_a_130_and_can_be_resumed(toy, tmp_path):
    save_many(tmp_path / "many", 3000)
    out = tmp_path / "out.jsonl"
    partial = tmp_path / "out.jsonl.partial"
    arguments = (tmp_path / "many", "--detector", toy, "--workers", "1", "--out", out)
    with start(*arguments) as process:
        while not (partial.exists() and partial.stat().st_size):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        err = process.communicate()[1].decode()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "doctored: interrupted; what was done is kept, go on with --resume"
    with start(*arguments) as process:
        err = process.communicate()[1].decode()
    assert (process.returncode, err.count("\n")) == (2, 1)
    assert "--resume" in err
    with start(*arguments, "--resume") as process:
        process.communicate()
    assert process.returncode == 0
    assert len(out.read_bytes().splitlines()) == 3000


def test_the_parent_loads_no_numpy_and_no_process_loads_torch(toy, pictures):
    """A scan is light: one process decodes and computes, the other only reads and writes."""
    code = (
        "import sys, json\nfrom doctored.cli.main import main\n"
        "main(['scan', *sys.argv[1:]])\nprint(json.dumps(sorted(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for options in (["-q"], ["-q", "--detector", toy, "--workers", "1"]):
        command = [sys.executable, "-c", code, str(pictures / "a-fake.png"), *options]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        loaded = set(json.loads(done.stdout.splitlines()[-1]))
        assert loaded & {"numpy", "PIL", "onnxruntime", "torch", "rich", "doctored.picture"} == set()
    plain = "import sys, doctored.scan.worker as w, doctored.detector.session as s\ns.available_providers()\n"
    code = plain + "print('torch' in sys.modules, 'onnx' in sys.modules, 'onnxruntime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "False False True\n", done.stderr


def test_the_page_on_scanning_tells_all_fields_codes_and_archives():
    page = (ROOT / "docs" / "scan.md").read_text("utf-8")
    fields = set(re.findall(r"`(\w+)`", page.split("### The record")[1].split("### Exit codes")[0]))
    assert set(SCHEMA["properties"]) | set(SCHEMA["$defs"]["finding"]["properties"]) <= fields
    for code in (0, 1, 2, 3, 4, 130):
        assert f"| {code} |" in page
    for option in re.findall(r"--[a-z][a-z-]*", page):
        assert re.search(f"[` ]{option}[` ]", (ROOT / "docs" / "cli.md").read_text("utf-8")), option
