"""What a JPEG tells of its past: whose quantisation tables, saved how often, on which grid; numpy only.

Both checks and explain look here, so it lies in the room that both may reach. Nothing in it opens a file.
"""

from doctored.picture.jpeg_history.aligned import (
    SAVED_TWICE_SCORE,
    Recompression,
    block_evidence,
    find_recompression,
)
from doctored.picture.jpeg_history.blocks import as_stored, as_upright, upright_box
from doctored.picture.jpeg_history.coding import component_table, own_luma_table
from doctored.picture.jpeg_history.shifted import SPACING, ShiftedGrid, find_shifted_grids
from doctored.picture.jpeg_history.tables import TableMatch, identify_tables, standard_table

__all__ = [
    "SAVED_TWICE_SCORE",
    "SPACING",
    "Recompression",
    "ShiftedGrid",
    "TableMatch",
    "as_stored",
    "as_upright",
    "block_evidence",
    "component_table",
    "find_recompression",
    "find_shifted_grids",
    "identify_tables",
    "own_luma_table",
    "standard_table",
    "upright_box",
]
