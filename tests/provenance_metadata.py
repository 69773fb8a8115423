"""Pictures whose metadata say something, made on the spot, and what the check of metadata must find in each:
`CELLS`, which the tests and `benchmarks/provenance_matrix.py` run."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import md5
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from doctored.checks.metadata import MetadataCheck
from doctored.records import Kind, Says, Strength
from provenance import SOURCE_TYPES, Cell, Expected

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", *(("HEIF",) if find_spec("pillow_heif") else ()))
WIDTH, HEIGHT = 96, 64
MAX_PACKET = 65_000
NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
}
PARAMETERS = (
    "a <b>red</b> fox in snow\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1234, Size: 96x64, Model hash: 0a1b2c3d, Model: dream"
)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {"seed": 5, "steps": 20, "sampler_name": "euler", "model": ["4", 0]},
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox"}},
}
RESIZING = {"1": {"class_type": "LoadImage", "inputs": {}}, "2": {"class_type": "ImageScale", "inputs": {}}}
JOB = "a red fox --ar 3:2 --v 6.1 Job ID: 5c3f9d1e-1111-2222-3333-444455556666"
UUID = "5c3f9d1e-1111-2222-3333-444455556666"
# Exif's own tags by number; those of a camera lie in a directory of their own.
SOFTWARE, MAKE, MODEL, DESCRIPTION, ARTIST, DATE, ORIENTATION = 305, 271, 272, 270, 315, 306, 274
EXPOSURE, ISO, TAKEN, DIGITISED, COMMENT, X_SIZE, Y_SIZE = 33434, 34855, 36867, 36868, 37510, 40962, 40963
EXIF_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825
CAMERA = {MAKE: "Canon", MODEL: "Canon EOS 70D"}
PLACE = {1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 3.0)}

GENERATED = Expected("declares_generated", Says.FAKE, Strength.WEAK, Kind.GENERATED)
EDITED = Expected("declares_edited_with_ai", Says.FAKE, Strength.WEAK, Kind.EDITED_WITH_AI)
UNLIKE = Expected("thumbnail_unlike", Says.FAKE, Strength.WEAK, Kind.TAMPERED)
CAMERA_NAMED, SOURCE_NAMED = Expected("camera_metadata"), Expected("source_type_named")
SOFTWARE_NAMED, HISTORY, DAMAGED = (
    Expected(code) for code in ("edited_with_software", "edit_history", "metadata_damaged")
)


def scene(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Soft blobs, other ones for every seed: no two scenes look alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def exif(
    main: Mapping[int, Any] = {}, camera: Mapping[int, Any] = {}, gps: Mapping[int, Any] = {}
) -> Image.Exif:
    block = Image.Exif()
    for tag, value in main.items():
        block[tag] = value
    if camera:
        block.get_ifd(EXIF_DIRECTORY).update(camera)
    if gps:
        block.get_ifd(GPS_DIRECTORY).update(gps)
    return block


def xmp(attributes: Mapping[str, str] = {}, elements: str = "") -> bytes:
    """A packet with one description: properties as attributes, and whatever elements."""
    named = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in NAMESPACES.items())
    given = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta {named}><rdf:RDF>'
        f'<rdf:Description rdf:about="" {given}>{elements}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def iptc(*datasets: tuple[int, int, str]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(text.encode())) + text.encode()
        for record, number, text in datasets
    )


def photoshop(datasets: bytes) -> bytes:
    """Datasets as Photoshop keeps them in a JPEG: the content of an APP13 segment."""
    padding = b"\0" * (len(datasets) % 2)
    head = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(datasets))
    return head + datasets + padding


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def with_thumbnail(main: Mapping[int, str], thumbnail: bytes) -> bytes:
    """An Exif block, with its prefix, of texts in the first directory and a thumbnail in the second."""
    texts = {tag: text.encode() + b"\0" for tag, text in sorted(main.items())}
    values, entries = b"", b""
    start = 8 + 2 + 12 * len(texts) + 4
    for tag, text in texts.items():
        place = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack("<I", start + len(values))
        entries += struct.pack("<HHI", tag, 2, len(text)) + place
        values += text if len(text) > 4 else b""
    second = start + len(values)
    image = second + 2 + 12 * 2 + 4
    first = struct.pack("<H", len(texts)) + entries + struct.pack("<I", second) + values
    tags = struct.pack("<HHIIHHII", 0x0201, 4, 1, image, 0x0202, 4, 1, len(thumbnail))
    return b"Exif\0\0II*\0\x08\0\0\0" + first + struct.pack("<H", 2) + tags + b"\0\0\0\0" + thumbnail


def comment(text: str, order: str = "be") -> bytes:
    return b"UNICODE\0" + text.encode(f"utf-16-{order}")


def save(
    image_format: str,
    *,
    block: Image.Exif | bytes | None = None,
    packet: bytes | None = None,
    texts: Mapping[str, str] = {},
    seed: int = 0,
) -> bytes:
    """The scene in a format, with an Exif block, an XMP packet, and a PNG's texts."""
    options: dict[str, Any] = {}
    if image_format == "TIFF":
        options["tiffinfo"] = tiff_tags(block, packet)
    elif block is not None:  # as bytes: of a block whose first directory is empty, Pillow may make none
        options["exif"] = block if isinstance(block, bytes) else block.tobytes()
    if image_format == "PNG":
        options["pnginfo"] = chunks = PngImagePlugin.PngInfo()
        for keyword, text in texts.items():
            chunks.add_itxt(keyword, text)
        if packet:
            chunks.add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    elif image_format == "JPEG" and packet and len(packet) > MAX_PACKET:
        return with_extended_xmp(save(image_format, block=block, seed=seed), packet)
    elif packet and image_format != "TIFF":
        options["xmp"] = packet
    if image_format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    stream = BytesIO()
    scene(seed).save(stream, image_format, **options)
    return stream.getvalue()


