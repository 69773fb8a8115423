import errno

import pytest

from doctored.data.files import told_plainly, written_aside
from doctored.errors import DataError


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file"
    with written_aside(path) as aside:
        aside.write_text("first")
        assert not path.exists()

    def fail(aside):
        aside.write_text("second")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), written_aside(path) as aside:
        fail(aside)
    assert path.read_text() == "first"


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "Permission denied")]
)
def test_the_operating_system_is_translated(tmp_path, number, said):
    with pytest.raises(DataError, match=said), told_plainly(tmp_path):
        raise OSError(number, "Permission denied")
