"""For maintainers: put a detector file on the shelf.

    python -m doctored.detector.shelve runs/cifake/detector.onnx \\
        --changelog detectors/CHANGELOG.md --golden golden/*.png

The pictures given as `--golden` must lie in one folder; their scores are measured with this very file and
kept beside it, for `doctored check-up` and the tests to compare with. Detectors judge pictures unasked, but
for those shelved `--by-name`.
"""

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path

from doctored.detector.detector import Detector
from doctored.detector.golden import write_golden
from doctored.detector.session import Session
from doctored.detector.shelf import shelve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m doctored.detector.shelve", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--changelog", required=True)
    parser.add_argument("--golden", type=Path, nargs="*", default=[])
    parser.add_argument("--by-name", action="store_true", help="used only where it is named")
    chosen = parser.parse_args()
    file = chosen.file.read_bytes()
    detector = Detector(Session(file), hashlib.sha256(file).hexdigest())
    with tempfile.TemporaryDirectory() as folder:
        golden = None
        if chosen.golden:
            golden = Path(folder)
            pictures = [Path(shutil.copy(picture, golden)) for picture in chosen.golden]
            write_golden(detector, pictures, golden / "golden.json")
        entry = shelve(chosen.file, changelog=chosen.changelog, golden=golden, is_default=not chosen.by_name)
    print(f"{entry.name} {detector.card.version} is on the shelf: {entry.sha256}")


if __name__ == "__main__":
    main()
