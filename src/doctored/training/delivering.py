"""Pictures sent through delivery chains ahead of the training loop, in processes of their own.

In a thread they would hold Python's lock, for which the loop waits after every operation of torch.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from doctored.errors import TrainingError
from doctored.workers import Child, ChildError

WORKER = "doctored.picture.delivery_worker"
TIMEOUT_S = 600.0

Pixels = NDArray[np.uint8]
Seeds = Sequence[Sequence[int]]
Deliver = Callable[[Pixels, Seeds], Pixels]


@contextlib.contextmanager
def delivering(share: float, processes: int) -> Iterator[Deliver]:
    """A function of pictures, uint8 [N, H, W, 3], and of what seeds the generator of each: by the probability
    `share` each goes through a chain of its own (`picture.delivery.deliver`).

    The work is shared out to `processes` children, which live as long as the context. Raises TrainingError
    where one of them ends or falls silent.
    """
    with contextlib.ExitStack() as stack:
        try:
            children = [stack.enter_context(Child(WORKER)) for _ in range(processes)]
            yield lambda pixels, seeds: np.concatenate(list(share_out(children, share, pixels, seeds)))
        except ChildError as error:
            raise TrainingError(f"the pictures of a batch could not be delivered: {error}") from error


def share_out(children: Sequence[Child], share: float, pixels: Pixels, seeds: Seeds) -> Iterator[Pixels]:
    """The delivered pictures, a part from each child, in their order."""
    parts = [part for part in np.array_split(np.arange(len(pixels)), len(children)) if len(part)]
    for child, part in zip(children, parts, strict=False):
        header = {"shape": [len(part), *pixels.shape[1:]], "share": share, "seeds": [seeds[n] for n in part]}
        child.send(header, [pixels[part].data])
    for child, part in zip(children, parts, strict=False):
        (delivered,) = child.receive(TIMEOUT_S).blobs
        yield np.frombuffer(delivered, np.uint8).reshape(len(part), *pixels.shape[1:])
