"""How a worker is started. A module of its own, for `doctored scan` does this before all else."""

from doctored.errors import DoctoredError
from doctored.workers import Child, ChildDied

WORKER = "doctored.scan.worker"
MEMORY_BYTES = 4 * 2**30  # the largest picture allowed takes about 3 GiB on its way to pixels


def start_worker(module: str = WORKER) -> Child:
    """A worker child that loads its libraries from now on; DoctoredError where none can be started."""
    try:
        return Child(module, memory_bytes=MEMORY_BYTES)
    except ChildDied as error:
        raise DoctoredError(f"{error}; free some memory and processes, and try again") from error
