"""What holds for every test: no network, nothing outside a temporary folder, the same numbers each time."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

# Two cores: a thread pool inside a worker pool runs slower than either, so it is set before any import.
os.environ.setdefault("OMP_NUM_THREADS", "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "doctored", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("doctored")


@pytest.fixture(scope="session", autouse=True)
def doctored_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the program remembers goes to a folder of the test session's own, whatever a fixture's scope."""
    home = tmp_path_factory.mktemp("doctored-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCTORED_HOME", str(home))
        yield home


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_at_home(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):  # type: ignore[index]
            raise AssertionError(f"a test reached for the network: {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect_at_home)
