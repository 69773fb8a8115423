"""Make a training set of real thumbnails, to be trained on together with CIFAKE.

    python -m benchmarks.make_thumbnails --photos PHOTOS --data cifake.zip --out thumbnails.zip

PHOTOS holds `NAME.zip` for every training origin of benchmarks/thumbnails.py. Each photo gives several
squares of random place and size, each reduced to 32 pixels by a random filter and saved as CIFAKE's pictures
are. Beside the zip a manifest (`cifake-and-thumbnails.csv`) lists CIFAKE's rows and these, all `real`, in the
training split; a photo's thumbnails are one group. Train on it:

    doctored train cifake-and-thumbnails.csv --out RUN --set balance=true
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import options as commands
from benchmarks.thumbnails import FILTERS, QUALITY, SIDE, TRAINING, Origin, Pixels, read_photos, reduce
from doctored.data.files import written_aside
from doctored.data.manifest import Row, concat, from_rows
from doctored.data.readers import read_dataset
from doctored.picture import encode_jpeg

CROPS = 10
SMALLEST = 0.35  # of the shorter side
ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)


def cut_squares(pixels: Pixels, count: int, random: np.random.Generator) -> Iterator[Pixels]:
    """Squares of random size and place, none smaller than a thumbnail."""
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    for _ in range(count):
        side = max(SIDE, round(shorter * random.uniform(SMALLEST, 1.0)))
        top, left = (int(random.integers(length - side + 1)) for length in (height, width))
        yield pixels[top : top + side, left : left + side]


def make(folder: Path, origin: Origin, crops: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Member name, group and JPEG bytes of every thumbnail of an origin."""
    for number, (name, pixels) in enumerate(read_photos(folder, origin, least_side=2 * SIDE)):
        random = np.random.default_rng([seed, number])
        for place, square in enumerate(cut_squares(pixels, crops, random)):
            reduced = reduce(square, str(random.choice(list(FILTERS))))
            file = f"train/REAL/{origin.name}-{number:05d}-{place:02d}.jpg"
            yield file, f"{origin.name}/{name}", encode_jpeg(reduced, QUALITY)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--photos", type=Path, required=True, help="the folder with the origins' photos")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write; the manifest beside it")
    parser.add_argument("--crops", type=int, default=CROPS, help="thumbnails a photo")
    parser.add_argument("--seed", type=int, default=0, help="of the places, sizes and filters")
    options = parser.parse_args(arguments)
    rows = []
    with written_aside(options.out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
        for origin in TRAINING:
            for file, group, data in make(options.photos, origin, options.crops, options.seed):
                archive.writestr(zipfile.ZipInfo(file, ARCHIVE_TIME), data)
                source = str(options.out.resolve())
                name = f"thumbnails/{file}"
                rows.append(Row(name, source=source, member=file, label="real", split="train", group=group))
    cifake = read_dataset(commands.data_of(options).resolve())
    manifest = options.out.with_name(f"cifake-and-{options.out.stem}.csv")
    # no reader: together they are no longer the set that CIFAKE's reader knows
    concat([cifake, from_rows(rows, replace(cifake.metadata, reader=None))]).to_csv(manifest)
    photos = len({row.group for row in rows})
    print(f"{len(rows):,} thumbnails of {photos:,} photos in {options.out}; with CIFAKE's rows in {manifest}")


if __name__ == "__main__":
    main()
