"""How the file is built and called: what it holds beside its picture, and what does not fit.

Nothing here speaks for or against a picture: ordinary cameras, phones, platforms and programs leave all of
it. It tells an examiner where to look, and which questions the file cannot answer any more.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from doctored.checks.base import Check, neutral
from doctored.checks.registry import CheckSettings, register
from doctored.checks.texts import LIMITS, sentence
from doctored.records import Finding
from doctored.untrusted import clean

if TYPE_CHECKING:
    from doctored.picture import Picture
    from doctored.picture.container import Container, OtherPicture

EXTENSIONS = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif", "jif", "mpo"),
    "PNG": ("png", "apng"),
    "WEBP": ("webp",),
    "TIFF": ("tif", "tiff"),
    "GIF": ("gif",),
    "BMP": ("bmp", "dib"),
    "AVIF": ("avif", "avifs", "heif", "hif"),
    "HEIF": ("heic", "heif", "hif", "heics", "heifs"),
}
# Those that promise something else than any picture that is read; all others say nothing.
FOREIGN_EXTENSIONS = frozenset((
    "jxl", "jp2", "jpx", "j2k", "psd", "psb", "ico", "svg", "xcf", "exr", "hdr", "pdf", "txt", "html", "zip",
    "rar", "7z", "mp3", "mp4", "mov", "avi", "webm", "doc", "docx",
))  # fmt: skip
KNOWN_EXTENSIONS = FOREIGN_EXTENSIONS.union(*EXTENSIONS.values())
SHOWN_FORMATS = {"WEBP": "WebP", "HEIF": "HEIC"}
ANIMATED, FRAMES = frozenset(("GIF", "PNG", "WEBP")), "frames"

# IPTC 2:40, as documented since 2014 (Stack Overflow, question 31120222; E. Jusupovic, 2019).
FACEBOOK_MARK = b"FBMD"
FACEBOOK_FIELD, FACEBOOK_VALUE = "SpecialInstructions", r"FBMD[0-9a-fA-F]{8,}"
# O. Giudice et al., A Classification Engine for Image Ballistics of Social Data, ICIAP 2017; D.-T.
# Dang-Nguyen et al., Practical Analyses of How Common Social Media Platforms and Photo Storage Services
# Handle Uploaded Images, 2023 (arXiv:2302.12133); H. L. Risemberg, File Structure Analysis of Media Files
# Sent and Received over WhatsApp, University of Colorado Denver, 2020.
# By what is always in it; patterns are compiled when first needed, which most scans never do.
PLATFORM_NAMES = (
    ("_", 3, "Facebook or Instagram", r"\d{5,}_\d{6,}_\d{6,}_[a-z]\.(?:jpe?g|webp|png)"),
    ("-WA", 1, "WhatsApp", r"IMG-(?:19|20)\d{6}-WA\d{4}\.jpe?g"),
)

# One of a kind, and several.
OTHER_PICTURES = {
    "gain map": ("a gain map for bright screens", "gain maps for bright screens"),
    "preview": ("a preview", "previews"),
    "depth map": ("a depth map", "depth maps"),
    "portrait matte": ("a portrait matte", "portrait mattes"),
    "stereo view": ("another stereo view", "further stereo views"),
    "multi-angle view": ("another view", "further views"),
    "part of a panorama": ("another part of a panorama", "further parts of a panorama"),
    "original": ("an original", "originals"),
    "video": ("a short video", "short videos"),
}
FURTHER = ("a further picture", "further pictures")
MAX_OTHERS_OPENED = 20
GAIN_MAP_APP = "ISO 21496-1"
GAIN_MAP_XMP = (b"hdrgm:", b"HDRGainMap")
MAX_PROBLEMS_SHOWN = 20

_neutral = partial(neutral, "container", LIMITS["container"])


class ContainerCheck:
    """Neutral findings `extension_unlike_content`, `data_after_picture`, `several_pictures`, `platform_mark`
    and `broken_structure`; none for a file that is nothing but its picture."""

    name = "container"

    def run(self, picture: "Picture") -> list[Finding]:
        container = picture.container()
        found = [] if picture.name is None else _look_at_name(picture.name, picture.format)
        if container.end < len(picture.bytes):
            found.append(_look_past_end(picture.bytes, container))
        if container.pictures > 1 or container.others:
            found.append(_list_pictures(picture, container))
        if container.iptc is not None and FACEBOOK_MARK in container.iptc:
            found += _look_for_mark(container.iptc)
        if container.problems:
            found.append(_list_problems(container.problems))
        return found


def _look_at_name(name: str, image_format: str) -> list[Finding]:
    found = []
    _, dot, extension = name.lower().rpartition(".")
    if dot and extension in KNOWN_EXTENSIONS and extension not in EXTENSIONS[image_format]:
        shown = SHOWN_FORMATS.get(image_format, image_format)
        text = sentence("extension_unlike_content", extension=extension, format=shown)
        details = {"extension": extension, "format": image_format, "name": clean(name)}
        found.append(_neutral("extension_unlike_content", text, details))
    for mark, count, platform, pattern in PLATFORM_NAMES:
        if name.count(mark) == count and re.fullmatch(pattern, name):
            text = sentence("platform_mark", "name", platform=platform)
            found.append(_neutral("platform_mark", text, {"platform": platform, "name": clean(name)}))
    return found


def _look_past_end(data: bytes, container: "Container") -> Finding:
    from doctored.checks.trailing_data import SHOWN_BYTES, recognize  # late: hardly a file has any

    tail = data[container.end :]
    trailing = recognize(tail, container.xmp)
    text = sentence("data_after_picture", trailing.kind, what=trailing.what, size=_size(len(tail)))
    details = {
        "kind": trailing.kind,
        "what": trailing.what or None,
        "announced": trailing.is_announced,
        "start": container.end,
        "bytes": len(tail),
        "first_bytes": tail[:SHOWN_BYTES].hex(),
    }
    return _neutral("data_after_picture", text, details)


def _size(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def _list_pictures(picture: "Picture", container: "Container") -> Finding:
    kinds = Counter(
        _kind_of(picture, other) if number < MAX_OTHERS_OPENED else other.kind
        for number, other in enumerate(container.others)
    )
    if picture.format in ANIMATED or FRAMES in kinds:
        text = sentence("several_pictures", "frames", pictures=container.pictures)
    elif not kinds:
        text = sentence("several_pictures", "pages", pictures=container.pictures)
    else:
        words = [_in_words(kind, count) for kind, count in kinds.items()]
        listed = ", ".join(words[:-1]) + " and " * (len(words) > 1) + words[-1]
        text = sentence("several_pictures", "others", others=listed)
    return _neutral("several_pictures", text, {"pictures": container.pictures, "others": dict(kinds)})


def _kind_of(picture: "Picture", other: "OtherPicture") -> str:
    """A gain map often says only in its own metadata that it is one."""
    if other.kind != "unspecified" or not other.size:
        return other.kind
    from doctored.picture.container import read_container

    own = read_container(picture.bytes[other.start : other.start + other.size], picture.format)
    is_marked = own.jpeg is not None and GAIN_MAP_APP in own.jpeg.apps
    return "gain map" if is_marked or any(word in (own.xmp or b"") for word in GAIN_MAP_XMP) else other.kind


def _in_words(kind: str, count: int) -> str:
    one, several = OTHER_PICTURES.get(kind, FURTHER)
    return one if count == 1 else f"{count:,} {several}"


def _look_for_mark(iptc: bytes) -> list[Finding]:
    from doctored.picture.metadata.iptc import read_iptc

    marks = [text for text in read_iptc(iptc).get(FACEBOOK_FIELD, ()) if re.match(FACEBOOK_VALUE, text)]
    text = sentence("platform_mark", "instructions")
    return [
        _neutral("platform_mark", text, {"platform": "Facebook or Instagram", "mark": clean(mark)})
        for mark in marks[:1]
    ]


def _list_problems(problems: tuple[str, ...]) -> Finding:
    text = sentence("broken_structure", problem=problems[0])
    return _neutral("broken_structure", text, {"problems": list(problems[:MAX_PROBLEMS_SHOWN])})


@register("container")
def container_checks(settings: CheckSettings) -> Iterable[Check]:
    return [ContainerCheck()]
