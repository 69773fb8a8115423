"""The child that examines: told its settings once, then batches; it answers rows, and that it is alive."""

import gc
import os
import time
from collections.abc import Callable
from typing import Any

# numpy's BLAS would start a thread for each core as it is loaded, which takes a third of the time to import
# numpy; a scan multiplies no matrices outside onnxruntime.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if __name__ == "__main__":
    gc.disable()  # nothing that is imported becomes garbage; looking for it takes a twelfth of the start

from doctored.detector.session import available_providers
from doctored.errors import DoctoredError
from doctored.scan.examine import Examiner
from doctored.scan.items import Item, read_item, write_rows
from doctored.scan.settings import Settings
from doctored.workers import Reply, serve

HEARTBEAT_S = 0.25


class Worker:
    """One examiner behind frames.

    Asked `{"settings": ..., "threads": n}` it answers `{"ready": true}`, or `{"failed": [kind, message]}`.
    Asked `{"items": [...]}`, with blobs, it answers frames of rows (`items.write_rows`) until every item has
    its row; and `{"alive": true}` now and then before that.
    """

    def __init__(self, make: Callable[[Settings, int], Examiner] = Examiner) -> None:
        self._make = make
        self._examiner: Examiner | None = None
        self._spoke = 0.0

    def handle(self, header: dict[str, Any], blobs: list[bytes], reply: Reply) -> None:
        if "settings" in header:
            self._open(Settings.from_json(header["settings"]), header["threads"], reply)
        elif self._examiner is not None:
            self._examine(self._examiner, [read_item(item, blobs) for item in header["items"]], reply)

    def _open(self, settings: Settings, threads: int, reply: Reply) -> None:
        try:
            self._examiner = self._make(settings, threads)
        except DoctoredError as error:
            reply({"failed": [type(error).__name__, str(error)]})
        else:
            reply({"ready": True})

    def _examine(self, examiner: Examiner, items: list[Item], reply: Reply) -> None:
        def alive() -> None:
            if time.monotonic() - self._spoke > HEARTBEAT_S:
                reply({"alive": True})
                self._spoke = time.monotonic()

        for rows in examiner.examine(items, alive):
            reply(*write_rows(rows))
            self._spoke = time.monotonic()


def main() -> None:
    # Imports onnxruntime now, while the parent still reads its command line.
    available_providers()
    gc.freeze()
    gc.enable()
    serve(Worker().handle)


if __name__ == "__main__":
    main()
