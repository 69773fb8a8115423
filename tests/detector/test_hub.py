"""Push, pull and open by name, against a hub on this machine that speaks the real one's routes."""

import builtins
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import doctored
from doctored.cli.main import main
from doctored.data.toy import make_toy
from doctored.detector import open_detector
from doctored.detector.hub import HubName, find_pulled, is_hub_name, pull, push, read_name
from doctored.detector.shelf import FOLDER
from doctored.errors import DetectorError, MissingExtra, UsageError
from hub_server import Repository, running_hub
from toy_detectors import build_toy_detector

ROOT = Path(__file__).resolve().parents[2]
huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")
# huggingface_hub uploads large files in a way that the client it uses calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def lead_to(address, monkeypatch):
    """What HF_ENDPOINT does where it is set before huggingface_hub is imported."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub where `hf_ann` may write, and to which this process talks."""
    with running_hub() as running:
        monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_TOKEN", running.token)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        lead_to(running.url, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        huggingface_hub.close_session()
        yield running
        huggingface_hub.close_session()


@pytest.fixture
def toy(tmp_path):
    return build_toy_detector(tmp_path / "toy.onnx")


@pytest.fixture
def bright(tmp_path):
    path = tmp_path / "bright.png"
    Image.fromarray(np.full((32, 32, 3), 230, np.uint8)).save(path)
    return path


@pytest.fixture
def no_hub(monkeypatch):
    """Nothing of this test may ask for a connection."""

    def refuse(*_):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def another_toy(tmp_path):
    return build_toy_detector(tmp_path / "another.onnx", version="2.0.0")


def put(hub, path, branch="main"):
    """As if somebody had pushed the file to ann/toy."""
    repository = hub.repositories.setdefault("ann/toy", Repository("ann/toy", private=False))
    repository.branches.setdefault(branch, repository.branches["main"])
    repository.commit(branch, "by somebody", {"detector.onnx": path.read_bytes()})
    return repository


def test_what_is_pushed_is_pulled_and_opened(hub, toy, bright):
    pushed = push(toy, "ann/toy")
    repository = hub.repositories["ann/toy"]
    files = repository.files("main")
    assert files["detector.onnx"] == toy.read_bytes()
    assert b"# toy 1\\.0\\.0" in files["README.md"]
    assert pushed.sha256 in files["README.md"].decode()
    assert repository.messages == ["toy 1.0.0"]
    assert pushed.name == f"hf://ann/toy@{repository.branches['main']}"

    pulled = pull(pushed.name)
    assert pulled.path.read_bytes() == toy.read_bytes()
    assert (pulled.sha256, pulled.commit) == (pushed.sha256, repository.branches["main"])
    with open_detector(pushed.name) as detector:
        assert detector.is_foreign
        assert detector.predict(bright).label == "fake"


def test_the_shelf_s_own_file_stays_trusted_on_its_way_over_a_hub(hub):
    push("cifake-compact", "ann/compact")
    with doctored.open("hf://ann/compact") as detector:
        assert not detector.is_foreign
        assert detector.sha256 == hashlib.sha256((FOLDER / "cifake-compact.onnx").read_bytes()).hexdigest()


def test_open_pulls_what_is_not_here_and_then_asks_no_more(hub):
    put(hub, FOLDER / "cifake-compact.onnx")
    doctored.open("hf://ann/toy").close()
    hub.requests.clear()
    doctored.open("hf://ann/toy").close()
    assert hub.requests == []


def test_nothing_but_open_and_pull_fetches(hub, toy, bright, no_hub, capsys):
    with pytest.raises(DetectorError, match=r"fetched only when asked: doctored pull hf://ann/toy$"):
        open_detector("hf://ann/toy")
    for command in (
        ["scan", str(bright), "--detector", "hf://ann/toy"],
        ["explain", str(bright), "--detector", "hf://ann/toy"],
        ["evaluate", "hf://ann/toy", str(make_toy(bright.parent / "toy", n=12))],
        ["detectors", "hf://ann/toy"],
    ):
        assert main(command) == 4
        assert "doctored pull hf://ann/toy" in capsys.readouterr().err
    assert hub.requests == []


def test_a_revision_pins_the_file(hub, toy, tmp_path):
    put(hub, toy, "v1")
    first = pull("hf://ann/toy@v1")
    put(hub, another_toy(tmp_path), "v1")
    with pytest.raises(DetectorError, match=r"is another file now .* delete .* to take the new one"):
        pull("hf://ann/toy@v1")
    assert first.path.read_bytes() == toy.read_bytes()
    assert find_pulled("hf://ann/toy@v1") == (first.path, first.sha256)
    shutil.rmtree(HubName("ann/toy", "v1").folder)
    assert pull("hf://ann/toy@v1").card.version == "2.0.0"


def test_without_a_revision_a_pull_takes_the_newest(hub, toy, tmp_path):
    put(hub, toy)
    assert pull("hf://ann/toy").card.version == "1.0.0"
    put(hub, another_toy(tmp_path))
    newest = pull("hf://ann/toy")
    assert newest.card.version == "2.0.0"
    assert find_pulled("hf://ann/toy") == (newest.path, newest.sha256)


def test_a_branch_is_made_and_the_first_one_stays_as_it_was(hub, toy):
    push(toy, "ann/toy", revision="trial/one")
    repository = hub.repositories["ann/toy"]
    assert repository.files("main") == {}
    assert pull("hf://ann/toy@trial/one").commit == repository.branches["trial/one"]


def test_a_pulled_file_that_was_changed_is_not_opened(hub, toy, tmp_path):
    put(hub, toy)
    path = pull("hf://ann/toy").path
    shutil.copy(another_toy(tmp_path), path)
    with pytest.raises(DetectorError, match="is not the file that was pulled"):
        open_detector("hf://ann/toy")


