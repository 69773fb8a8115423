"""The notebook runs from top to bottom, and is kept without what it printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN = """
import sys, nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text") or list(output.get("data", ())), end="")
"""


def test_there_is_one():
    assert [path.name for path in NOTEBOOKS] == ["quickstart.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_kept_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert codes
    for cell in codes:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert all(cell["metadata"] == {} for cell in cells)


def test_the_quickstart_runs(tmp_path):
    pytest.importorskip("nbclient", reason="nbclient is not installed; make setup installs it")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed; make setup installs it")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "DOCTORED_HOME": str(tmp_path / "home"),
        "DOCTORED_QUICKSTART_PICTURES": "240",
        "DOCTORED_QUICKSTART_EPOCHS": "2",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", RUN, str(ROOT / "notebooks" / "quickstart.ipynb")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "test       20 real     20 fake" in said
    assert "epoch 2  loss " in said
    assert "accuracy   " in said
    assert said.count("image/png") >= 1
    assert (tmp_path / "quickstart" / "run" / "detector.onnx").is_file()