def with_extended_xmp(jpeg: bytes, packet: bytes) -> bytes:
    """A packet that no segment holds, in as many as it takes (XMP part 3, 1.1.3.1)."""
    digest = md5(packet, usedforsecurity=False).hexdigest().upper()
    main = xmp({"xmpNote:HasExtendedXMP": digest})
    parts = [(start, packet[start : start + MAX_PACKET]) for start in range(0, len(packet), MAX_PACKET)]
    head = b"http://ns.adobe.com/xmp/extension/\0" + digest.encode()
    segments = [segment(0xE1, head + struct.pack(">II", len(packet), start) + part) for start, part in parts]
    first = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main)
    return jpeg[:2] + first + b"".join(segments) + jpeg[2:]


def tiff_tags(block: Image.Exif | bytes | None, packet: bytes | None) -> dict[int, Any]:
    """A TIFF is an Exif block itself: the tags of its directory, with Exif's own directory in it."""
    tags: dict[int, Any] = {}
    if isinstance(block, Image.Exif):
        tags = {tag: block[tag] for tag in block if tag != EXIF_DIRECTORY}
        if camera := dict(block.get_ifd(EXIF_DIRECTORY)):
            tags[EXIF_DIRECTORY] = camera
    return tags | ({700: packet} if packet else {})


def jpeg_of(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def source(name: str, scheme: str = "http") -> bytes:
    address = SOURCE_TYPES.replace("http", scheme, 1) + name
    return xmp({"Iptc4xmpExt:DigitalSourceType": address})


def as_element(name: str) -> bytes:
    return xmp(elements=f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{SOURCE_TYPES}{name}"/>')


STEPS = """<xmpMM:History><rdf:Seq>
<rdf:li stEvt:action="created" stEvt:when="2024-01-01T00:00:00Z" stEvt:softwareAgent="Adobe Photoshop 25.0"/>
<rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action><stEvt:changed>/</stEvt:changed></rdf:li>
</rdf:Seq></xmpMM:History>"""
BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (i, b"&lol%d;" % (i - 1) * 10 if i > 1 else b"&lol;" * 10)
        for i in range(1, 10)
    )
    + b"]><lolz>&lol9;</lolz>"
)

Case = tuple[str, Callable[[], bytes], tuple[Expected, ...]]


