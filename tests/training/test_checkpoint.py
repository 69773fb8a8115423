from pathlib import Path

import pytest
import torch

from doctored.errors import TrainingError
from doctored.training import checkpoint


def test_round_trip_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.pt"
    checkpoint.save({"network": {"a": torch.arange(3)}, "history": "[]"}, path)
    state = checkpoint.load(path)
    assert torch.equal(state["network"]["a"], torch.arange(3))
    assert [entry.name for entry in path.parent.iterdir()] == ["last.pt"]


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("code from a checkpoint ran",))


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 not a zip"])
def test_foreign_bytes_get_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="not a checkpoint"):
        checkpoint.load(path)


def test_pickled_code_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.pt"
    torch.save({"network": Hostile()}, path)
    with pytest.raises(TrainingError):
        checkpoint.load(path)
    assert "ran" not in capsys.readouterr().out


def test_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no such checkpoint"):
        checkpoint.load(tmp_path / "none.pt")
