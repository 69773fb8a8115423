"""The child process that delivers pictures: pixels in, delivered ones out."""

import numpy as np

from doctored.picture.delivery import deliver
from doctored.workers import Header, Reply, serve


def handle(header: Header, blobs: list[bytes], reply: Reply) -> None:
    """Answer {shape, share, seeds} and pixels, uint8 [N, H, W, 3], with as many delivered ones.

    Each picture has a generator of its own, made of its `seeds`, a list of numbers.
    """
    pixels = np.frombuffer(blobs[0], np.uint8).reshape(header["shape"])
    delivered = [
        deliver(picture, header["share"], np.random.default_rng(seed))
        for picture, seed in zip(pixels, header["seeds"], strict=True)
    ]
    reply({}, [np.stack(delivered).data])


if __name__ == "__main__":
    serve(handle)
