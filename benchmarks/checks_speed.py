"""`checks.*`: what every check but the detectors costs, beside decoding the same JPEG.

    python -m benchmarks.checks_speed

`checks.2mp_ratio`, `checks.12mp_ratio`: the time of all registered checks on pictures that are decoded
already, over the time in which Pillow opens the same JPEGs and loads them as RGB; on one core, in turn,
picture by picture. Whatever a check decodes once more (its luma, a thumbnail) is its own time. `*_ms.NAME`:
the share of one check. Pictures: the demo's photos enlarged, with a sensor's noise, quality 90, 4:2:0, a
camera's Exif and a thumbnail.
"""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO

# Before numpy is imported: its threads would be a second core.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

from PIL import Image

from benchmarks import options as commands
from benchmarks.camera_pictures import make_pictures
from benchmarks.paired import interleave, median_figure
from benchmarks.results_file import Figure
from doctored.checks.base import Check, run_checks
from doctored.checks.shipped import CheckSettings, build_checks
from doctored.picture import decode

SIZES = {"2mp": (1632, 1224), "12mp": (4000, 3000)}


def checks_seconds(checks: Sequence[Check], data: bytes) -> list[float]:
    """How long each check takes on one picture, in their order; those that need the same thing share it."""
    picture = decode(data)
    taken = []
    for check in checks:
        began = time.perf_counter()
        (findings,) = run_checks([check], [picture])
        taken.append(time.perf_counter() - began)
        assert not any(finding.code == "could_not_check" for finding in findings), findings
    return taken


def pillow_seconds(data: bytes) -> float:
    began = time.perf_counter()
    with Image.open(BytesIO(data)) as image:
        image.load()
    assert image.mode == "RGB"
    return time.perf_counter() - began


def measure(name: str, pictures: Sequence[bytes], rounds: int) -> dict[str, Figure]:
    checks = build_checks(CheckSettings())
    shares: list[list[float]] = []

    def ours() -> float:
        each = [checks_seconds(checks, data) for data in pictures]
        shares.append([1000 * sum(column) / len(pictures) for column in zip(*each, strict=True)])
        return sum(shares[-1])

    def theirs() -> float:
        return 1000 * sum(map(pillow_seconds, pictures)) / len(pictures)

    figures = interleave(ours, theirs, rounds).figures(f"checks.{name}_ratio", "ms", "checks", "pillow")
    for check, column in zip(checks, zip(*shares[1:], strict=True), strict=True):
        figures[f"checks.{name}_ms.{check.name}"] = median_figure(column, "ms")
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "")
    parser.add_argument("--pictures", type=int, default=6, help="how many pictures of each size")
    parser.add_argument("--rounds", type=int, default=15, help="measured rounds of each side")
    options = parser.parse_args(arguments)
    with suppress(AttributeError):  # only Linux can say which core
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    made = {name: make_pictures(*size, options.pictures) for name, size in SIZES.items()}
    commands.wait_for_idle(options)
    figures: dict[str, Figure] = {}
    for name, pictures in made.items():
        size = sum(map(len, pictures)) / len(pictures)
        print(f"{name}: {len(pictures)} pictures of {size / 2**20:.2f} MiB on average")
        figures |= measure(name, pictures, options.rounds)
    commands.finish("checks_speed", figures, options)


if __name__ == "__main__":
    main()
