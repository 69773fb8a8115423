"""Peak memory of a command and everything it starts, as the kernel shares it out (PSS)."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

INTERVAL_S = 0.02


def tree_pss(root: psutil.Process) -> int:
    """Bytes of PSS of a process and its descendants; those that end meanwhile count as nothing."""
    total = 0
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return total


def peak_pss(
    command: Sequence[str],
    cwd: Path | None = None,
    interval_s: float = INTERVAL_S,
    accept: Sequence[int] = (0,),
) -> list[int]:
    """Run a command to its end; return the PSS of its process tree at each sample, in bytes.

    The peak is the list's maximum. Sampling costs time: never time the run that is measured here.
    Raises CalledProcessError for an exit code that is not in `accept`.
    """
    if not sys.platform.startswith("linux"):
        raise RuntimeError("PSS is the Linux kernel's; run the memory benchmarks on Linux")
    child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    root = psutil.Process(child.pid)
    samples = []
    while child.poll() is None:
        samples.append(tree_pss(root))
        time.sleep(interval_s)
    if child.returncode not in accept:
        raise subprocess.CalledProcessError(child.returncode, command)
    return samples