def everywhere(image_format: str) -> Iterator[Case]:
    """What every format can carry."""
    put = partial(partial, save, image_format)
    yield "no metadata", put(), ()
    yield "source type in XMP", put(packet=source("trainedAlgorithmicMedia")), (GENERATED,)
    yield "source type, https", put(packet=source("trainedAlgorithmicMedia", "https")), (GENERATED,)
    yield "source type as an element", put(packet=as_element("trainedAlgorithmicMedia")), (GENERATED,)
    yield "edited with AI", put(packet=source("compositeWithTrainedAlgorithmicMedia")), (EDITED,)
    yield "another algorithm", put(packet=source("algorithmicMedia")), (SOURCE_NAMED,)
    yield "a capture of its own word", put(packet=source("digitalCapture")), (SOURCE_NAMED,)
    yield "no such source type", put(packet=source("nottrainedAlgorithmicMedia")), ()
    credit = xmp({"photoshop:Credit": "Made with Google AI"})
    yield "a credit line", put(packet=credit), (GENERATED,)
    yield (
        "history of edits",
        put(packet=xmp({"xmp:CreatorTool": "GIMP 2.10"}, STEPS)),
        (SOFTWARE_NAMED, HISTORY),
    )
    yield "entity expansion", put(packet=BILLION), (DAMAGED,)
    yield "camera", put(block=exif(CAMERA)), (CAMERA_NAMED,)
    yield "parameters in UserComment", put(block=exif(camera={COMMENT: comment(PARAMETERS)})), (GENERATED,)
    yield (
        "planted statement on a camera photo",
        put(block=exif(CAMERA, {COMMENT: comment(PARAMETERS), EXPOSURE: 0.01})),
        (GENERATED, CAMERA_NAMED),
    )
    flux = exif({SOFTWARE: "AI generated;txt2img;flux", MAKE: "Black Forest Labs", MODEL: "flux-dev"})
    yield "FLUX", put(block=flux), (GENERATED,)
    grok = exif({DESCRIPTION: f"Signature: {'Ab3+' * 20}==", ARTIST: UUID})
    yield "Grok", put(block=grok), (GENERATED,)
    yield "editing software", put(block=exif({SOFTWARE: "Adobe Photoshop 25.0"})), (SOFTWARE_NAMED,)
    yield "a photo called midjourney", put(block=exif({DESCRIPTION: "midjourney", ARTIST: "Grok"})), ()


def in_png() -> Iterator[Case]:
    def put(**texts: str) -> Callable[[], bytes]:
        return partial(save, "PNG", texts={name.replace("_", "-"): text for name, text in texts.items()})

    yield "parameters in a text", put(parameters=PARAMETERS), (GENERATED,)
    yield "ComfyUI", put(prompt=json.dumps(GRAPH), workflow='{"nodes": []}'), (GENERATED,)
    yield "ComfyUI that only resizes", put(prompt=json.dumps(RESIZING)), ()
    yield "SwarmUI", put(parameters=json.dumps({"sui_image_params": {"prompt": "fox"}})), (GENERATED,)
    yield (
        "InvokeAI",
        partial(save, "PNG", texts={"invokeai_metadata": '{"positive_prompt": "fox"}'}),
        (GENERATED,),
    )
    yield "InvokeAI 2", put(sd_metadata='{"image": {"prompt": "fox"}}'), (GENERATED,)
    yield "InvokeAI 1", put(Dream='"a fox" -s 50 -S 1234 -W 512'), (GENERATED,)
    yield "NovelAI", put(Software="NovelAI", Comment='{"prompt": "fox", "uc": "blurry"}'), (GENERATED,)
    yield (
        "Fooocus",
        partial(save, "PNG", texts={"fooocus_scheme": "fooocus", "parameters": "{}"}),
        (GENERATED,),
    )
    easy = {"Prompt": "a fox", "Negative Prompt": "blurry", "Stable Diffusion model": "dream"}
    yield "Easy Diffusion", partial(save, "PNG", texts=easy), (GENERATED,)
    yield "Midjourney", put(Description=JOB, Author="fox"), (GENERATED,)
    yield "China's label", put(AIGC='{"Label": "1", "ContentProducer": "x", "ProduceID": "y"}'), (GENERATED,)
    yield "China's label, of the suspected", put(AIGC='{"Label": "3", "ContentProducer": "x"}'), ()
    yield "a text about parameters", put(parameters="Steps: take the stairs, Title: Midjourney"), ()
    yield "a picture titled so", put(Title="Midjourney", Comment="made with DALL-E and Stable Diffusion"), ()


