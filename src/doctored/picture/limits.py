"""What a picture may cost: limits as a value that is passed in, never a global."""

import math
from dataclasses import dataclass, fields

from doctored.errors import UsageError

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be. `decode` keeps all of them but the clock, before any pixel exists.

    `max_bytes` of the file; `max_pixels` and `max_side` of the stored picture; `max_metadata_bytes` of
    everything in the file that is not the picture (profiles, Exif, XMP, comments, text), also after its
    decompression; `max_frames` of an animation that may be looked at (`decode` looks at the first);
    `time_s` for one picture, kept by whoever can kill the decoder's process.
    """

    max_bytes: int = 256 * MIB
    max_pixels: int = 200_000_000
    max_side: int = 65_500
    max_metadata_bytes: int = 32 * MIB
    max_frames: int = 1
    time_s: float = 20.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = (int, float) if field.name == "time_s" else int
            if isinstance(value, bool) or not isinstance(value, wanted) or not 0 < value < math.inf:
                kind = "number" if field.name == "time_s" else "whole number"
                raise UsageError(f"the limit {field.name} is {value!r}; give a {kind} above 0")
