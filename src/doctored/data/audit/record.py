"""What is known of one picture, as a fixed number of bytes: a million of them are about 400 MB."""

import numpy as np

from doctored.data.audit.perceptual import THUMBNAIL_SIDE
from doctored.data.audit.pixel_statistics import NAMES

CATEGORIES = ("format", "mode", "subsampling", "tables")
"""Columns of words: a record holds a number for each, the words are told beside the records."""

RECORD = np.dtype(
    [
        ("is_read", "?"),
        ("file_digest", "u1", (32,)),
        ("pixels_digest", "u1", (32,)),
        ("width", "i4"),
        ("height", "i4"),
        ("file_bytes", "i8"),
        ("quality", "f4"),
        ("has_exif", "?"),
        *((name, "i4") for name in CATEGORIES),
        ("sums", "i8", (3,)),
        ("squares", "i8", (3,)),
        ("hash", "u8"),
        ("is_plain", "?"),
        ("thumbnail", "u1", (THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)),
        ("statistics", "f4", (len(NAMES),)),
    ]
)
"""`file_digest` and `pixels_digest` are SHA-256 as in the manifest; `quality` is libjpeg's as the tables
tell, NaN without; `sums` and `squares` are of each channel's values 0 to 255; `hash` means nothing where
`is_plain`; a picture that could not be read (`is_read` false) has zeros everywhere."""
