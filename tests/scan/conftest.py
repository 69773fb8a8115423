import pytest

from toy_detectors import build_toy_detector
from toy_pictures import save_one_of_each


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A detector that calls bright 32×32 pictures fake, dark ones real, and grey ones neither."""
    return str(build_toy_detector(tmp_path_factory.mktemp("detector") / "toy.onnx"))


@pytest.fixture
def pictures(tmp_path):
    return save_one_of_each(tmp_path / "pictures")
