import subprocess

import pytest

from benchmarks import machine
from benchmarks.machine import MachineBusyError, commit, describe_machine, processor, require_idle


def git(folder, *words):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_an_edit_to_what_decides_a_figure_marks_the_commit(tmp_path):
    git(tmp_path, "init", "-q")
    for name in ("src/a.py", "benchmarks/results/x.json", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    clean = commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "benchmarks/results/x.json").write_text("2")
    (tmp_path / "README.md").write_text("2")
    assert commit(tmp_path) == clean
    (tmp_path / "src/new.py").write_text("1")
    assert commit(tmp_path) == f"{clean}-dirty"


def test_the_processor_is_read_from_what_the_kernel_says(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Fast 1\nflags\t\t: fpu avx2 amx_bf16\n\nmodel name\t: Fast 2\n")
    assert processor(cpuinfo) == ("Fast 1", ["avx2", "amx_bf16"])


def test_a_machine_is_described_without_its_name():
    described = describe_machine()
    assert {"processor", "flags", "cores", "memory_gb", "os", "python", "libraries"} == set(described)
    assert described["libraries"]["numpy"]


def test_a_busy_machine_is_refused(monkeypatch):
    monkeypatch.setattr(machine, "busy_cores", lambda seconds: 1.2)
    with pytest.raises(MachineBusyError, match="--busy"):
        require_idle()
    monkeypatch.setattr(machine, "busy_cores", lambda seconds: 0.05)
    require_idle()
