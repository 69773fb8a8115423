"""The cells of Content Credentials: what was signed by whom, what happened to it, and what must be found."""

import io
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

from PIL import Image

from doctored.checks.credentials import CredentialsCheck
from doctored.checks.trust import UsedTrust
from doctored.records import Kind, Says, Strength
from provenance import (
    Authority,
    Cell,
    Expected,
    Signer,
    action,
    definition,
    plain,
    sign,
    sign_oneself,
    trust,
)
from time_stamps import time_stamping

GENERATED, COMPOSITE, CAPTURE = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "digitalCapture",
)
REMOTE_URL = "http://127.0.0.1:9/manifest.c2pa"

MADE = definition(action("c2pa.created", GENERATED))
MIXED = definition(action("c2pa.created", COMPOSITE))
TAKEN = definition(action("c2pa.created", CAPTURE))
OPENED = action("c2pa.opened", parameters={"ingredientIds": ["i0"]})
PLACED = action("c2pa.placed", parameters={"ingredientIds": ["i1"]})

SAYS_GENERATED = Expected("credential_says_generated", Says.FAKE, Strength.DECISIVE, Kind.GENERATED)
SAYS_EDITED = Expected("credential_says_edited_with_ai", Says.FAKE, Strength.DECISIVE, Kind.EDITED_WITH_AI)
DECLARES_GENERATED = Expected("declares_generated_by_stranger", Says.FAKE, Strength.WEAK, Kind.GENERATED)
DECLARES_EDITED = Expected("declares_ai_edit_by_stranger", Says.FAKE, Strength.WEAK, Kind.EDITED_WITH_AI)
SAYS_CAPTURED = Expected("credential_says_captured", Says.REAL, Strength.DECISIVE)
PASSES_ON_CAPTURE = Expected("credential_says_captured", Says.REAL, Strength.STRONG)
DECLARES_CAPTURE = Expected("declares_capture_by_stranger", Says.REAL, Strength.WEAK)
CAPTURE_EDITED = Expected("credential_says_edited")
INTACT = Expected("credential_intact")
CHANGED = Expected("credential_changed_after_signing")
UNREADABLE = Expected("credential_unreadable")
NOT_CHECKED = Expected("credential_not_checked")


# ------------------------------------------------------------------------------------------- who signs


@cache
def house() -> Authority:
    return Authority("Toy House")


@cache
def stranger() -> Authority:
    return Authority("Toy Stranger")


@cache
def insider() -> Signer:
    return house().issue("Toy Camera")


@cache
def outsider() -> Signer:
    return stranger().issue("Toy Nobody")


@cache
def loner() -> Signer:
    return sign_oneself("Toy Loner")


def by_house() -> UsedTrust:
    return trust(house().certificate)


def by_both() -> UsedTrust:
    return trust(house().certificate, stranger().certificate)


# ------------------------------------------------------------------------------------------ what is made


@cache
def signed(
    image_format: str, who: Callable[[], Signer], manifest: Callable[[], dict[str, Any]], seed: int = 0
) -> bytes:
    return sign(plain(image_format, seed), image_format, who(), manifest())


def made() -> dict[str, Any]:
    return MADE


def mixed() -> dict[str, Any]:
    return MIXED


def taken() -> dict[str, Any]:
    return TAKEN


def signed_jpeg(manifest: dict[str, Any], *ingredients: tuple[str, Callable[[], bytes]]) -> bytes:
    return sign(plain("JPEG"), "JPEG", insider(), manifest, [(how, make()) for how, make in ingredients])


generated_jpeg = partial(signed, "JPEG", insider, made)
captured_jpeg = partial(signed, "JPEG", insider, taken)
stranger_jpeg = partial(signed, "JPEG", outsider, made)


@cache
def mayflies() -> dict[str, bytes]:
    """Signed in time by a certificate that has ended by now, which certificates do on whole seconds.

    By whose clock the time is stamped: nobody's, that of the house, a stranger's.
    """
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    signer = house().issue("Toy Mayfly", until=until)
    signed = {"nobody": sign(plain("JPEG"), "JPEG", signer, MADE)}
    for whose, authority in (("house", house()), ("stranger", stranger())):
        with time_stamping(authority.issue("Toy Clock", stamps_time=True)) as url:
            signed[whose] = sign(plain("JPEG"), "JPEG", signer, MADE, stamp_url=url)
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds() + 1.05))
    return signed


def expired() -> bytes:
    return mayflies()["nobody"]


def expired_and_stamped(whose: str) -> bytes:
    return mayflies()[whose]


def edited_generated() -> bytes:
    """A generated picture, opened and coloured, and that opened and coloured again."""
    manifest = definition(OPENED, action("c2pa.color_adjustments"))
    return signed_jpeg(manifest, ("parentOf", partial(signed_jpeg, manifest, ("parentOf", generated_jpeg))))


def collage() -> bytes:
    manifest = definition(OPENED, PLACED)
    return signed_jpeg(manifest, ("parentOf", captured_jpeg), ("componentOf", generated_jpeg))


