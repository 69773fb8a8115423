"""Which JPEGs still show their own luma blocks in their pixels, and under which table."""

from typing import TYPE_CHECKING

from doctored.picture.formats import JPEG
from doctored.picture.jpeg_history.tables import Table

if TYPE_CHECKING:
    from doctored.picture import Picture
    from doctored.picture.container import JpegHeader

MIN_SIDE = 64
"""Of a picture whose past is looked for: 64 blocks at least."""


def component_table(header: "JpegHeader", component: int) -> Table | None:
    """The table of a component, counted as the frame's header does; None where either is missing."""
    if component >= len(header.components):
        return None
    return header.tables.get(header.components[component].table)


def own_luma_table(picture: "Picture") -> Table | None:
    """The luma table of a JPEG whose past can be looked for; else None.

    That is one in grey or YCbCr with luma at full resolution, at least `MIN_SIDE` pixels a side.
    """
    header = picture.container().jpeg if picture.format == JPEG else None
    if header is None or min(picture.stored_size) < MIN_SIDE or picture.mode not in ("L", "RGB"):
        return None
    components = header.components
    if bytes(component.identifier for component in components) == b"RGB":
        return None
    luma = component_table(header, 0)
    if luma is None or min(luma) < 1:
        return None
    first = components[0]
    is_full = all(
        component.horizontal <= first.horizontal and component.vertical <= first.vertical
        for component in components
    )
    return luma if is_full else None
