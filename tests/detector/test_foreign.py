import contextlib
import hashlib
import os
import random
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from doctored.detector import foreign
from doctored.detector.foreign import ForeignLimits, ForeignSession
from doctored.detector.session import Session
from doctored.errors import DetectorError
from doctored.workers import Child, ChildDied, Frame, memory_limit_supported
from toy_detectors import (
    OUTPUTS,
    custom_operator_graph,
    endless_graph,
    external_data_graph,
    greedy_graph,
    lying_graph,
    slow_to_open_graph,
    sparse_graph,
    stuffed_file,
    toy_card,
    toy_file,
    toy_graph,
)

CARD = toy_card()
TOY = toy_file(toy_graph(CARD), CARD.to_json())
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
needs_memory_limit = pytest.mark.skipif(
    not memory_limit_supported(), reason="this platform cannot limit memory"
)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Each test begins with no memory of earlier files."""
    monkeypatch.setenv("DOCTORED_HOME", str(tmp_path / "home"))


def opened(file, **limits):
    return ForeignSession(file, hashlib.sha256(file).hexdigest(), threads=1, limits=ForeignLimits(**limits))


def children():
    return psutil.Process().children()


def refused(file, **limits):
    with pytest.raises(DetectorError) as caught:
        opened(file, **limits).close()
    message = str(caught.value)
    assert message.isprintable()
    assert children() == []
    return message


def test_a_foreign_file_gives_what_it_would_give_here():
    here = Session(TOY, threads=1).run(PIXELS)
    there = opened(TOY)
    try:
        for count in (16, 1, 7):
            outputs = there.run(PIXELS[:count])
            for name in OUTPUTS:
                assert np.allclose(getattr(outputs, name), getattr(here, name)[:count], atol=1e-6)
        assert there.card == CARD
        assert len(children()) == 1
    finally:
        there.close()
    assert children() == []
    with pytest.raises(DetectorError, match="it is closed"):
        there.run(PIXELS)


@needs_memory_limit
@pytest.mark.parametrize("make", [sparse_graph, greedy_graph])
def test_a_graph_that_asks_for_gigabytes(make):
    file = make(gigabytes=8)
    assert len(file) < 4000
    assert "more memory than it may have" in refused(file, memory_bytes=1 << 30)
    assert psutil.Process().memory_info().rss < 2 << 30


@pytest.mark.parametrize("make", [endless_graph, slow_to_open_graph])
def test_a_graph_that_never_ends(make):
    begun = time.monotonic()
    assert "was still opening after 1 s and was stopped" in refused(make(), open_s=1.0)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("make", "because"),
    [
        (lambda: external_data_graph("/etc/hostname"), "external data"),
        (custom_operator_graph, "com.example"),
        (stuffed_file, "metadata is larger"),
        (lambda: b"", "no card"),
        (lambda: b"not a detector", "not an ONNX file"),
        (lambda: TOY[:-100], "cut short"),
        (lambda: lying_graph("distance", "Neg"), "a distance is negative"),
        (lambda: lying_graph("logit", "NoSuchOperator"), "does not open"),
    ],
)
def test_every_other_hostile_file_is_one_line_too(make, because):
    assert because in refused(make())


def test_damaged_files_take_nothing_down():
    generator = random.Random(7)
    for _ in range(8):
        file = bytearray(TOY)
        for _ in range(3):
            file[generator.randrange(len(file))] = generator.randrange(256)
        with contextlib.suppress(DetectorError):
            session = opened(bytes(file), open_s=10.0, run_s=10.0)
            try:
                session.run(PIXELS[:1])
            finally:
                session.close()
    assert children() == []


def test_a_refusal_is_remembered_and_can_be_forgotten(monkeypatch):
    file = lying_graph("distance", "Neg")
    first = refused(file)
    (path,) = (foreign.home() / "opened").iterdir()
    with monkeypatch.context() as without_children:
        without_children.setattr(foreign, "Child", None)
        second = refused(file)
    assert second.startswith(first)
    assert str(path) in second
    path.unlink()
    assert refused(file) == first


def test_a_refusal_by_another_version_is_tried_again(monkeypatch):
    file = lying_graph("distance", "Neg")
    first = refused(file)
    monkeypatch.setattr(foreign, "__version__", "99.0")
    assert refused(file) == first


def test_a_file_that_passed_is_not_tried_again(monkeypatch):
    asked = []

    class Listening(Child):
        def send(self, header, blobs=()):
            asked.append(header)
            super().send(header, blobs)

    monkeypatch.setattr(foreign, "Child", Listening)
    for _ in range(2):
        opened(TOY).close()
    assert [header["try"] for header in asked] == [True, False]


def test_trouble_with_starting_a_child_is_not_the_files_fault(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/no/such/interpreter")
        assert "no child process could be started" in refused(TOY)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "path", ["/nowhere"])
        broken.setattr(foreign, "Child", lambda module, **limits: Child("no_such_module", **limits))
        assert "no_such_module" in refused(TOY)
    opened(TOY).close()


def test_a_child_that_dies_while_running_is_told_and_stays_dead():
    session = opened(TOY)
    children()[0].kill()
    for _ in range(2):
        with pytest.raises(DetectorError, match="lost its process while running") as caught:
            session.run(PIXELS)
        assert str(caught.value).isprintable()
    assert children() == []


def test_a_graph_that_loops_on_some_pictures_only_is_stopped_there():
    file = endless_graph(only_if_bright=True)
    session = opened(file, run_s=5.0)
    dark, bright = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    assert session.run(dark).logit[0] == pytest.approx(-4.0)
    with pytest.raises(DetectorError, match="still running after 5 s"):
        session.run(bright)
    assert children() == []


class Lying:
    """In the child's place: answers with whatever it was given."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self, module, **limits):
        return self

    def send(self, header, blobs=()):
        pass

    def receive(self, timeout_s):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Frame(*answer)

    def kill(self):
        pass