def prompted() -> bytes:
    """A generated picture was looked at while this one was drawn; it is not in it."""
    manifest = definition(action("c2pa.created", "digitalCreation"))
    return signed_jpeg(manifest, ("inputTo", generated_jpeg))


def published(*, lists_all: bool) -> bytes:
    manifest = definition(OPENED, action("c2pa.published"), lists_all=lists_all)
    return signed_jpeg(manifest, ("parentOf", captured_jpeg))


def camera_photo() -> bytes:
    """A photo with a camera's Exif, to which a stranger adds that it was generated."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R5"
    file = io.BytesIO()
    Image.open(io.BytesIO(plain("JPEG"))).save(file, "JPEG", exif=exif)
    return sign(file.getvalue(), "JPEG", outsider(), MADE)


def remote() -> bytes:
    return sign(plain("JPEG"), "JPEG", insider(), MADE, remote_url=REMOTE_URL, embeds=False)


def also_remote() -> bytes:
    return sign(plain("JPEG"), "JPEG", insider(), MADE, remote_url=REMOTE_URL)


# -------------------------------------------------------------------------------------- what is done to it


def changed(image_format: str, manifest: Callable[[], dict[str, Any]] = made) -> bytes:
    """Other content under the same manifest, in a file that still decodes."""
    data = bytearray(signed(image_format, insider, manifest))
    if image_format == "PNG":
        return bytes(data).replace(chunk(b"IEND", b""), chunk(b"tEXt", b"Comment\0new") + chunk(b"IEND", b""))
    if image_format == "TIFF":  # not compressed: any run of pixels can be found
        pixels = Image.open(io.BytesIO(plain("TIFF"))).tobytes()
        data[data.index(pixels[:64])] ^= 1
        return bytes(data)
    if image_format == "GIF":  # a comment before the trailer
        return bytes(data[:-1]) + b"\x21\xfe\x01x\x00;"
    if image_format in ("AVIF", "HEIF"):
        return bytes(data) + (16).to_bytes(4, "big") + b"junk" + bytes(8)
    # A few coded bytes from the end of the picture, which is the end of the file before it was signed.
    payload = plain(image_format)
    data[data.index(payload[-40:-20]) + 10] ^= 1
    return bytes(data)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk (PNG, third edition, §5.3)."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def manifest_segment(data: bytes) -> tuple[int, int]:
    """Where the first APP11 segment of a JPEG begins and ends."""
    place = 2
    while data[place + 1] != 0xEB:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place, place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def truncated_jpeg() -> bytes:
    data = generated_jpeg()
    begin, end = manifest_segment(data)
    body = data[begin + 4 : begin + (end - begin) // 2]
    return data[:begin] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[end:]


def truncated_png() -> bytes:
    data = signed("PNG", insider, made)
    place = data.index(b"caBX") - 4
    length = int.from_bytes(data[place : place + 4], "big")
    body = data[place + 8 : place + 8 + length // 2]
    return data[:place] + chunk(b"caBX", body) + data[place + 12 + length :]


def transplanted() -> bytes:
    """A camera's manifest on another picture."""
    data, other = captured_jpeg(), plain("JPEG", seed=1)
    begin, end = manifest_segment(data)
    return other[:2] + data[begin:end] + other[2:]


