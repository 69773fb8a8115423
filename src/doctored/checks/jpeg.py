"""A JPEG's history: whose tables, saved how often, on which grid."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from doctored.checks.base import Check, neutral
from doctored.checks.registry import CheckSettings, register
from doctored.checks.texts import LIMITS, sentence
from doctored.picture.formats import JPEG
from doctored.records import Finding, Kind, Says, Strength

if TYPE_CHECKING:
    from doctored.picture import Picture
    from doctored.picture.container import JpegHeader
    from doctored.picture.jpeg_history.shifted import ShiftedGrid
    from doctored.picture.jpeg_history.tables import TableMatch

SHIFTED_SCORE = 9.0
"""Standard deviations, of all windows together: above every base without a shift in the half of
benchmarks/jpeg_double.py that chooses (saved once up to 6.1, saved twice on one grid up to 8.9)."""
PART_SCORE = 9.0
"""Of one window, and what the others must be able to show of its grid."""
ABSENT_SCORE = 2.5
MIN_WINDOWS_WITHOUT = 3

_neutral = partial(neutral, "jpeg", LIMITS["jpeg"])


class JpegCheck:
    """Findings `jpeg_tables`, `jpeg_saved_twice`, `jpeg_grid_shifted` and `jpeg_grids_differ`.

    All are neutral but the last, which is a weak sign of tampering. Of a picture that is too small, or whose
    luma is not what the file holds (CMYK, RGB, subsampled luma), only the tables are named; the finding's
    `details["examined"]` says so.
    """

    name = "jpeg"

    def run(self, picture: "Picture") -> list[Finding]:
        header = picture.container().jpeg if picture.format == JPEG else None
        if header is None:
            return []
        from doctored.picture.jpeg_history.coding import component_table, own_luma_table
        from doctored.picture.jpeg_history.tables import identify_tables

        if (luma := component_table(header, 0)) is None:
            return []
        match = identify_tables(luma, component_table(header, 1))
        is_examined = own_luma_table(picture) is not None
        findings = [_tables_finding(match, header, is_examined)]
        if is_examined:
            findings += _saved_twice(picture, luma, match.quality)
            findings += _shifted_grids(picture, luma)
        return findings


def _tables_finding(match: "TableMatch", header: "JpegHeader", is_examined: bool) -> Finding:
    details: dict[str, Any] = {
        "encoder": match.encoder,
        "quality": match.quality,
        "examined": is_examined,
    }
    if match.preset:
        details["preset"] = match.preset
    if match.encoder is None:
        details["tables"] = {str(number): list(steps) for number, steps in sorted(header.tables.items())}
    variant = match.encoder or "unknown"
    return _neutral(
        "jpeg_tables",
        sentence("jpeg_tables", variant, quality=match.quality, preset=match.preset),
        details,
    )


def _saved_twice(picture: "Picture", luma: tuple[int, ...], last: int) -> list[Finding]:
    from doctored.picture.jpeg_history.aligned import SAVED_TWICE_SCORE, find_recompression
    from doctored.picture.jpeg_history.blocks import as_stored

    found = find_recompression(as_stored(picture.pixels, picture.orientation), luma)
    if found.score < SAVED_TWICE_SCORE:
        return []
    details = {"first_quality": found.quality, "last_quality": last, "blocks": found.blocks}
    text = sentence("jpeg_saved_twice", first=found.quality, last=last)
    return [_neutral("jpeg_saved_twice", text, details, found.score)]


def _shifted_grids(picture: "Picture", luma: tuple[int, ...]) -> list[Finding]:
    from doctored.picture.jpeg_history.blocks import as_stored, upright_box
    from doctored.picture.jpeg_history.shifted import SPACING, find_shifted_grids

    if min(picture.stored_size) < SPACING:
        return []
    whole, windows = find_shifted_grids(as_stored(picture.pixels, picture.orientation), luma)
    strongest = max(windows, key=lambda window: window.score)
    if is_of_a_part(strongest, windows):
        return [
            Finding(
                check="jpeg",
                code="jpeg_grids_differ",
                says=Says.FAKE,
                strength=Strength.WEAK,
                kind=Kind.TAMPERED,
                text=sentence("jpeg_grids_differ"),
                score=strongest.score,
                region=upright_box(strongest.box, picture.orientation, picture.stored_size),
                details=_grid_details(strongest),
                limits=LIMITS["jpeg"],
            )
        ]
    if whole.score < SHIFTED_SCORE:
        return []
    text = sentence("jpeg_grid_shifted", quality=whole.quality)
    return [_neutral("jpeg_grid_shifted", text, _grid_details(whole), whole.score)]


def is_of_a_part(strongest: "ShiftedGrid", windows: "list[ShiftedGrid]") -> bool:
    """Whether the strongest window's earlier grid is missing in others that could well show it."""
    without = [
        window
        for window in windows
        if window.strongest_expected >= PART_SCORE and window.strongest_score < ABSENT_SCORE
    ]
    return strongest.score >= PART_SCORE and len(without) >= MIN_WINDOWS_WITHOUT


def _grid_details(grid: "ShiftedGrid") -> dict[str, Any]:
    return {"grid_begins_down": grid.shift[0], "grid_begins_across": grid.shift[1], "quality": grid.quality}


@register("jpeg")
def jpeg_checks(settings: CheckSettings) -> Iterable[Check]:
    return [JpegCheck()]
