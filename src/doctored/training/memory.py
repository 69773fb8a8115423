"""Memory that a step of training gives back is kept for the next one.

Every step takes and returns the same few hundred megabytes. The C library hands large pieces back to the
system, which zeroes them page by page before it lends them again: up to a quarter of a step's time.
"""

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers what mallopt sets
MOST_KEPT = 2**31 - 1  # bytes at the heap's end, the most that it takes
LARGEST_KEPT = 32 << 20  # bytes; larger pieces come from the system each time, whatever it is told


def keep_memory() -> None:
    """Tell this process's malloc to keep what is freed, and torch to ask for huge pages.

    Where there is no glibc (musl, macOS, Windows) malloc is left alone. Huge pages, for pieces of 2 MB and
    more, need a kernel that lends them to who asks, and that torch has not made a large tensor before.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, MOST_KEPT)
        mallopt(MMAP_THRESHOLD, LARGEST_KEPT)
