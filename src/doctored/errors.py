"""Every error that Doctored raises on purpose.

DoctoredError                   exit code 4: could not run
├── UsageError                  exit code 2: the caller asked for something that makes no sense
├── PictureError                one picture cannot be decoded; `scan` turns it into a row
├── DetectorError               no such detector, or its file is broken, foreign or misbehaves
├── DataError                   a data set, manifest, pack or run folder is broken
├── TrainingError               a training run or an export cannot go on
└── MissingExtra                an optional part of Doctored is not installed

A message is one line that ends with what to do next. Errors of other libraries are translated
where that library enters the package, and nowhere else.
"""

from enum import StrEnum


class DoctoredError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = 4


class UsageError(DoctoredError):
    exit_code = 2


class PictureErrorCode(StrEnum):
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_A_PICTURE = "not_a_picture"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    UNREADABLE = "unreadable"
    TIMED_OUT = "timed_out"


class PictureError(DoctoredError):
    """A picture that cannot be examined: `code` for programs, `message` for people."""

    def __init__(self, code: PictureErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = PictureErrorCode(code)
        self.message = message

    def __reduce__(self) -> tuple[type["PictureError"], tuple[PictureErrorCode, str]]:
        return (PictureError, (self.code, self.message))


class DetectorError(DoctoredError):
    pass


class DataError(DoctoredError):
    pass


class TrainingError(DoctoredError):
    pass


class MissingExtra(DoctoredError):
    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the extra '{extra}': pip install 'doctored[{extra}]'")
        self.extra = extra
        self.purpose = purpose

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, str]]:
        return (MissingExtra, (self.extra, self.purpose))
