import gc
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doctored import workers
from doctored.workers import Child, ChildDied, ChildTimeout, Frame, memory_limit_supported, wait_any

LONG_S = 60.0  # only reached where a test fails

CHILD = """
import os, sys, time
from doctored.workers import serve

def handle(header, blobs, reply):
    do = header["do"]
    if do == "echo":
        reply(header, blobs)
    elif do == "marks":
        for at in range(header["count"]):
            reply({"at": at})
        reply({"done": True}, [b"rows"])
    elif do == "print":
        print("noise on stdout")
        os.write(1, b"more of it")
        sys.stderr.write("x" * 100_000 + "the end")
        reply({"done": True})
    elif do == "sleep":
        reply({"asleep": True})
        time.sleep(3600)
    elif do == "allocate":
        block = bytearray(header["bytes"])
        reply({"allocated": len(block)})
    elif do == "raise":
        raise RuntimeError("the child's own trouble")
    elif do == "where":
        import json
        reply({"json": json.__file__, "folder": os.getcwd()})

if __name__ == "__main__":
    serve(handle)
"""


def make_module(folder: Path, name: str, text: str) -> str:
    (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return name


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return make_module(tmp_path, "toy_child", CHILD)


@pytest.fixture
def child(module):
    with Child(module) as child:
        yield child


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
headers = st.dictionaries(st.text(), json_values, max_size=5)
frames = st.builds(Frame, headers, st.lists(st.binary(max_size=200), max_size=5))


def written(*sent: Frame) -> bytes:
    stream = io.BytesIO()
    for frame in sent:
        workers._write_frame(stream, frame.header, frame.blobs)
    return stream.getvalue()


@given(st.lists(frames, max_size=4))
def test_frames_come_back_as_they_were_sent(sent):
    stream = io.BytesIO(written(*sent))
    assert [workers._read_frame(stream, 10_000) for _ in sent] == sent
    assert workers._read_frame(stream, 10_000) is None


@given(frames, st.data())
def test_a_frame_that_is_cut_short_is_refused(frame, data):
    whole = written(frame)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(ValueError, match="cut short"):
        workers._read_frame(io.BytesIO(whole[:cut]), 10_000)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused_in_one_way(noise):
    try:
        frame = workers._read_frame(io.BytesIO(noise), 1000)
    except ValueError:
        return
    assert frame is None or isinstance(frame.header, dict)


@given(st.integers(1, 2**40))
def test_a_frame_larger_than_allowed_is_refused_before_its_bytes_are_read(size):
    claim = workers._PREFIX.pack(2, 1) + size.to_bytes(8, "big") + b"{}"
    with pytest.raises(ValueError, match="larger than 0" if size else "cut short"):
        workers._read_frame(io.BytesIO(claim), 0)


def test_a_child_answers(child):
    blobs = [b"", b"abc", memoryview(b"x" * 3_000_000)]
    child.send({"do": "echo", "number": 1.5}, blobs)
    header, got = child.receive(LONG_S)
    assert header == {"do": "echo", "number": 1.5}
    assert got == [bytes(blob) for blob in blobs]


def test_one_request_may_have_many_answers_and_they_keep_their_order(child):
    child.send({"do": "marks", "count": 1000})
    assert [child.receive(LONG_S).header["at"] for _ in range(1000)] == list(range(1000))
    assert child.receive(LONG_S) == ({"done": True}, [b"rows"])


def test_what_a_child_prints_is_no_frame_and_is_kept_in_part(child):
    child.send({"do": "print"})
    assert child.receive(LONG_S).header == {"done": True}
    child.send({"do": "raise"})
    with pytest.raises(ChildDied) as caught:
        child.receive(LONG_S)
    assert len(caught.value.stderr) <= 2048
    assert caught.value.stderr.endswith("RuntimeError: the child's own trouble")
    assert caught.value.returncode == 1
    assert not child.is_alive


def test_a_dead_child_stays_dead(child):
    child.send({"do": "raise"})
    for _ in range(2):
        with pytest.raises(ChildDied):
            child.receive(LONG_S)
    child.send({"do": "echo"})


def test_a_child_that_takes_too_long_can_be_killed(child):
    child.send({"do": "sleep"})
    assert child.receive(LONG_S).header == {"asleep": True}
    with pytest.raises(ChildTimeout, match=r"within 0\.1 s"):
        child.receive(0.1)
    assert child.is_alive
    child.kill()
    assert not psutil.pid_exists(child.pid)
    with pytest.raises(ChildDied):
        child.receive(LONG_S)
    child.kill()


def test_sending_never_waits_for_the_child(child):
    child.send({"do": "sleep"})
    assert child.receive(LONG_S).header == {"asleep": True}
    begun = time.monotonic()
    child.send({"do": "echo"}, [bytes(50 << 20)])
    assert time.monotonic() - begun < 5.0
    child.kill()


def test_a_header_that_is_no_json_is_the_callers_mistake(child):
    for header in ({"number": float("nan")}, {"object": object()}):
        with pytest.raises((ValueError, TypeError)):
            child.send(header)
    child.send({"do": "echo"})
    assert child.receive(LONG_S).header == {"do": "echo"}


def test_the_child_that_has_news_is_found_among_others(module):
    with Child(module) as first, Child(module) as second, Child(module) as third:
        assert wait_any([first, second, third], 0.0) == []
        second.send({"do": "echo"})
        assert wait_any([first, second, third], LONG_S) == [second]
        second.receive(0.0)
        third.send({"do": "raise"})
        assert wait_any([first, second, third], LONG_S) == [third]
        with pytest.raises(ChildDied):
            third.receive(0.0)
        assert wait_any([first, second], 0.05) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("sys.stdout.buffer.write(b'nonsense' * 10)", "header is too large"),
        ("sys.stdout.buffer.write(struct.pack('!IIQ', 2, 1, 2**63) + b'{}')", "larger than"),
        ("sys.stdout.buffer.write(struct.pack('!II', 2, 0) + b'[]')", "not a JSON object"),
        ("sys.stdout.buffer.write(struct.pack('!II', 200_000, 0) + b'[' * 200_000)", "broke the protocol"),
        ("sys.stdout.buffer.write(struct.pack('!II', 20, 0) + b'{}')", "cut short"),
        ("sys.exit(7)", "exit code 7"),
        ("os.close(1); time.sleep(3600)", "ended"),
    ],
)
def test_a_child_that_breaks_the_protocol_is_dead_to_its_parent(tmp_path, monkeypatch, line, complaint):
    monkeypatch.syspath_prepend(tmp_path)
    name = make_module(tmp_path, "rogue", f"import os, struct, sys, time\n{line}\nsys.stdout.flush()\n")
    with Child(name) as child:
        with pytest.raises(ChildDied, match=complaint):
            child.receive(LONG_S)
        assert not child.is_alive


