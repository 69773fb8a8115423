"""What there is in the zoo, in figures: counted on networks without weights, so that nothing is computed."""

import statistics
import time
from typing import NamedTuple

import torch

from doctored.models.base import Network, build_network, count_parameters, registered_networks

TIMED_BATCH = 16
TIMED_SECONDS = 2.0


class Entry(NamedTuple):
    """A network of the zoo. A library (`hf/`) has neither parameters, bytes nor cells: its networks have.

    `fp32_bytes`: the least that a detector file of it has. `size`: the side in pixels it was published for.
    `cells`: height and width of its evidence map then.
    """

    name: str
    about: str
    size: int
    parameters: int | None = None
    fp32_bytes: int | None = None
    cells: tuple[int, int] | None = None


def list_networks() -> list[Entry]:
    """Every network, those of few parameters first, then the libraries."""
    entries = [
        Entry(name, found.about, found.size)
        if name.endswith("/")
        else describe(name, found.about, found.size)
        for name, found in registered_networks().items()
    ]
    return sorted(entries, key=lambda entry: (entry.parameters is None, entry.parameters or 0, entry.name))


def describe(name: str, about: str, size: int) -> Entry:
    with torch.device("meta"), torch.no_grad():
        made = build_network(name).eval()
        _, _, *cells = made(torch.empty(1, 3, size, size)).map.shape
    return Entry(name, about, size, count_parameters(made), count_bytes(made), (cells[0], cells[1]))


def count_bytes(network: Network) -> int:
    """Bytes of a detector file's fp32 numbers: the network's own, and the matrix of its distance."""
    own: int = sum(value.numel() for value in network.state_dict().values())
    width = network.place_width()
    return 4 * (own + width * (width + 1))


def pictures_per_second(name: str, size: int) -> float:
    """Median speed of a forward pass over a batch of random pictures on this machine's processor."""
    made = build_network(name).eval()
    x = torch.rand(TIMED_BATCH, 3, size, size, generator=torch.Generator().manual_seed(0))
    seconds: list[float] = []
    with torch.inference_mode():
        made(x)
        while len(seconds) < 3 or sum(seconds) < TIMED_SECONDS:
            started = time.perf_counter()
            made(x)
            seconds.append(time.perf_counter() - started)
    return TIMED_BATCH / statistics.median(seconds)
