"""Pictures whose metadata mean harm, made on the spot: text that would be markup, an escape code or a change
of direction if it were believed, in every field that is read; and blocks that lie about themselves."""

import json
import random
import struct
from collections.abc import Iterator, Sequence
from html import escape
from zlib import crc32

import provenance_metadata as made
from provenance_metadata import comment, exif, iptc, photoshop, save, with_segment, with_thumbnail, xmp

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;"
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\nnew line\x08\x7f"
DIRECTIONS = "\u202egnp.exe\u2066\u2069\u200b\u200f\ufeff\u00adend"
TEXTS = {
    "markup": MARKUP,
    "escape codes": ESCAPES,
    "directions": DIRECTIONS,
    "NULs": "a\0b\0\0c",
    "a long text": "fox " * 50_000,
    "beyond Unicode's first plane": "\U0001f98a\U000e0041\U0010ffff",
}
MEGABYTE = 1_000_000


def hostile_pictures(formats: Sequence[str] = made.FORMATS) -> Iterator[tuple[str, bytes]]:
    for name, text in TEXTS.items():
        for image_format in formats:
            for field, data in _with_exif_text(image_format, text[:10_000]):
                yield f"{name} in {field} of {image_format}", data
            for field, packet in xmp_with_text(text):
                yield f"{name} in {field} of {image_format}", save(image_format, packet=packet)
        yield from ((f"{name} in {field}", data) for field, data in _with_png_text(text))
        yield from ((f"{name} in {field}", data) for field, data in _with_jpeg_text(text))
    for image_format in formats:
        for name, packet in hostile_packets():
            yield f"{name} in XMP of {image_format}", save(image_format, packet=packet)
    for name, block in hostile_blocks():
        yield f"{name} in Exif", with_segment(save("JPEG"), 0xE1, b"Exif\0\0" + block[:65_000])


def _with_exif_text(image_format: str, text: str) -> Iterator[tuple[str, bytes]]:
    flat = text.replace("\0", " ")
    yield "Make and Model", save(image_format, block=exif({made.MAKE: flat, made.MODEL: flat}))
    yield "Software", save(image_format, block=exif({made.SOFTWARE: f"GIMP {flat}"}))
    described = {made.MAKE: "Black Forest Labs", made.DESCRIPTION: flat}
    yield "ImageDescription", save(image_format, block=exif(described))
    settings = f"{text}\nNegative prompt: {text}\nSteps: 20, Sampler: {text}, Seed: 1"
    yield "UserComment", save(image_format, block=exif(camera={made.COMMENT: comment(settings)}))
    dated = exif({made.DATE: flat[:60]}, {made.TAKEN: flat[:60]})
    yield "dates", save(image_format, block=dated)


def xmp_with_text(text: str) -> Iterator[tuple[str, bytes]]:
    value = escape("".join(character for character in text if character >= " " and character != "\x7f"))
    yield "CreatorTool", xmp({"xmp:CreatorTool": f"GIMP {value}"})
    yield "AISystemUsed", xmp({"Iptc4xmpExt:AISystemUsed": f"x{value}"})
    step = f'<rdf:li stEvt:action="{value}" stEvt:softwareAgent="{value}" stEvt:when="{value}"/>'
    yield "the history", xmp(elements=f"<xmpMM:History><rdf:Seq>{step}</rdf:Seq></xmpMM:History>")
    yield "DigitalSourceType", xmp({"Iptc4xmpExt:DigitalSourceType": value})
    reference = "".join(f"&#{ord(character)};" for character in text[:1000] if character >= " ")
    yield "references", xmp({"Iptc4xmpExt:AISystemUsed": f"x{reference}"})


def _with_png_text(text: str) -> Iterator[tuple[str, bytes]]:
    flat = text.replace("\0", " ")
    yield "parameters", save("PNG", texts={"parameters": f"{flat}\nSteps: 20, Sampler: {flat}, Seed: 1"})
    graph = {**made.GRAPH, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text}}}
    yield "a graph", save("PNG", texts={"prompt": json.dumps(graph)})
    yield (
        "NovelAI's JSON",
        save("PNG", texts={"Software": "NovelAI", "Comment": json.dumps({"prompt": text})}),
    )
    yield "a description", save("PNG", texts={"Description": f"{flat} Job ID: {made.UUID}"})
    yield "a label", save("PNG", texts={"AIGC": json.dumps({"Label": "1", "ContentProducer": text})})
    yield (
        "SwarmUI's JSON",
        save("PNG", texts={"parameters": json.dumps({"sui_image_params": {"model": text}})}),
    )