def marked() -> bytes:
    """Words that a signed picture holds too, in a comment: nothing is signed, so nothing is found."""
    words = b"jumb c2pa trainedAlgorithmicMedia " + b"c2pa.assertions"
    data = plain("JPEG")
    return data[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + data[2:]


def forged_box() -> bytes:
    """A JUMBF box that calls itself a manifest store and holds words."""
    label = bytes.fromhex("63327061001100108000 00aa00389b71".replace(" ", "")) + b"\x03c2pa\0"
    description = (len(label) + 8).to_bytes(4, "big") + b"jumd" + label
    inner = description + b"trainedAlgorithmicMedia"
    box = (len(inner) + 8).to_bytes(4, "big") + b"jumb" + inner
    body = b"JP" + (1).to_bytes(2, "big") + (1).to_bytes(4, "big") + box
    data = plain("JPEG")
    return data[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


# ------------------------------------------------------------------------------------------------- cells


def cell(
    image_format: str,
    case: str,
    make: Callable[[], bytes],
    *expected: Expected,
    trusted: Callable[[], UsedTrust] = by_house,
) -> Cell:
    return Cell(image_format, case, make, lambda: CredentialsCheck(trusted()), expected)


in_jpeg = partial(cell, "JPEG")


def jpeg_definition(*actions: dict[str, Any], **more: bool) -> Callable[[], bytes]:
    return partial(signed_jpeg, definition(*actions, **more))


def cells_of_every_format(image_format: str) -> list[Cell]:
    make = partial(signed, image_format)
    return [
        cell(image_format, "generated, trusted", partial(make, insider, made), SAYS_GENERATED),
        cell(image_format, "part generated, trusted", partial(make, insider, mixed), SAYS_EDITED),
        cell(image_format, "captured, trusted", partial(make, insider, taken), SAYS_CAPTURED),
        cell(image_format, "generated, a stranger", partial(make, outsider, made), DECLARES_GENERATED),
        cell(
            image_format,
            "generated, no list",
            partial(make, insider, made),
            DECLARES_GENERATED,
            trusted=UsedTrust,
        ),
        cell(image_format, "changed after signing", partial(changed, image_format), CHANGED),
    ]


STANDING_CELLS = [
    in_jpeg("generated, signed by oneself", partial(signed, "JPEG", loner, made), DECLARES_GENERATED),
    in_jpeg("generated, two listed", stranger_jpeg, SAYS_GENERATED, trusted=by_both),
    in_jpeg("generated, expired since", expired, DECLARES_GENERATED),
    in_jpeg("generated, expired, no list", expired, DECLARES_GENERATED, trusted=UsedTrust),
    in_jpeg("generated, stamped, expired since", partial(expired_and_stamped, "house"), SAYS_GENERATED),
    in_jpeg(
        "generated, stamped by a stranger, expired",
        partial(expired_and_stamped, "stranger"),
        DECLARES_GENERATED,
    ),
    in_jpeg("part generated, a stranger", partial(signed, "JPEG", outsider, mixed), DECLARES_EDITED),
    in_jpeg("captured, a stranger", partial(signed, "JPEG", outsider, taken), DECLARES_CAPTURE),
    in_jpeg("captured, no list", captured_jpeg, DECLARES_CAPTURE, trusted=UsedTrust),
    in_jpeg("planted on a camera's photo", camera_photo, DECLARES_GENERATED),
]

STATEMENT_CELLS = [
    in_jpeg(
        "generated, gathered",
        jpeg_definition(action("c2pa.created", GENERATED), is_attributed=False),
        SAYS_GENERATED,
    ),
    in_jpeg(
        "generated, https address",
        jpeg_definition(
            action("c2pa.created", f"https://cv.iptc.org/newscodes/digitalsourcetype/{GENERATED}")
        ),
        SAYS_GENERATED,
    ),
    in_jpeg(
        "a generator's step on a photo",
        jpeg_definition(action("c2pa.created", CAPTURE), action("c2pa.edited", GENERATED)),
        SAYS_EDITED,
    ),
    in_jpeg("made by an algorithm", jpeg_definition(action("c2pa.created", "algorithmicMedia")), INTACT),
    in_jpeg("drawn by hand", jpeg_definition(action("c2pa.created", "digitalCreation")), INTACT),
    in_jpeg(
        "captured, gathered",
        jpeg_definition(action("c2pa.created", CAPTURE), is_attributed=False),
        PASSES_ON_CAPTURE,
    ),
    in_jpeg(
        "captured by computation",
        jpeg_definition(action("c2pa.created", "computationalCapture")),
        SAYS_CAPTURED,
    ),
    in_jpeg(
        "captured and published",
        jpeg_definition(action("c2pa.created", CAPTURE), action("c2pa.published")),
        SAYS_CAPTURED,
    ),
    in_jpeg(
        "captured and coloured",
        jpeg_definition(action("c2pa.created", CAPTURE), action("c2pa.color_adjustments")),
        CAPTURE_EDITED,
    ),
]

INGREDIENT_CELLS = [
    in_jpeg("a generated parent's child's child", edited_generated, SAYS_GENERATED),
    in_jpeg("a generated part on a capture", collage, SAYS_EDITED),
    in_jpeg("a generated picture as input", prompted, INTACT),
    in_jpeg("a capture, published, all listed", partial(published, lists_all=True), SAYS_CAPTURED),
    in_jpeg("a capture, published, not all", partial(published, lists_all=False), CAPTURE_EDITED),
    in_jpeg(
        "a stranger's generated parent",
        partial(signed_jpeg, definition(OPENED), ("parentOf", stranger_jpeg)),
        DECLARES_GENERATED,
    ),
    in_jpeg(
        "a changed generated parent",
        partial(signed_jpeg, definition(OPENED), ("parentOf", partial(changed, "JPEG"))),
        INTACT,
    ),
]

DAMAGE_CELLS = [
    in_jpeg("a capture changed after signing", partial(changed, "JPEG", taken), CHANGED),
    in_jpeg("a manifest from another picture", transplanted, CHANGED),
    in_jpeg("half a manifest", truncated_jpeg, UNREADABLE),
    cell("PNG", "half a manifest", truncated_png, UNREADABLE),
    in_jpeg("a box with words in it", forged_box, UNREADABLE),
    in_jpeg("words in a comment", marked),
    in_jpeg("only an address", remote, NOT_CHECKED),
    in_jpeg("a manifest and an address", also_remote, SAYS_GENERATED),
    in_jpeg("nothing", partial(plain, "JPEG")),
]

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF"]
HEIF_CELLS = cells_of_every_format("HEIF")
CELLS = [
    *(one for name in FORMATS for one in cells_of_every_format(name)),
    *STANDING_CELLS,
    *STATEMENT_CELLS,
    *INGREDIENT_CELLS,
    *DAMAGE_CELLS,
]
