"""A crew of killable processes that go through a data set; a picture that kills one costs its row only."""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from doctored.data.manifest import Box
from doctored.data.members import Member
from doctored.errors import DataError
from doctored.picture import Limits, Preprocess
from doctored.workers import Child, ChildDied, ChildError, wait_any

WORKER = "doctored.data.decoding_worker"
START_TIMEOUT_S = 120.0
TIME_S = Limits().time_s
MEMORY_BYTES = 4 << 30
# A second chunk waits in the child's pipe, so that it never idles while the parent writes.
_CHUNKS_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one source, decoded in one go: their numbers in the manifest, places and boxes."""

    source: str
    indices: tuple[int, ...]
    places: tuple[Member, ...]
    boxes: tuple[Box | None, ...]

    def one_by_one(self) -> Iterator["Chunk"]:
        for index, place, box in zip(self.indices, self.places, self.boxes, strict=True):
            yield Chunk(self.source, (index,), (place,), (box,))


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came of a chunk: a result for each row, and uint8 pixels [rows, n, n, 3], zeros where it failed.

    A result holds the manifest's columns that decoding fills, or `error` with its code and message.
    """

    indices: tuple[int, ...]
    results: Sequence[dict[str, Any]]
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a worker said of a chunk: a result for each row (and whatever else its `header` holds), and its
    blobs; none where it failed."""

    chunk: Chunk
    header: Mapping[str, Any]
    blobs: Sequence[bytes]

    @property
    def results(self) -> Sequence[dict[str, Any]]:
        results: Sequence[dict[str, Any]] = self.header["results"]
        return results


def decode_chunks(
    chunks: Iterator[Chunk],
    preprocess: Preprocess,
    workers: int,
    equalisation: Mapping[str, Any] | None = None,
) -> Iterator[Decoded]:
    """Decode with `workers` processes, in the order they finish. Raises DataError where none can start."""
    request = {"preprocess": preprocess.to_json(), "equalisation": equalisation}
    size = preprocess.size
    for answered in work_through(chunks, WORKER, request, workers):
        shape = (len(answered.chunk.indices), size, size, 3)
        pixels = np.zeros(shape, np.uint8)
        if answered.blobs:
            pixels = np.frombuffer(answered.blobs[0], np.uint8).reshape(shape)
        yield Decoded(answered.chunk.indices, answered.results, pixels)


def work_through(
    chunks: Iterator[Chunk], worker: str, request: Mapping[str, Any], workers: int
) -> Iterator[Answered]:
    """Give the chunks to `workers` processes that run the module `worker`, each with `request`.

    The module answers {source, rows, **request} with {results} and blobs, and an empty chunk too; a row
    that kills its process or takes 20 s has an `error` for a result. Answers come in the order they are
    done. Raises DataError where no process can start.
    """
    with ExitStack() as stack:
        yield from _Crew(stack, worker, dict(request), workers).work(chunks)


@dataclass(slots=True, eq=False)
class _Worker:
    child: Child
    queue: deque[Chunk] = field(default_factory=deque)
    heard_at: float = field(default_factory=time.monotonic)


class _Crew:
    def __init__(self, stack: ExitStack, module: str, request: dict[str, Any], workers: int) -> None:
        self._stack = stack
        self._module = module
        self._asked = request
        self._time_s = TIME_S
        children = [self._start() for _ in range(workers)]
        self._workers = [_Worker(self._greet(child)) for child in children]
        self._again: deque[Chunk] = deque()

    def work(self, chunks: Iterator[Chunk]) -> Iterator[Answered]:
        while True:
            self._hand_out(chunks)
            busy = [worker for worker in self._workers if worker.queue]
            if not busy:
                return
            patience = min(worker.heard_at for worker in busy) + self._time_s - time.monotonic()
            ready = set(wait_any([worker.child for worker in busy], max(0.0, patience)))
            for worker in busy:
                if worker.child in ready:
                    yield from self._receive(worker)
                elif time.monotonic() - worker.heard_at > self._time_s:
                    yield from self._replace(worker, "timed_out", f"it takes longer than {self._time_s:g} s")

    def _hand_out(self, chunks: Iterator[Chunk]) -> None:
        for worker in self._workers:
            while len(worker.queue) < _CHUNKS_AHEAD:
                chunk = self._again.popleft() if self._again else next(chunks, None)
                if chunk is None:
                    return
                if not worker.queue:
                    worker.heard_at = time.monotonic()
                worker.queue.append(chunk)
                rows = list(zip(chunk.places, chunk.boxes, strict=True))
                worker.child.send(self._request(chunk.source, rows))

    def _receive(self, worker: _Worker) -> Iterator[Answered]:
        try:
            header, blobs = worker.child.receive(0.0)
        except ChildDied:
            yield from self._replace(worker, "unreadable", "it makes the decoder crash")
            return
        worker.heard_at = time.monotonic()
        if "results" in header:
            chunk = worker.queue.popleft()
            yield Answered(chunk, header, blobs)

    def _replace(self, worker: _Worker, code: str, reason: str) -> Iterator[Answered]:
        worker.child.kill()
        failed, *untouched = worker.queue
        worker.queue.clear()
        self._again.extendleft(reversed(untouched))
        if len(failed.indices) > 1:
            self._again.extend(failed.one_by_one())
        else:
            error = {"error": {"code": code, "message": f"{reason}; leave it out"}}
            yield Answered(failed, {"results": [error]}, [])
        worker.child = self._greet(self._start())

    def _start(self) -> Child:
        child = self._stack.enter_context(Child(self._module, memory_bytes=MEMORY_BYTES))
        child.send(self._request("", []))
        return child

    def _greet(self, child: Child) -> Child:
        """Wait for the answer to the first, empty request: what goes wrong here is no picture's fault."""
        try:
            child.receive(START_TIMEOUT_S)
        except ChildError as error:
            said = getattr(error, "stderr", "").splitlines()[-1:]
            raise DataError(
                f"no decoding process can start ({error} {' '.join(said)}); run 'doctored check-up'"
            ) from error
        return child

    def _request(self, source: str, rows: list[Any]) -> dict[str, Any]:
        return {"source": source, "rows": rows, **self._asked}