def test_a_record_of_another_name_is_none(hub, toy):
    """On file systems that do not tell v1 from V1, one folder stands for both."""
    put(hub, toy, "v1")
    pull("hf://ann/toy@v1")
    HubName("ann/toy", "V1").folder.symlink_to(HubName("ann/toy", "v1").folder)
    with pytest.raises(DetectorError, match="is not on this machine"):
        find_pulled("hf://ann/toy@V1")


def test_a_private_repository_needs_who_may_see_it(hub, toy, monkeypatch):
    push(toy, "ann/secret", private=True)
    assert hub.repositories["ann/secret"].private
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(DetectorError, match=r"no ann/secret on the hub, or it is private: .*'hf auth login'"):
        pull("hf://ann/secret")


def test_private_never_ends_in_public(hub, toy, tmp_path):
    put(hub, toy)
    with pytest.raises(UsageError, match="there already and public"):
        push(another_toy(tmp_path), "ann/toy", private=True)
    assert hub.repositories["ann/toy"].messages == ["by somebody"]


def test_what_is_no_detector_is_neither_pushed_nor_kept(hub, toy, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no detector")
    with pytest.raises(DetectorError, match="not a detector"):
        push(broken, "ann/broken")
    assert hub.repositories == {}
    put(hub, toy)
    hub.repositories["ann/toy"].commit("main", "by hand", {"detector.onnx": b"no detector"})
    with pytest.raises(DetectorError, match="not a detector"):
        pull("hf://ann/toy")
    assert list(HubName("ann/toy").folder.iterdir()) == []


def test_a_file_too_large_is_not_fetched(hub, toy):
    put(hub, toy)
    hub.claimed_size = 101 << 20
    hub.requests.clear()
    with pytest.raises(DetectorError, match="larger than 100 MiB"):
        pull("hf://ann/toy")
    assert [request.split()[0] for request in hub.requests] == ["HEAD"]


def test_a_hub_that_does_not_know_says_what(hub, toy):
    put(hub, toy)
    hub.repositories["ann/toy"].commits[hub.repositories["ann/toy"].branches["main"]].pop("detector.onnx")
    for name, says in (
        ("hf://ann/nothing", "there is no ann/nothing on the hub, or it is private"),
        ("hf://ann/toy@v9", "ann/toy has no revision 'v9'"),
        ("hf://ann/toy", "holds no detector.onnx"),
    ):
        with pytest.raises(DetectorError, match=says):
            pull(name)


def test_who_may_not_write_is_told(hub, toy, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    with pytest.raises(DetectorError, match=r"the hub refuses to let you: log in .* may write to ann/toy"):
        push(toy, "ann/toy")


def test_a_hub_that_is_not_there_is_told(hub, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    lead_to(address, monkeypatch)
    with pytest.raises(DetectorError, match="check the connection, and HF_ENDPOINT") as told:
        pull("hf://ann/toy")
    assert "\n" not in str(told.value)


def test_without_the_extra_one_line_says_so(monkeypatch, toy):
    importing = builtins.__import__

    def without_hub(name, *rest):
        if name.split(".")[0] == "huggingface_hub":
            raise ModuleNotFoundError(name=name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_hub)
    for act in (lambda: pull("hf://ann/toy"), lambda: push(toy, "ann/toy")):
        with pytest.raises(MissingExtra, match=r"pip install 'doctored\[hub\]'"):
            act()


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("hf://ann/toy", "ann/toy", None),
        ("hf://Ann-1/toy_2.x@v1.0", "Ann-1/toy_2.x", "v1.0"),
        ("hf://ann/toy@refs/pr/1", "ann/toy", "refs/pr/1"),
    ],
)
def test_names_are_read_and_written_back(text, repository, revision):
    name = read_name(text)
    assert (name.repository, name.revision) == (repository, revision)
    assert str(name) == text
    assert is_hub_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "hf://",
        "hf://toy",
        "hf://a/b/c",
        "hf://../toy",
        "hf://a/..",
        "hf://a/b@",
        "hf://a/b@../c",
        "hf://a/b@-x",
        "hf://a/b@v1@v2",
        "hf://a--b/c",
        "hf:///etc/passwd",
        "hf://a/b\n",
        "hf://a/b@v//1",
        "hf://ä/b",
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(UsageError):
        read_name(text)


def test_no_name_leads_out_of_the_folder_or_into_another_s(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path))
    names = [HubName("a/b"), HubName("a/b", "main"), HubName("a/b", "refs/pr/1"), HubName("a/b", "refs-pr-1")]
    folders = {name.folder for name in names}
    assert len(folders) == len(names)
    assert {folder.parent for folder in folders} == {tmp_path / "hub" / "a" / "b"}


def test_the_commands_on_a_terminal(toy, bright, tmp_path):
    """Another process, where HF_ENDPOINT is what leads to the hub: push, pull, scan, and the hub is gone."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()} | {
        "PYTHONPATH": str(ROOT / "src"),
        "DOCTORED_HOME": str(tmp_path / "home"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }

    def doctored_says(*words):
        command = [sys.executable, "-m", "doctored.cli.main", *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with running_hub() as hub:
        environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token}
        told = doctored_says("push", toy, "ann/toy", "--private", "--revision", "v1").splitlines()
        assert told[0].startswith("pushed toy 1.0.0: http://127.0.0.1")
        name = told[-1].removeprefix("next: doctored pull ")
        assert f"next: doctored scan PICTURES --detector {name}" in doctored_says("pull", name)
    row = json.loads(doctored_says("scan", bright, "--detector", name, "--jsonl"))
    assert row["verdict"] == "fake"
    assert row["detectors"][0]["name"] == "toy"
