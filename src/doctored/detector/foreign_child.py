"""The child process in which a detector file from elsewhere is opened and run; see `foreign.py`."""

import numpy as np

from doctored.detector.outputs import RANKS
from doctored.detector.session import Session, available_providers
from doctored.errors import DetectorError
from doctored.workers import Header, Reply, serve


class ForeignFile:
    """Opens one file, then runs it as often as it is asked to."""

    def __init__(self) -> None:
        self._session: Session | None = None

    def handle(self, header: Header, blobs: list[bytes], reply: Reply) -> None:
        try:
            if self._session is None:
                reply({"at": "opening"})
                self._session = Session(blobs[0], threads=header["threads"])
                if header["try"]:
                    size = self._session.card.preprocess.size
                    self._session.run(np.zeros((1, size, size, 3), np.uint8))
                reply({"done": True})
                return
            outputs = self._session.run(np.frombuffer(blobs[0], np.uint8).reshape(header["shape"]))
        except DetectorError as error:
            reply({"refused": str(error)})
            return
        arrays = {name: getattr(outputs, name) for name in RANKS if getattr(outputs, name) is not None}
        shapes = {name: list(array.shape) for name, array in arrays.items()}
        reply({"done": True, "shapes": shapes}, [array.tobytes() for array in arrays.values()])


if __name__ == "__main__":
    available_providers()  # imports onnxruntime, so that only the file's own needs count against the limit
    serve(ForeignFile().handle)
