"""A scan worker for tests that hangs or dies where a picture's file name says so.

`hang...` and `crash...` do it while decoding, `checkhang...` and `checkcrash...` while checking,
`allcrash...` crashes only among others (never alone), `slow...` takes a third of a second. So does the row of
a picture that took too long, as on a busy machine.
"""

import os
import time
from pathlib import Path

from doctored.scan import examine
from doctored.scan.worker import Worker
from doctored.workers import serve

decode = examine.decode
run_checks = examine.run_checks
RecordError = examine.RecordError
opened: dict[str, str] = {}


def misbehave(name: str, when: str, is_alone: bool = True) -> None:
    if name.startswith(f"{when}hang"):
        time.sleep(600)
    if name.startswith(f"{when}crash") or (name.startswith("all") and not is_alone):
        print("a decoder says goodbye", file=os.sys.stderr, flush=True)  # type: ignore[attr-defined]
        os.abort()
    if name.startswith("slow") and not when:
        time.sleep(0.3)


def fragile_decode(source, limits, path):
    name = Path(source).name if isinstance(source, str) else ""
    misbehave(name, "")
    picture = decode(source, limits, path)
    opened[picture.sha256] = name
    return picture


def fragile_checks(checks, pictures):
    for picture in pictures:
        misbehave(opened[picture.sha256], "check", is_alone=len(pictures) == 1)
    return run_checks(checks, pictures)


def slow_error(code, *more):
    if code == "timed_out":
        time.sleep(0.3)
    return RecordError(code, *more)


examine.RecordError = slow_error
examine.decode = fragile_decode
examine.run_checks = fragile_checks

if __name__ == "__main__":
    serve(Worker().handle)
