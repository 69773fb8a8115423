"""Batches to rows in worker children: one crash, hang or hostile picture costs its own row and no other's."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import NamedTuple, Protocol

from doctored import errors
from doctored.errors import DoctoredError, PictureErrorCode
from doctored.scan.items import Batch, Item, ItemError, Row, read_rows, write_item
from doctored.scan.settings import Settings
from doctored.scan.start import WORKER, start_worker
from doctored.workers import Child, ChildDied, Frame, available_cores, wait_any

START_S = 180.0  # foreign detectors are tried out before a worker is ready
MAX_DEFAULT_WORKERS = 8
AHEAD = 2  # requests a worker holds, so that it never waits for its parent
WINDOW = 32  # batches a worker may be ahead of the oldest that is not done


Done = tuple[int, list[Row]]


class Executor(Protocol):
    """Whoever can examine batches: here in child processes, elsewhere on a cluster."""

    def map_unordered(self, settings: Settings, batches: Iterable[Batch]) -> Generator[Done, None, None]:
        """For every batch its number and its rows, in the order of its items; batches in any order."""
        ...


class LocalExecutor:
    """Worker children on this machine: `workers` of them, by default one for each core, at most 8.

    `warm` is one that was started beforehand.

    The first worker starts with the first batch, another whenever all are busy, up to `workers`. A batch
    whose worker hangs (silent for the time limit) or dies is done again, one picture at a time in a new
    worker; whoever hangs or dies then, alone, gets the row `timed_out` or `unreadable`.
    """

    def __init__(
        self, workers: int | None = None, *, warm: Child | None = None, module: str = WORKER
    ) -> None:
        self.workers = workers or min(available_cores(), MAX_DEFAULT_WORKERS)
        self._warm = warm
        self._module = module

    def map_unordered(self, settings: Settings, batches: Iterable[Batch]) -> Generator[Done, None, None]:
        crew = _Crew(self.workers, settings, self._module, self._warm)
        self._warm = None
        try:
            yield from crew.work(iter(batches))
        finally:
            crew.dismiss()


class _Request(NamedTuple):
    """Some items of one batch that still lack their rows, with their positions in it."""

    batch: int
    items: list[Item]
    positions: list[int]


class _Worker:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.is_ready = False
        self.spoke = time.monotonic()
        self.requests: deque[_Request] = deque()


class _Crew:
    def __init__(self, size: int, settings: Settings, module: str, warm: Child | None) -> None:
        self._size = size
        self._settings = settings
        self._module = module
        self._warm = warm
        self._workers: list[_Worker] = []
        self._todo: deque[_Request] = deque()
        self._rows: dict[int, list[Row | None]] = {}  # of the batches that are begun and not done
        self._newest = 0  # number of the batch that was begun last

    def work(self, batches: Iterator[Batch]) -> Iterator[Done]:
        while self._hand_out(batches):
            for worker in self._listen():
                done = self._receive(worker)
                if done is not None:
                    yield done

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.child.kill()
        if self._warm is not None:
            self._warm.kill()

    def _hand_out(self, batches: Iterator[Batch]) -> bool:
        """Give requests to the workers that have room, start workers where all are busy; false at the end."""
        while self._take(batches):
            worker = self._with_room()
            if worker is None:
                if len(self._workers) == self._size or (self._workers and not self._workers[-1].is_ready):
                    break
                self._start()
            else:
                self._send(worker, self._todo.popleft())
        return bool(self._rows)

    def _take(self, batches: Iterator[Batch]) -> bool:
        """Whether there is something to do that may be begun."""
        if not self._todo:
            batch = None
            if not self._rows or self._newest - min(self._rows) < WINDOW * self._size:
                batch = next(batches, None)
            if batch is not None:
                self._newest = batch.number
                self._rows[batch.number] = [None] * len(batch.items)
                self._todo.append(_Request(batch.number, list(batch.items), list(range(len(batch.items)))))
        return bool(self._todo)

    def _with_room(self) -> _Worker | None:
        ready = [worker for worker in self._workers if worker.is_ready] or self._workers[:1]
        free = [worker for worker in ready if len(worker.requests) < AHEAD]
        return min(free, key=lambda worker: len(worker.requests), default=None)

    def _start(self) -> None:
        child = self._warm or start_worker(self._module)
        self._warm = None
        threads = max(1, available_cores() // self._size)
        child.send({"settings": self._settings.to_json(), "threads": threads})
        self._workers.append(_Worker(child))

    def _send(self, worker: _Worker, request: _Request) -> None:
        blobs: list[bytes] = []
        if worker.is_ready and not worker.requests:
            worker.spoke = time.monotonic()
        worker.child.send({"items": [write_item(item, blobs) for item in request.items]}, blobs)
        worker.requests.append(request)

    def _listen(self) -> list[_Worker]:
        """Those workers that have something to say, or whose time is up."""
        deadlines = {worker: self._deadline(worker) for worker in self._workers}
        left = max(0.0, min(deadlines.values()) - time.monotonic())
        # In short turns, for on some systems a wait cannot be interrupted by Ctrl-C.
        heard = wait_any([worker.child for worker in self._workers], min(left, 0.5))
        now = time.monotonic()
        return [worker for worker in self._workers if worker.child in heard or deadlines[worker] < now]

    def _deadline(self, worker: _Worker) -> float:
        if not worker.is_ready:
            return worker.spoke + START_S
        if not worker.requests:
            return float("inf")
        # nothing is decoded for pictures that have their error: a row takes what a busy machine takes
        is_told = all(item.error is not None for item in worker.requests[0].items)
        return worker.spoke + (START_S if is_told else self._settings.time_s)

    def _receive(self, worker: _Worker) -> Done | None:
        if not wait_any([worker.child], 0.0):
            self._lose(worker, PictureErrorCode.TIMED_OUT, "")
            return None
        try:
            frame = worker.child.receive(0.0)
        except ChildDied as death:
            self._lose(worker, PictureErrorCode.UNREADABLE, death.stderr)
            return None
        worker.spoke = time.monotonic()
        if "failed" in frame.header:
            raise _error(*frame.header["failed"])
        worker.is_ready = worker.is_ready or "ready" in frame.header
        return self._keep_rows(worker, frame) if "rows" in frame.header else None

    def _keep_rows(self, worker: _Worker, frame: Frame) -> Done | None:
        request = worker.requests[0]
        rows = self._rows[request.batch]
        for row in read_rows(frame.header, frame.blobs):
            rows[request.positions.pop(0)] = row
            request.items.pop(0)
        if not request.items:
            worker.requests.popleft()
        finished = [row for row in rows if row is not None]
        if len(finished) < len(rows):
            return None
        del self._rows[request.batch]
        return request.batch, finished

    def _lose(self, worker: _Worker, code: PictureErrorCode, stderr: str) -> None:
        """A worker hangs or is gone: what it had goes back, what it was busy with in single pictures."""
        worker.child.kill()
        self._workers.remove(worker)
        if not worker.is_ready:
            said = stderr.strip().rpartition("\n")[2] or "no answer"
            raise DoctoredError(f"a worker could not start ({said}); run 'doctored check-up'")
        if not worker.requests:
            return
        broken = worker.requests.popleft()
        if len(broken.items) == 1:
            if broken.items[0].error is not None:
                raise DoctoredError("workers end without reason; run 'doctored check-up'")
            error = ItemError(code.value, self._explain(code))
            broken.items[0] = broken.items[0]._replace(error=error)
        again = [
            _Request(broken.batch, [item], [position])
            for item, position in zip(broken.items, broken.positions, strict=True)
        ]
        self._todo.extendleft(reversed([*again, *worker.requests]))

    def _explain(self, code: PictureErrorCode) -> str:
        if code is PictureErrorCode.TIMED_OUT:
            return f"it took longer than {self._settings.time_s:g} s; raise --time-limit to allow more"
        return "the program that decodes it crashed on it; save it again with another program"


def _error(kind: str, message: str) -> DoctoredError:
    """The error that a worker told of, by the name of its class."""
    found = getattr(errors, kind, DoctoredError)
    if found in (errors.UsageError, errors.DetectorError):
        return found(message)
    return DoctoredError(message)
