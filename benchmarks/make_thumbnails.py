"""Make a training set of thumbnails of other origins, to be trained on together with CIFAKE.

    python -m benchmarks.make_thumbnails --photos PHOTOS --data cifake.zip --out thumbnails

PHOTOS holds `NAME.zip` for every origin to train on of benchmarks/thumbnails.py. Each photo gives several
squares of random place and size, some of them as large as the photo allows, each reduced to 32 pixels by a
random filter; half of them are saved as CIFAKE's pictures are, the others as they are, in PNG. The generated
pictures are treated alike, or whatever was never compressed would be real. OUT gets one zip an origin; beside
it a manifest (`cifake-and-OUT.csv`) lists CIFAKE's rows and these, all of the training split; what comes of
one photo is one group. Train on it:

    doctored train cifake-and-thumbnails.csv --out RUN --set balance=true
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import options as commands
from benchmarks.thumbnails import (
    FILTERS,
    GENERATED,
    QUALITY,
    SIDE,
    TRAINING,
    Origin,
    Pixels,
    read_photos,
    reduce,
)
from doctored.data.files import written_aside
from doctored.data.manifest import Row, concat, from_rows
from doctored.data.readers import read_dataset
from doctored.picture import encode_jpeg, encode_png

CROPS = 10  # squares of random sizes
WHOLE = 4  # of the largest there are, for most thumbnails show the whole photo
SMALLEST = 0.35  # of the shorter side
SAVED = 0.5  # the share that is compressed, like every picture of CIFAKE
ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)


def cut_squares(pixels: Pixels, count: int, whole: int, random: np.random.Generator) -> Iterator[Pixels]:
    """Squares of random size and place, none smaller than a thumbnail; then `whole` of the largest ones."""
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    for smallest in (SMALLEST,) * count + (1.0,) * whole:
        side = max(SIDE, round(shorter * random.uniform(smallest, 1.0)))
        top, left = (int(random.integers(length - side + 1)) for length in (height, width))
        yield pixels[top : top + side, left : left + side]


def make(folder: Path, origin: Origin, crops: int, whole: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """File name, group and bytes of every thumbnail of an origin."""
    for number, (name, pixels) in enumerate(read_photos(folder, origin, least_side=2 * SIDE)):
        random = np.random.default_rng([seed, number])
        for place, square in enumerate(cut_squares(pixels, crops, whole, random)):
            reduced = reduce(square, str(random.choice(list(FILTERS))))
            file, group = f"{origin.name}-{number:05d}-{place:02d}", f"{origin.name}/{name}"
            if random.random() < SAVED:
                yield f"{file}.jpg", group, encode_jpeg(reduced, QUALITY)
            else:
                yield f"{file}.png", group, encode_png(reduced)


def write_origin(photos: Path, origin: Origin, crops: int, whole: int, seed: int, out: Path) -> list[Row]:
    """The zip of an origin's thumbnails, written; a row for each."""
    is_real = origin in TRAINING
    about = Row("", str(out.resolve()), split="train", label="real" if is_real else "fake")
    if not is_real:
        about = replace(about, kind="generated")
    rows = []
    with written_aside(out) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as archive:
        for file, group, data in make(photos, origin, crops, whole, seed):
            member = f"train/{'REAL' if is_real else 'FAKE'}/{file}"
            archive.writestr(zipfile.ZipInfo(member, ARCHIVE_TIME), data)
            rows.append(replace(about, id=f"thumbnails/{member}", member=member, group=group))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = commands.parser(__doc__ or "", timed=False)
    parser.add_argument("--photos", type=Path, required=True, help="the folder with the origins' photos")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write; the manifest beside it")
    parser.add_argument("--crops", type=int, default=CROPS, help="thumbnails a photo, of any size")
    parser.add_argument("--whole", type=int, default=WHOLE, help="and of the largest squares")
    parser.add_argument("--seed", type=int, default=0, help="of the places, sizes, filters and formats")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = [
        row
        for origin in (*TRAINING, *GENERATED)
        for row in write_origin(
            options.photos,
            origin,
            options.crops,
            options.whole,
            options.seed,
            options.out / f"{origin.name}.zip",
        )
    ]
    cifake = read_dataset(commands.data_of(options).resolve())
    manifest = options.out.with_name(f"cifake-and-{options.out.name}.csv")
    # no reader: together they are no longer the set that CIFAKE's reader knows
    concat([cifake, from_rows(rows, replace(cifake.metadata, reader=None))]).to_csv(manifest)
    photos = len({row.group for row in rows})
    print(f"{len(rows):,} thumbnails of {photos:,} photos in {options.out}; with CIFAKE's rows in {manifest}")


if __name__ == "__main__":
    main()
