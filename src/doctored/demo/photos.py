"""Photos that ship inside the wheels of the demo extra; nothing is downloaded, no package is imported."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from doctored.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class Photo:
    """An authentic photo: where it lies in which package, what it shows, whose it is."""

    name: str
    package: str
    member: str
    shows: str
    credit: str


PHOTOS = (
    Photo("astronaut", "skimage", "data/astronaut.png", "Eileen Collins, astronaut", "NASA, public domain"),
    Photo("cat", "skimage", "data/chelsea.png", "Chelsea the cat", "Stéfan van der Walt, CC0"),
    Photo("coffee", "skimage", "data/coffee.png", "A cup of coffee", "Rachel Michetti, CC0"),
    Photo("rocket", "skimage", "data/rocket.jpg", "Falcon 9 before its launch", "SpaceX, public domain"),
    Photo(
        "motorcycle",
        "skimage",
        "data/motorcycle_left.png",
        "A motorcycle",
        "Middlebury 2014 stereo data, Scharstein et al.",
    ),
    Photo("temple", "sklearn", "datasets/images/china.jpg", "A temple", "danielbuechele, CC BY 2.0"),
    Photo("dahlia", "sklearn", "datasets/images/flower.jpg", "A dahlia", "vultilion, CC BY 2.0"),
    Photo(
        "admiral",
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "Grace Hopper, rear admiral",
        "US Navy, public domain",
    ),
)


def find_photos() -> dict[str, Path]:
    """The photos that are installed, by name; MissingExtra where none is."""
    found = {}
    for photo in PHOTOS:
        path = _find(photo)
        if path is not None:
            found[photo.name] = path
    if not found:
        raise MissingExtra("demo", "the demo shows photos that ship inside other packages, and so")
    return found


def _find(photo: Photo) -> Path | None:
    spec = importlib.util.find_spec(photo.package)
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place, *photo.member.split("/"))
        if path.is_file():
            return path
    return None
