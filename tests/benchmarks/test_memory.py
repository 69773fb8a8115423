import subprocess
import sys

import pytest

from benchmarks.memory import peak_pss

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PSS is the Linux kernel's")

MEGABYTE = 2**20


def test_memory_of_a_grandchild_is_counted():
    hold = "import time; held = b'x' * (60 * 2**20); time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    alone = max(peak_pss([sys.executable, "-c", "import time; time.sleep(0.2)"]))
    family = max(peak_pss([sys.executable, "-c", parent]))
    assert 60 * MEGABYTE < family < 60 * MEGABYTE + 4 * alone


def test_a_command_that_fails_is_no_measurement():
    with pytest.raises(subprocess.CalledProcessError):
        peak_pss([sys.executable, "-c", "import time; time.sleep(0.1); raise SystemExit(3)"])
