"""From nothing to a page: gather, judge, draw."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from doctored.data.files import written_aside
from doctored.demo.exhibits import gather
from doctored.demo.judge import Judged, judge
from doctored.demo.sheet import draw_page
from doctored.records import Label


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Where the page and its pictures are, and what came out."""

    page: Path
    pictures: Path
    judged: tuple[Judged, ...]

    @property
    def counts(self) -> dict[Label, int]:
        found = Counter(one.label for one in self.judged)
        return {label: found[label] for label in Label}


def run_demo(out: Path, data: Path | None = None, detectors: Sequence[str | Path] | None = None) -> Shown:
    """Write `index.html` and the folder `pictures` into `out`.

    `data` is a labelled data set of which 24 test pictures are shown as well. Raises MissingExtra where
    none of the packages with photos is installed, DataError for a broken data set or a full disk.
    """
    judged = judge(gather(out / "pictures", data), detectors)
    with written_aside(out / "index.html") as aside:
        aside.write_text(draw_page(judged), encoding="utf-8")
    return Shown(out / "index.html", out / "pictures", tuple(judged))
