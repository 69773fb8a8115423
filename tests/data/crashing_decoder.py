"""A decoding worker that dies of, or hangs on, members of certain names; for tests of the crew."""

import os
import time

from doctored.data import decoding_worker
from doctored.workers import serve


def handle(header, blobs, reply):
    for place, _ in header["rows"]:
        if "crash" in place[0]:
            os._exit(139)
        if "hang" in place[0]:
            time.sleep(600)
    decoding_worker.handle(header, blobs, reply)


if __name__ == "__main__":
    serve(handle)
