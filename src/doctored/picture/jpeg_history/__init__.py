"""What a JPEG tells of its past: whose quantisation tables, saved how often, on which grid; numpy only.

Both checks and explain look here, so it lies in the room that both may reach. Nothing in it opens a file.
"""

from doctored.picture.jpeg_history.aligned import Recompression, find_recompression
from doctored.picture.jpeg_history.blocks import MIN_SIDE, as_stored, upright_box
from doctored.picture.jpeg_history.shifted import SPACING, ShiftedGrid, find_shifted_grids
from doctored.picture.jpeg_history.tables import TableMatch, identify_tables, standard_table

__all__ = [
    "MIN_SIDE",
    "SPACING",
    "Recompression",
    "ShiftedGrid",
    "TableMatch",
    "as_stored",
    "find_recompression",
    "find_shifted_grids",
    "identify_tables",
    "standard_table",
    "upright_box",
]
