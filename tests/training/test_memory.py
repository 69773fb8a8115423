"""Freed memory is kept: a step that takes what the one before returned costs no page faults."""

import ctypes
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from doctored.training.memory import keep_memory

if sys.argv[1] == "keep":
    keep_memory()

def step():
    tensors = [torch.ones(4 << 20) for _ in range(4)]  # 16 MiB each

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc's malloc"
)
def test_what_a_step_freed_is_not_taken_from_the_system_again() -> None:
    kept, returned = (
        int(subprocess.run([sys.executable, "-c", FAULTS, word], capture_output=True, check=True).stdout)
        for word in ("keep", "return")
    )
    assert kept < 1_000
    assert returned > 10_000  # else this test would show nothing
