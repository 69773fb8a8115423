"""What metadata say that cannot all be so: sizes, dates and orientation."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from doctored.picture.metadata.exif import Value

# Clocks are set to local time, and stations to universal time.
SLACK_S = 26 * 3600
FUTURE_S = 48 * 3600
DATES = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")


class Size(NamedTuple):
    """The (width, height) that the metadata give, where the stored picture has another."""

    stated: tuple[int, int]
    is_turned: bool


def find_other_size(tags: Mapping[str, Value], stored: tuple[int, int]) -> Size | None:
    width, height = tags.get("PixelXDimension"), tags.get("PixelYDimension")
    if not isinstance(width, int) or not isinstance(height, int) or width <= 0 or height <= 0:
        return None
    if (width, height) == stored:
        return None
    return Size((width, height), (height, width) == stored)


def find_date_faults(tags: Mapping[str, Value], gps_date: Value, now: float | None = None) -> list[str]:
    """What is impossible about the dates, in words; [] where nothing is, or where dates cannot be read."""
    moments = [_seconds(tags.get(name)) for name in DATES]
    taken, digitised, changed = moments
    faults = []
    if taken is not None and digitised is not None and digitised < taken - SLACK_S:
        faults.append("digitised before it was taken")
    if taken is not None and changed is not None and changed < taken - SLACK_S:
        faults.append("last changed before it was taken")
    latest = max((moment for moment in moments if moment is not None), default=None)
    if latest is not None and latest > (time.time() if now is None else now) + FUTURE_S:
        faults.append("a date in the future")
    located = _seconds(f"{gps_date} 12:00:00") if isinstance(gps_date, str) else None
    if taken is not None and located is not None and abs(located - taken) > SLACK_S + 12 * 3600:
        faults.append("taken on another day than its GPS date")
    return faults


def _seconds(value: Value) -> float | None:
    """A date as Exif writes it (`2024:05:06 07:08:09`), taken for universal time; None for no such date."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    parts = value.replace("-", ":").replace(" ", ":").split(":")[:6]
    if len(parts) < 6 or not all(part.isdecimal() and len(part) <= 4 for part in parts):
        return None
    from datetime import UTC, datetime  # late: most pictures have no dates

    year, month, day, hour, minute, second = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):  # such as 0000:00:00, of a clock that was never set
        return None
