"""Killable child processes: a request, some answers, a deadline, a memory limit.

A call into C cannot be interrupted from inside a process, and a hostile file can make one crash, hang or
ask for all memory. So such work is done in a child that can be killed. Parent and child exchange frames,
each a JSON object and some binary blobs, over the child's stdin and stdout. Nothing is pickled: a frame
from a child that ran a foreign file is data to be checked, never code.

The parent:

    with Child("doctored.scan.worker", memory_bytes=1 << 30) as child:
        child.send({"do": "measure"}, [picture_bytes])      # never blocks
        header, blobs = child.receive(timeout_s=20.0)       # ChildTimeout, ChildDied

The child, a module that ends with these lines:

    def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
        reply({"at": 1})                                    # as many frames for a request as it likes
        reply({"done": True}, [result.tobytes()])

    if __name__ == "__main__":
        serve(handle)

Several children at once: `wait_any(children, timeout_s)` returns those whose `receive(0)` has something to
say, be it a frame or that the child has died.
"""

import contextlib
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, NamedTuple, Protocol

Header = dict[str, Any]
Blob = bytes | bytearray | memoryview


class Frame(NamedTuple):
    header: Header
    blobs: list[bytes]


class Reply(Protocol):
    def __call__(self, header: Header, blobs: Sequence[Blob] = ()) -> None: ...


MAX_HEADER_BYTES = 4 << 20
MAX_BLOBS = 1024
MAX_FRAME_BYTES = 1 << 30
_MAX_WAITING_FRAMES = 256
_STDERR_BYTES = 2048
_PREFIX = struct.Struct("!II")  # length of the header, number of blobs; then the blobs' lengths, 8 bytes each


class ChildError(Exception):
    """A child that is of no more use; whoever uses children turns this into an error of its own."""


class ChildTimeout(ChildError):
    """No frame came in time. The child is left as it is: kill it, or wait again."""


class ChildDied(ChildError):
    """The child ended, crashed or broke the protocol. `stderr` holds its last 2 kB."""

    def __init__(self, message: str, returncode: int | None = None, stderr: str = "") -> None:
        super().__init__(message)
        self.returncode = returncode
        self.stderr = stderr


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------------- frames


def _write_frame(stream: BinaryIO, header: Header, blobs: Sequence[Blob]) -> None:
    text = json.dumps(header, allow_nan=False).encode()
    views = [memoryview(blob).cast("B") for blob in blobs]
    sizes = struct.pack(f"!{len(views)}Q", *(view.nbytes for view in views))
    stream.write(_PREFIX.pack(len(text), len(views)) + sizes + text)
    for view in views:
        stream.write(view)
    stream.flush()


def _read_frame(stream: BinaryIO, max_bytes: int) -> Frame | None:
    """The next frame, or None where the stream ends; ValueError for one that is broken or too large."""
    prefix = stream.read(_PREFIX.size)
    if not prefix:
        return None
    header_bytes, blob_count = _PREFIX.unpack(_exactly(prefix, _PREFIX.size))
    if header_bytes > MAX_HEADER_BYTES or blob_count > MAX_BLOBS:
        raise ValueError("a frame's header is too large")
    sizes = struct.unpack(f"!{blob_count}Q", _exactly(stream.read(8 * blob_count), 8 * blob_count))
    if sum(sizes) > max_bytes:
        raise ValueError(f"a frame is larger than {max_bytes} bytes")
    header = json.loads(_exactly(stream.read(header_bytes), header_bytes))
    if not isinstance(header, dict):
        raise ValueError("a frame's header is not a JSON object")
    return Frame(header, [_exactly(stream.read(size), size) for size in sizes])


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("a frame is cut short")
    return data


# ------------------------------------------------------------------------------------------------- parent

_news = threading.Condition()  # guards every inbox; told whenever a frame arrives or a child dies