def answer(**changes):
    """Header and blobs of the honest answer for one dark view, with arrays exchanged."""
    arrays = {
        name: np.ascontiguousarray(array)
        for name, array in vars_of(Session(TOY, threads=1).run(PIXELS[:1])).items()
    }
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    blobs = {name: array.tobytes() for name, array in arrays.items()}
    for name, (shape, blob) in changes.items():
        shapes[name], blobs[name] = shape, blob
    return {"done": True, "shapes": shapes}, list(blobs.values())


def vars_of(outputs):
    return {name: getattr(outputs, name) for name in OUTPUTS}


@pytest.mark.parametrize(
    "lie",
    [
        ({"done": True}, []),
        ({"shapes": []}, []),
        ({"shapes": {"logit": [1]}}, []),
        answer(logit=([2], bytes(4))),
        answer(logit=([-1], bytes(4))),
        answer(logit=([True], bytes(4))),
        answer(logit=([1, 2**62], bytes(4))),
        answer(logit=("x", bytes(4))),
        answer(surplus=([1], bytes(4))),
        answer(logit=([1], np.float32(np.nan).tobytes())),
        answer(probability=([1], np.float32(7).tobytes())),
        answer(distance=([1], np.float32(-7).tobytes())),
        answer(evidence=([1, 1, 1], np.float32(70).tobytes())),
        answer(logit=([1, 1], bytes(4))),
        ({"refused": {"not": "\x1b[2J a\ntext"}}, []),
        ({"refused": "x" * 10_000}, []),
        ChildDied("the child ended", -11, "\x1b[31mSegmentation\nfault"),
    ],
)
def test_whatever_the_child_answers_is_checked(monkeypatch, lie):
    monkeypatch.setattr(foreign, "Child", Lying(({"at": "opening"}, []), ({"done": True}, []), lie))
    session = opened(TOY)
    with pytest.raises(DetectorError) as caught:
        session.run(PIXELS[:1])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_the_honest_answer_passes(monkeypatch):
    monkeypatch.setattr(foreign, "Child", Lying(({"at": "opening"}, []), ({"done": True}, []), answer()))
    assert opened(TOY).run(PIXELS[:1]).embedding.shape == (1, 3)


def test_a_process_that_only_runs_foreign_files_never_loads_onnxruntime(tmp_path):
    (tmp_path / "toy.onnx").write_bytes(TOY)
    code = (
        "import sys, numpy\n"
        "from doctored.detector import open_detector\n"
        "with open_detector('toy.onnx') as detector:\n"
        "    assert detector.is_foreign\n"
        "    detector.run(numpy.zeros((3, 32, 32, 3), numpy.uint8))\n"
        "print('onnxruntime' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")
