"""The audit's worker, called in this process: starting others takes longer than these tests."""

from doctored.data.audit.examining_worker import handle
from doctored.data.decoding import Answered


def work_through(chunks, worker, request, workers):
    for chunk in chunks:
        answers = []
        rows = [list(row) for row in zip(chunk.places, chunk.boxes, strict=True)]
        asked = {"source": chunk.source, "rows": rows, **request}
        handle(asked, [], lambda *frame, answers=answers: answers.append(frame))
        header, blobs = answers[-1]
        yield Answered(chunk, header, blobs)
