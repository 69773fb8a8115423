"""The app is started as its users start it, and asked as its page asks it.

Gradio holds back Pillow, so it lives in an environment of its own, `.venv-space` (`make space`).
"""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from doctored.picture import decode

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / ".venv-space" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
START_S = 120
ELEMENTS = {"h2", "h3", "p", "ul", "li", "strong", "details", "summary", "small"}
ASK = """
import json, sys
from gradio_client import Client, handle_file

client = Client(sys.argv[1], verbose=False)
for path in sys.argv[2:]:
    said, sheet = client.predict(handle_file(path), api_name="/judge")
    print(json.dumps({"said": said, "sheet": sheet}))
"""


@pytest.fixture(scope="module")
def python():
    if OWN.is_file():
        return OWN
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("gradio is not installed: make space")
    return Path(sys.executable)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The environment variables of the app and of who asks it."""
    folder = tmp_path_factory.mktemp("space")
    own = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    return own | {
        "PYTHONPATH": str(ROOT / "src"),
        "DOCTORED_HOME": str(folder / "home"),
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
    }


@pytest.fixture(scope="module")
def app(python, settings, tmp_path_factory):
    """The address at which the app runs, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = tmp_path_factory.mktemp("log") / "log.txt"
    address = f"http://127.0.0.1:{port}"
    with said.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [python, ROOT / "examples" / "gradio_space.py"],
            env=settings | {"GRADIO_SERVER_PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + START_S
        while not answers(address):
            assert process.poll() is None, said.read_text(encoding="utf-8")
            assert time.monotonic() < until, said.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def told(app, python, settings, tmp_path_factory):
    """What the app says of each picture, by name."""
    folder = tmp_path_factory.mktemp("pictures")
    broken, marked = folder / "broken.png", folder / "marked.jpg"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "<script>alert(1)</script>"
    exif[ExifTags.Base.Software] = "Adobe Photoshop <img src=x onerror=alert(1)> ${alert(1)}"
    Image.new("RGB", (48, 48), (90, 120, 150)).save(marked, exif=exif)
    pictures = [ROOT / "examples" / "fake.jpg", ROOT / "examples" / "photo.jpg", broken, marked]
    command = [python, "-c", ASK, app, *pictures]
    done = subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip([path.stem for path in pictures], lines, strict=True))


def test_a_picture_gets_its_verdict_reasons_and_overlay(told):
    said = told["fake"]["said"]
    assert "<h2>Fake</h2>" in said
    assert "<strong>Strong fake.</strong>" in said
    assert "cifake, inside its domain" in said
    assert "What this cannot see" in said
    assert decode(told["fake"]["sheet"]).width > 3 * 32


def test_outside_what_is_known_it_abstains_and_draws_nothing(told):
    assert "<h2>Unsure</h2>" in told["photo"]["said"]
    assert told["photo"]["sheet"] is None


def test_what_is_no_picture_is_told(told):
    assert "Not examined:" in told["broken"]["said"]
    assert told["broken"]["sheet"] is None


def test_text_of_a_file_stays_text(told):
    said = told["marked"]["said"]
    assert "&lt;script&gt;alert(1)" in said
    assert "Adobe Photoshop &lt;img" in said
    assert "&#36;&#123;alert(1)}" in said
    assert not set("${") & set(said)
    assert set(re.findall(r"<(\w+)", said)) <= ELEMENTS


def test_a_browser_uploads_a_picture_and_clicks(app):
    pytest.importorskip("playwright", reason="the extra 'dev' brings Playwright")
    from benchmarks.page_checks import find_browser, opened_browser

    if find_browser() is None:
        pytest.skip("there is no Chromium on the path")
    with opened_browser(find_browser()) as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.goto(app)
        page.locator("input[type=file]").first.set_input_files(ROOT / "examples" / "fake.jpg")
        page.get_by_text("fake.jpg").first.wait_for()
        page.get_by_role("button", name="Judge").click()
        page.get_by_role("heading", name="Fake", exact=True).wait_for()
    assert wrong == []
    assert [url for url in asked if not url.startswith((app, "data:", "blob:"))] == []


def test_the_page_may_load_nothing_from_elsewhere(app):
    with urllib.request.urlopen(app) as reply:
        policy = reply.headers["Content-Security-Policy"]
        page = reply.read().decode()
    assert policy.startswith("default-src 'self' data: blob:")
    assert "http" not in policy
    assert '"analytics_enabled":false' in page.replace(" ", "")
