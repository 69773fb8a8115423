"""What a figure was taken on: the commit, the kind of machine, and whether it was idle."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
DECIDES_FIGURES = ("src", "benchmarks", "recipes", "pyproject.toml", "constraints.txt")
TELLING_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "bf16",
    "sve",
)
LIBRARIES = ("numpy", "pillow", "onnxruntime", "c2pa-python", "torch", "accelerate")
MAX_BUSY_CORES = 0.15


class MachineBusyError(RuntimeError):
    """Something else is running; a figure taken now would say more about it than about us."""


def commit(root: Path = ROOT) -> str:
    """The commit's first 12 digits, with `-dirty` when a file that can change a figure was edited."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    present = [name for name in DECIDES_FIGURES if (root / name).exists()]
    edited = git("status", "--porcelain", "--", *present, ":!benchmarks/results")
    return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if edited else "")


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, list[str]]:
    """The processor's model name, and which of the instruction sets that matter to us it has."""
    if not cpuinfo.exists():
        return platform.processor() or platform.machine(), []
    fields: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return fields.get("model name", platform.machine()), [flag for flag in TELLING_FLAGS if flag in flags]


def describe_machine() -> dict[str, Any]:
    """Everything about this machine that a reader needs to judge a figure, and nothing that names it."""
    model, flags = processor()
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": model,
        "flags": flags,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "os": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "libraries": libraries,
    }


def busy_cores(seconds: float = 2.0) -> float:
    """How many cores, on average, were at work while this process slept."""
    before = psutil.cpu_times()
    time.sleep(seconds)
    after = psutil.cpu_times()
    idle = after.idle - before.idle + getattr(after, "iowait", 0.0) - getattr(before, "iowait", 0.0)
    return max(0.0, (os.cpu_count() or 1) - float(idle) / seconds)


def require_idle(seconds: float = 2.0) -> None:
    """Raise `MachineBusyError` when more than a seventh of one core is taken."""
    busy = busy_cores(seconds)
    if busy > MAX_BUSY_CORES:
        raise MachineBusyError(
            f"{busy:.2f} cores are busy with something else; wait for it to end, or pass --busy for figures "
            "that are printed and not kept"
        )
