"""The other side of benchmarks/scan_speed.py: decode, stack, run; no checks, no limits, no records.

    python -m benchmarks.bare_scan FOLDER DETECTOR.onnx

Without FOLDER it only imports numpy, Pillow and onnxruntime and opens the detector.
"""

import os
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

BATCH = 256


def bare_scan(folder: Path, session: onnxruntime.InferenceSession) -> int:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for start in range(0, len(files), BATCH):
        pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files[start : start + BATCH]]
        session.run(None, {"pixels": np.stack(pictures)})
    return len(files)


def main(arguments: list[str]) -> None:
    *folder, detector = arguments
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    session = onnxruntime.InferenceSession(detector, options, providers=["CPUExecutionProvider"])
    if folder:
        print(bare_scan(Path(folder[0]), session))


if __name__ == "__main__":
    main(sys.argv[1:])