def test_a_child_that_floods_its_parent_is_made_to_wait(child):
    child.send({"do": "marks", "count": 5000})
    assert wait_any([child], LONG_S)
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        assert len(child._inbox.frames) <= workers._MAX_WAITING_FRAMES
        time.sleep(0.05)
    assert [child.receive(LONG_S).header["at"] for _ in range(5000)] == list(range(5000))


def test_a_module_that_is_not_there(monkeypatch):
    with Child("no_such_module_anywhere") as child, pytest.raises(ChildDied) as caught:
        child.receive(LONG_S)
    assert "no_such_module_anywhere" in caught.value.stderr
    monkeypatch.setattr(sys, "executable", "/no/such/interpreter")
    with pytest.raises(ChildDied, match="no child process could be started"):
        Child("json")


def test_the_folder_it_is_started_in_is_not_imported_from(module, tmp_path_factory, monkeypatch):
    trap = tmp_path_factory.mktemp("trap")
    (trap / "json.py").write_text("raise SystemExit('trapped')", encoding="utf-8")
    monkeypatch.chdir(trap)
    with Child(module) as child:
        child.send({"do": "where"})
        header = child.receive(LONG_S).header
    assert Path(header["folder"]) == trap.resolve()
    assert not Path(header["json"]).is_relative_to(trap)


@pytest.mark.skipif(not memory_limit_supported(), reason="this platform cannot limit memory")
def test_memory_beyond_the_limit_kills_the_child_only(module):
    with Child(module, memory_bytes=256 << 20) as child:
        child.send({"do": "allocate", "bytes": 64 << 20})
        assert child.receive(LONG_S).header == {"allocated": 64 << 20}
        child.send({"do": "allocate", "bytes": 1 << 30})
        with pytest.raises(ChildDied) as caught:
            child.receive(LONG_S)
    assert caught.value.stderr.endswith("MemoryError")


def test_a_child_nobody_holds_is_ended(module):
    child = Child(module)
    pid = child.pid
    del child
    gc.collect()
    assert not psutil.pid_exists(pid)


def test_a_busy_child_goes_when_its_parent_is_killed(module, tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, module],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        text=True,
    )
    with parent:
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    deadline = time.monotonic() + LONG_S
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


PARENT = """
import sys
from doctored.workers import Child
child = Child(sys.argv[1])
child.send({"do": "sleep"})
child.receive(60.0)
print(child.pid, flush=True)
child.receive(3600.0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signal to one process")
def test_ctrl_c_is_left_to_the_parent(child):
    child.send({"do": "echo"})
    child.receive(LONG_S)
    os.kill(child.pid, signal.SIGINT)
    child.send({"do": "echo"})
    assert child.receive(LONG_S).header == {"do": "echo"}


def test_closing_many_children_leaves_no_thread_and_no_process(module):
    import threading

    before = threading.active_count()
    children = [Child(module) for _ in range(4)]
    for child in children:
        child.kill()
    assert threading.active_count() == before
    assert not any(psutil.pid_exists(child.pid) for child in children)