class _Inbox:
    """What the reading threads leave for the parent. It knows no Child, so that one can be collected."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.death: ChildDied | None = None
        self.is_closed = False
        self.stderr = b""

    @property
    def has_news(self) -> bool:
        return bool(self.frames) or self.death is not None


class Child:
    """A child process that runs `python -m module`; a context manager, always reaped.

    `memory_bytes` is what the child may allocate (address space) beyond what it holds when `serve` begins;
    it has no effect where `memory_limit_supported()` is false. A frame from the child may carry at most
    `max_frame_bytes`. It imports from the same places as this process, and never from the folder it is
    started in.
    """

    def __init__(
        self, module: str, *, memory_bytes: int | None = None, max_frame_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        places = [*filter(None, sys.path), str(Path(__file__).parents[1])]
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(memory_bytes or 0)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
            )
        except OSError as error:
            raise ChildDied(f"no child process could be started: {error}") from error
        self.module = module
        self._inbox = _Inbox()
        self._outbox: SimpleQueue[tuple[Header, Sequence[Blob]] | None] = SimpleQueue()
        errors = _start_thread(_drain_stderr, process, self._inbox)
        threads = [
            errors,
            _start_thread(_pump_out, process, self._outbox),
            _start_thread(_pump_in, process, self._inbox, errors, max_frame_bytes),
        ]
        self._process = process
        self._stop = weakref.finalize(self, _stop_child, process, self._inbox, self._outbox, threads)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._stop.alive and self._process.poll() is None

    def send(self, header: Header, blobs: Sequence[Blob] = ()) -> None:
        """Queue one frame for the child and return at once; blobs must stay unchanged until it answers."""
        json.dumps(header, allow_nan=False)  # a header that cannot be sent is the caller's mistake, told here
        self._outbox.put((header, blobs))

    def receive(self, timeout_s: float) -> Frame:
        """The child's next frame, in order; ChildTimeout or ChildDied where none comes in time."""
        if not wait_any([self], timeout_s):
            raise ChildTimeout(f"no answer within {timeout_s:g} s")
        with _news:
            if self._inbox.frames:
                frame = self._inbox.frames.popleft()
                _news.notify_all()
                return frame
            raise self._inbox.death or ChildDied("the child was stopped")

    def kill(self) -> None:
        """End the child at once and reap it; what it was doing is lost. Safe to call again."""
        self._stop()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def wait_any(children: Iterable[Child], timeout_s: float) -> list[Child]:
    """Those children that have a frame or have died, as soon as there is one; empty after `timeout_s`."""
    children = list(children)
    deadline = time.monotonic() + timeout_s
    with _news:
        while True:
            ready = [child for child in children if child._inbox.has_news]
            left = deadline - time.monotonic()
            if ready or left <= 0:
                return ready
            _news.wait(left)


def _start_thread(function: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def _pump_out(process: subprocess.Popen[bytes], outbox: "SimpleQueue[Any]") -> None:
    stream: Any = process.stdin
    with contextlib.suppress(OSError):  # the child is gone: the reading thread tells
        while (item := outbox.get()) is not None:
            _write_frame(stream, *item)
    with contextlib.suppress(OSError):
        stream.close()


def _pump_in(
    process: subprocess.Popen[bytes], inbox: _Inbox, errors: threading.Thread, max_bytes: int
) -> None:
    stream: Any = process.stdout
    complaint = ""
    try:
        while (frame := _read_frame(stream, max_bytes)) is not None:
            with _news:
                inbox.frames.append(frame)
                _news.notify_all()
                # A child that floods its parent is made to wait in its pipe.
                _news.wait_for(lambda: len(inbox.frames) < _MAX_WAITING_FRAMES or inbox.is_closed)
    except (ValueError, RecursionError, MemoryError) as error:
        complaint = f"the child broke the protocol: {error}"
        process.kill()
    stream.close()
    try:
        process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        process.kill()
    returncode = process.wait()
    errors.join(timeout=1.0)
    stderr = inbox.stderr.decode("utf-8", "replace").strip()
    complaint = complaint or f"the child ended (exit code {returncode})"
    with _news:
        inbox.death = ChildDied(complaint, returncode, stderr)
        _news.notify_all()


def _drain_stderr(process: subprocess.Popen[bytes], inbox: _Inbox) -> None:
    stream: Any = process.stderr
    with stream:
        while chunk := stream.read1(_STDERR_BYTES):
            inbox.stderr = (inbox.stderr + chunk)[-_STDERR_BYTES:]


def _stop_child(
    process: subprocess.Popen[bytes],
    inbox: _Inbox,
    outbox: "SimpleQueue[Any]",
    threads: list[threading.Thread],
) -> None:
    process.kill()
    with _news:
        inbox.is_closed = True
        inbox.frames.clear()
        _news.notify_all()
    outbox.put(None)
    process.wait()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(timeout=2.0)
    with _news:
        inbox.frames.clear()


# -------------------------------------------------------------------------------------------------- child


def memory_limit_supported() -> bool:
    """Whether `memory_bytes` is kept here: it is where the kernel counts address space (Linux, FreeBSD)."""
    return sys.platform.startswith(("linux", "freebsd"))


def serve(handle: Callable[[Header, list[bytes], Reply], None]) -> None:
    """Answer the parent's frames, one after another, until it goes away; an exception ends the child.

    Whatever libraries print goes to stderr, for stdout carries the frames. The child leaves as soon as its
    parent is gone, even in the middle of a request (where the work lets go of Python's lock now and then).
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _limit_memory(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    lock = threading.Lock()
    waiting: SimpleQueue[Frame] = SimpleQueue()

    def reply(header: Header, blobs: Sequence[Blob] = ()) -> None:
        with lock:
            _write_frame(answers, header, blobs)

    def listen() -> None:
        with contextlib.suppress(Exception):
            while (frame := _read_frame(requests, sys.maxsize)) is not None:
                waiting.put(frame)
        os._exit(0)

    _start_thread(listen)
    while True:
        header, blobs = waiting.get()
        handle(header, blobs, reply)
        del header, blobs  # not held while waiting for the next


def _limit_memory(extra_bytes: int) -> None:
    if sys.platform == "win32" or not memory_limit_supported():
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no core file behind
    if extra_bytes:
        limit = _address_space_bytes() + extra_bytes
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    except OSError:
        return 1 << 30  # no procfs: room for the interpreter and its libraries