def in_jpeg() -> Iterator[Case]:
    def put(block: bytes) -> Callable[[], bytes]:
        return partial(save, "JPEG", block=block)

    own, other = (jpeg_of(scene(seed, 48, 32)) for seed in (0, 7))
    yield "thumbnail of the picture", put(with_thumbnail(CAMERA, own)), (CAMERA_NAMED,)
    yield "thumbnail of another picture", put(with_thumbnail(CAMERA, other)), (CAMERA_NAMED, UNLIKE)
    darker = jpeg_of(scene(0, 48, 32).point(lambda value: value // 2 + 20))
    yield "thumbnail before it was made brighter", put(with_thumbnail(CAMERA, darker)), (CAMERA_NAMED,)
    turned = jpeg_of(scene(0, 48, 32).transpose(Image.Transpose.ROTATE_90))
    yield "thumbnail before it was turned", put(with_thumbnail(CAMERA, turned)), (CAMERA_NAMED,)
    barred = Image.new("RGB", (48, 36))
    barred.paste(scene(0, 48, 32), (0, 2))
    yield "thumbnail with bars", put(with_thumbnail(CAMERA, jpeg_of(barred))), (CAMERA_NAMED,)
    yield "thumbnail that is none", put(with_thumbnail(CAMERA, b"\xff\xd8\xff\xd9")), (CAMERA_NAMED,)
    sized = exif(CAMERA, {X_SIZE: 4000, Y_SIZE: 3000})
    yield "another size", partial(save, "JPEG", block=sized), (CAMERA_NAMED, Expected("exif_size_differs"))
    same = exif(CAMERA, {X_SIZE: WIDTH, Y_SIZE: HEIGHT})
    yield "its size", partial(save, "JPEG", block=same), (CAMERA_NAMED,)
    dated = exif({**CAMERA, DATE: "2019:05:06 07:08:09"}, {TAKEN: "2020:05:06 07:08:09"})
    yield (
        "changed before it was taken",
        partial(save, "JPEG", block=dated),
        (CAMERA_NAMED, Expected("dates_contradict")),
    )
    fine = exif({**CAMERA, DATE: "2020:05:07 07:08:09"}, {TAKEN: "2020:05:06 07:08:09"})
    yield "dates in order", partial(save, "JPEG", block=fine), (CAMERA_NAMED,)
    yield (
        "two orientations",
        partial(save, "JPEG", block=exif({ORIENTATION: 1}), packet=xmp({"tiff:Orientation": "6"})),
        (Expected("orientation_contradicts"),),
    )
    datasets = photoshop(iptc((1, 90, "\x1b%G"), (2, 110, "Edited with Google AI")))
    yield "an IPTC credit line", lambda: with_segment(save("JPEG"), 0xED, datasets), (EDITED,)
    yield (
        "parameters in a comment",
        lambda: with_segment(save("JPEG"), 0xFE, PARAMETERS.encode()),
        (GENERATED,),
    )


def extended() -> Iterator[Case]:
    padding = "<dc:title>" + "x" * 100_000 + "</dc:title>"
    packet = xmp({"Iptc4xmpExt:DigitalSourceType": f"{SOURCE_TYPES}trainedAlgorithmicMedia"}, padding)
    yield "source type in extended XMP", partial(save, "JPEG", packet=packet), (GENERATED,)


def cells() -> Iterator[Cell]:
    for image_format in FORMATS:
        for case in everywhere(image_format):
            yield _cell(image_format, *case)
    for case in in_png():
        yield _cell("PNG", *case)
    for case in (*in_jpeg(), *extended()):
        yield _cell("JPEG", *case)


def _cell(image_format: str, case: str, make: Callable[[], bytes], expected: tuple[Expected, ...]) -> Cell:
    return Cell(image_format, case, make, MetadataCheck, expected)


CELLS = tuple(cells())