def _with_jpeg_text(text: str) -> Iterator[tuple[str, bytes]]:
    datasets = photoshop(iptc((2, 65, f"GIMP {text[:5000]}"), (2, 110, text[:5000])))
    yield "IPTC", with_segment(save("JPEG"), 0xED, datasets)
    said = f"{text[:5000]}\nSteps: 20, Sampler: x, Seed: 1"
    yield "a comment", with_segment(save("JPEG"), 0xFE, said.encode("utf-8", "replace"))


def hostile_packets() -> Iterator[tuple[str, bytes]]:
    yield "ten megabytes of one value", xmp({"xmp:Label": "x" * 10 * MEGABYTE})
    items = "<rdf:li>a</rdf:li>" * 500_000
    yield "ten megabytes of values", xmp(elements=f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>")
    yield "deep nesting", b"<a>" * 3 * MEGABYTE
    deep = "<rdf:Description><dc:x>" * 1000
    yield "deep RDF", xmp(elements=deep)
    yield "entity expansion", made.BILLION
    quadratic = b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 100_000 + b'">]><a>' + b"&x;" * 100_000 + b"</a>"
    yield "quadratic expansion", quadratic
    yield "an external entity", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    yield "an external document type", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>'
    yield "a long name", b"<" + b"a" * MEGABYTE + b"/>"
    yield "many attributes", b"<a " + b" ".join(b'a%d="1"' % number for number in range(100_000)) + b"/>"
    yield "another encoding", b'<?xml version="1.0" encoding="hex"?><a/>'
    yield (
        "UTF-16",
        "\ufeff".encode("utf-16-le") + xmp({"xmp:CreatorTool": "GIMP"}).decode().encode("utf-16-le"),
    )
    step = '<rdf:li stEvt:action="saved"/>'
    yield (
        "a long history",
        xmp(elements=f"<xmpMM:History><rdf:Seq>{step * 100_000}</rdf:Seq></xmpMM:History>"),
    )
    yield "no XML", random.Random(1).randbytes(100_000)


def hostile_blocks() -> Iterator[tuple[str, bytes]]:
    whole = exif(made.CAMERA, {made.COMMENT: comment(made.PARAMETERS)}, made.PLACE).tobytes()[6:]
    yield (
        "a directory that points to itself",
        b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
    )
    yield "a directory behind the end", b"II*\0" + struct.pack("<I", 2**31)
    yield "more tags than there are", b"II*\0\x08\0\0\0\xff\xff" + whole[10:]
    entry = struct.pack("<HHII", made.MAKE, 2, 2**32 - 1, 8)
    yield "a length of four gigabytes", b"II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    same = b"".join(struct.pack("<HHII", tag, 2, 60_000, 0) for tag in (270, 271, 272, 305, 315, 33432) * 150)
    yield "values in one place", b"II*\0\x08\0\0\0" + struct.pack("<H", 900) + same + b"x" * 40_000
    yield "BigTIFF that ends", b"II+\0\x08\0\0\0" + b"\xff" * 8
    yield (
        "a thumbnail behind the end",
        with_thumbnail(made.CAMERA, b"\xff\xd8")[6:].replace(
            struct.pack("<I", 2), struct.pack("<I", 2**31 - 1)
        ),
    )
    yield "a thumbnail of thumbnails", with_thumbnail(made.CAMERA, made.save("JPEG", block=whole_block()))[6:]
    for size in range(0, len(whole), 17):
        yield f"an end after {size} bytes", whole[:size]
    for seed in range(200):
        yield f"bytes changed, {seed}", mutated(whole, seed)


def whole_block() -> bytes:
    return with_thumbnail(made.CAMERA, made.jpeg_of(made.scene(3, 48, 32)))


def mutated(data: bytes, seed: int, first: int = 0) -> bytes:
    """`data` with a few bytes changed, from `first` on; in one of four also cut out or doubled, which leaves
    few of them decodable. Pure."""
    dice = random.Random(seed)
    ways = 2 if dice.randrange(4) else 4
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(first, max(first + 1, len(changed) - 4))
        way = dice.randrange(ways)
        if way == 0:
            changed[place : place + 1] = bytes([dice.randrange(256)])
        elif way == 1:
            changed[place : place + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"))
        elif way == 2:
            del changed[place : place + dice.randint(1, 16)]
        else:
            changed[place:place] = changed[place : place + dice.randint(1, 64)]
    return mended(bytes(changed))


def mended(data: bytes) -> bytes:
    """A PNG with the checksums of its chunks set right, as far as its chunks can be followed: a reader that
    checks them would never see what was changed. Anything else as it is."""
    if not data.startswith(b"\x89PNG"):
        return data
    right = bytearray(data)
    place = 8
    while place + 12 <= len(right):
        end = place + 8 + int.from_bytes(right[place : place + 4], "big")
        if end + 4 > len(right):
            break
        right[end : end + 4] = struct.pack(">I", crc32(right[place + 4 : end]))
        place = end + 4
    return bytes(right)
