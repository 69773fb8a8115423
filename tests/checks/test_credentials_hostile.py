"""Damaged signed files: a finding or none, soon, and never an exception."""

import random
import time

import pytest

import provenance_credentials as cells
from doctored.checks.credentials import CredentialsCheck
from doctored.errors import PictureError
from doctored.picture import decode
from doctored.records import Says
from provenance import plain

CODES = {
    "credential_says_generated",
    "credential_says_edited_with_ai",
    "credential_intact",
    "credential_changed_after_signing",
    "credential_unreadable",
    "credential_not_checked",
}
MUTATIONS = 100
SLOWEST_S = 5.0


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Some bytes flipped, a piece cut out or doubled, a length overwritten; mostly inside the manifest."""
    if data.startswith(b"\x89PNG"):  # the chunk is closed again, for its checksum would give it away
        place = data.index(b"caBX") - 4
        length = int.from_bytes(data[place : place + 4], "big")
        body = damage(data[place + 8 : place + 8 + length], 0, length, chance)
        return data[:place] + cells.chunk(b"caBX", body) + data[place + 12 + length :]
    begin = max(data.find(b"jumb") - 8, 0)
    return damage(data, begin, min(len(data), begin + 3500), chance)


def damage(data: bytes, begin: int, end: int, chance: random.Random) -> bytes:
    changed = bytearray(data)
    place = chance.randrange(begin, end)
    how = chance.randrange(4)
    if how == 0:
        for _ in range(chance.choice([1, 2, 16])):
            changed[chance.randrange(begin, end)] = chance.randrange(256)
    elif how == 1:
        del changed[place : place + chance.choice([1, 7, 400])]
    elif how == 2:
        changed[place:place] = changed[place : place + chance.choice([1, 50, 2000])]
    else:
        changed[place : place + 4] = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
    return bytes(changed)


def signed_png() -> bytes:
    return cells.signed("PNG", cells.insider, cells.made)


def signed_avif() -> bytes:
    return cells.signed("AVIF", cells.insider, cells.mixed)


@pytest.mark.parametrize("make", [cells.generated_jpeg, cells.collage, signed_png, signed_avif])
def test_mutated_signed_files(make):
    chance, data = random.Random(12), make()
    check = CredentialsCheck(cells.by_house())
    examined = 0
    for _ in range(MUTATIONS):
        try:
            picture = decode(mutate(data, chance))
        except PictureError:
            continue
        began = time.perf_counter()
        findings = check.run(picture)
        assert time.perf_counter() - began < SLOWEST_S
        assert len(findings) <= 1
        assert {one.code for one in findings} <= CODES
        examined += 1
    assert examined > MUTATIONS // 3


def test_what_is_believed_is_what_was_signed():
    """C2PA leaves some padding unsigned; a change there may pass, and then nothing that counts is changed."""
    chance, data = random.Random(13), cells.captured_jpeg()
    check = CredentialsCheck(cells.by_house())
    original = decode(data)
    (signed,) = check.run(original)
    for _ in range(3 * MUTATIONS):
        try:
            picture = decode(mutate(data, chance))
        except PictureError:
            continue
        for finding in check.run(picture):
            if finding.code == signed.code:
                assert finding.details == signed.details
                assert (picture.pixels == original.pixels).all()


def test_a_changed_pixel_is_never_believed():
    data = cells.captured_jpeg()
    _, end = cells.manifest_segment(data)
    check = CredentialsCheck(cells.by_house())
    for place in range(end, len(data), 29):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            findings = check.run(decode(bytes(changed)))
        except PictureError:
            continue
        assert [one.says for one in findings] == [Says.NEUTRAL]


@pytest.mark.parametrize("depth", [10, 10_000])
def test_nested_boxes(depth):
    box = b""
    for _ in range(depth):
        box = (len(box) + 8).to_bytes(4, "big") + b"jumb" + box
        if len(box) > 60_000:
            break
    body = b"JP" + (1).to_bytes(2, "big") + (1).to_bytes(4, "big") + box
    data = plain("JPEG")
    hostile = data[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    findings = CredentialsCheck(cells.by_house()).run(decode(hostile))
    assert {one.code for one in findings} <= {"credential_unreadable"}
