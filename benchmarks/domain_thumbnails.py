"""`domain.thumbnails`: real photos reduced to 32×32, from origins never trained on: how many are called fake.

    python -m benchmarks.domain_thumbnails --photos PHOTOS --detector FILE

PHOTOS holds `NAME.zip` for every held-out origin of benchmarks/thumbnails.py. The middle square of each photo
is reduced by four filters. `domain.thumbnails`: the share called fake at probability one half, for the filter
with the most (`.forced.FILTER`: for each). `.abstaining`: called fake at the 1 % budget, the worst filter
again. `.saved`: as the first, after saving as JPEG 75 like the detector's training pictures. `.unsure`: the
share without an answer, all filters together. IDs get the detector's name where it is not `cifake`.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import options as commands
from benchmarks.results_file import Figure, share
from benchmarks.thumbnails import FILTERS, HELD_OUT, QUALITY, SIDE, Pixels, middle, read_photos, reduce
from doctored.detector import DEFAULT_BUDGET, Detector, open_detector
from doctored.picture import distort
from doctored.records import Label


def gather(folder: Path) -> dict[str, Pixels]:
    """By filter, uint8 [N, 32, 32, 3]: the middle squares of all held-out photos that are large enough, each
    photo once, though two origins have it."""
    reduced: dict[str, list[Pixels]] = {name: [] for name in FILTERS}
    seen: set[str] = set()
    for origin in HELD_OUT:
        before = len(reduced["area"])
        for _, pixels in read_photos(folder, origin, least_side=2 * SIDE):
            square = middle(pixels)
            if (digest := hashlib.sha256(square.tobytes()).hexdigest()) in seen:
                continue
            seen.add(digest)
            for name, found in reduced.items():
                found.append(reduce(square, name))
        print(f"{origin.name}: {len(reduced['area']) - before} photos")
    return {name: np.stack(found) for name, found in reduced.items()}


def worst(counts: dict[str, int], whole: int) -> Figure:
    return share(max(counts.values()), whole)


def measure(detector: Detector, thumbnails: dict[str, Pixels]) -> dict[str, Figure]:
    forced, abstaining, saved = (dict.fromkeys(FILTERS, 0) for _ in range(3))
    unsure, whole = 0, len(thumbnails["area"])
    for name, views in thumbnails.items():
        again = np.stack([distort(view, [("jpeg", QUALITY)], 0) for view in views])
        forced[name] = int((detector.run(views).logit >= 0).sum())
        saved[name] = int((detector.run(again).logit >= 0).sum())
        said = [prediction.label for prediction in detector.predict(list(views), DEFAULT_BUDGET)]
        abstaining[name] = said.count(Label.FAKE)
        unsure += said.count(Label.UNSURE)
    figures = {
        "": worst(forced, whole),
        ".abstaining": worst(abstaining, whole),
        ".saved": worst(saved, whole),
    }
    figures[".unsure"] = share(unsure, whole * len(FILTERS))
    figures |= {f".forced.{name}": share(count, whole) for name, count in forced.items()}
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--photos", type=Path, required=True, help="the folder with the origins' photos")
    commands.add_detector(parser)
    options = parser.parse_args(arguments)
    thumbnails = gather(options.photos)
    with open_detector(options.detector) as detector:
        name = detector.card.name
        found = measure(detector, thumbnails)
    own = commands.id_part(name)
    commands.finish(
        "domain_thumbnails",
        {f"domain.thumbnails{own}{key}": figure for key, figure in found.items()},
        options,
    )


if __name__ == "__main__":
    main()
