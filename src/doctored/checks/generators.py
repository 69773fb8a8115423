"""The marks that generators are documented to leave in a picture's metadata: data, and how it is matched.

A mark is a field and what it must hold: an anchored pattern, or the keys of a JSON object. No field that
people write freely (a title, keywords) is searched for a generator's name, so that a photo called
"midjourney" is none. Generators that leave nothing but Content Credentials (OpenAI's, Bing's, Stability's)
or an IPTC source type (Meta's) need no mark here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from doctored.untrusted import clean

MAX_JSON_CHARACTERS = 4 * 2**20
# Where tools put a text of their own: an Exif or XMP comment, a PNG's text, a JPEG's or GIF's comment.
COMMENTS = ("text:parameters", "exif:UserComment", "xmp:UserComment", "text:comment", "text:UserComment")
DESCRIPTIONS = ("text:Description", "exif:ImageDescription", "xmp:description")
SOFTWARE = ("exif:Software", "text:Software", "xmp:CreatorTool", "xmp:Software")
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

Fields = Mapping[str, Sequence[str]]


class Mark(NamedTuple):
    """One of `fields` holds a text in which `pattern` is found, or that is a JSON object with all `keys`."""

    fields: tuple[str, ...]
    pattern: str = ""
    keys: tuple[str, ...] = ()


class Generator(NamedTuple):
    """A generator, and the marks that must all be there. `reads`: how its first mark's text is read for its
    settings (see `generation_settings.py`). `source`: where it is documented that it leaves them."""

    name: str
    marks: tuple[Mark, ...]
    source: str
    reads: str = ""
    edits: bool = False
    is_named_by_text: bool = False


class Match(NamedTuple):
    generator: Generator
    field: str
    text: str

    @property
    def name(self) -> str:
        """The generator's name; where the file itself gives it, as the file does."""
        return clean(self.text, 60) if self.generator.is_named_by_text else self.generator.name


INFOTEXT = r"(?m)^Steps: \d+, (?:[^\n]*, )?(?:Sampler|Seed|CFG scale|Size|Model): "
GRAPH = r'"class_type"\s*:'

GENERATORS = (
    Generator(
        "SwarmUI",
        (Mark(COMMENTS, keys=("sui_image_params",)),),
        "mcmonkeyprojects/SwarmUI, src/Utils/Image.cs: GetSUIMetadata",
        "swarm",
    ),
    Generator(
        "Fooocus",
        (Mark(("text:fooocus_scheme",), r"^(?:fooocus|a1111)$"),),
        "lllyasviel/Fooocus, modules/private_logger.py and meta_parser.py",
        "fooocus",
    ),
    Generator(
        "Fooocus",
        (Mark(("exif:Software",), r"^(?:Fooocus|RuinedFooocus) v?[\d.]+"),),
        "lllyasviel/Fooocus, modules/meta_parser.py: get_exif",
        "fooocus",
    ),
    Generator(
        "a Stable Diffusion web UI (AUTOMATIC1111, Forge or one that writes alike)",
        (Mark((*COMMENTS, "exif:ImageDescription", "xmp:description"), INFOTEXT),),
        "AUTOMATIC1111/stable-diffusion-webui, modules/images.py and infotext_utils.py",
        "infotext",
    ),
    Generator(
        "ComfyUI",
        (Mark(("text:prompt", "exif:Model", "exif:ImageDescription"), GRAPH),),
        "comfyanonymous/ComfyUI, nodes.py: SaveImage; comfy_extras/nodes_images.py",
        "comfyui",
    ),
    Generator(
        "InvokeAI",
        (Mark(("text:invokeai_metadata",), keys=()),),
        "invoke-ai/InvokeAI, invokeai/app/services/image_files",
        "json",
    ),
    Generator(
        "InvokeAI",
        (Mark(("text:sd-metadata",), keys=("image",)),),
        "invoke-ai/InvokeAI 2.x, ldm/invoke/pngwriter.py",
        "json",
    ),
    Generator(
        "InvokeAI",
        (Mark(("text:Dream",), r" -s ?\d+ "), Mark(("text:Dream",), r" -S ?\d+(?: |$)")),
        "invoke-ai/InvokeAI 2.x, ldm/invoke/pngwriter.py",
    ),
    Generator(
        "NovelAI",
        (Mark(("text:Software", "exif:Software"), r"^NovelAI$"),),
        "NovelAI/novelai-image-metadata",
        "novelai",
    ),
    Generator(
        "Easy Diffusion",
        (Mark(("text:Stable Diffusion model", "text:use_stable_diffusion_model"), r"."),),
        "easydiffusion/easydiffusion, ui/easydiffusion/utils/save_utils.py",
        "easydiffusion",
    ),
    Generator(
        "Easy Diffusion",
        (Mark(("exif:UserComment",), keys=("prompt", "use_stable_diffusion_model")),),
        "easydiffusion/easydiffusion, ui/easydiffusion/utils/save_utils.py",
        "json",
    ),
    Generator(
        "Draw Things",
        (Mark(("xmp:CreatorTool",), r"^Draw Things$"),),
        "receyuki/stable-diffusion-prompt-reader, sd_prompt_reader/format/drawthings.py",
        "drawthings",
    ),
    Generator(
        "mflux",
        (Mark(("exif:UserComment",), keys=("mflux_version",)),),
        "filipstrand/mflux, src/mflux/utils/generated_image.py",
        "json",
    ),
    Generator(
        "Midjourney",
        (Mark(DESCRIPTIONS, rf"\bJob ID: {UUID}\s*$"),),
        "downloads from midjourney.com, as read by ExifTool and many prompt readers",
        "midjourney",
    ),
    Generator(
        "a model of Black Forest Labs (FLUX)",
        (Mark(("exif:Make",), r"^Black Forest Labs$"),),
        "black-forest-labs/flux, src/flux/util.py: save_image; black-forest-labs/flux2, scripts/cli.py",
        "description",
    ),
    Generator(
        "a generator that marks its pictures as FLUX and Qwen-Image do",
        (Mark(("exif:Software",), r"^AI generated(?:;|$)"),),
        "black-forest-labs/flux, src/flux/util.py; QwenLM's demo code",
        "description",
    ),
    Generator(
        "Ideogram",
        (Mark(("exif:Make",), r"^Ideogram AI$"),),
        "wiltodelta/remove-ai-watermarks, docs: measured on downloads of 2026-05",
    ),
    Generator(
        "Grok (xAI)",
        (
            Mark(("exif:ImageDescription", "exif:UserComment"), r"^Signature: [A-Za-z0-9+/]{40,}={0,2}$"),
            Mark(("exif:Artist",), rf"^{UUID}$"),
        ),
        "wiltodelta/remove-ai-watermarks, metadata.py: measured on downloads of 2026-05",
    ),
    Generator(
        "Google's generators (Gemini, Imagen)",
        (Mark(("xmp:Credit", "iptc:Credit"), r"^Made with Google AI$"),),
        "Google, blog.google 2023-05-10 and IPTC news 2023-05-12; the credit line as in Google Photos",
    ),
    Generator(
        "Google's editing tools",
        (Mark(("xmp:Credit", "iptc:Credit"), r"^Edited with Google AI$"),),
        "Google Photos, blog.google 2024-10-24",
        edits=True,
    ),
    Generator(
        "a service that labels its pictures by China's GB 45438-2025",
        (Mark(("xmp:AIGC", "text:AIGC", "exif:UserComment", "text:UserComment"), r'"Label"\s*:\s*"1"'),),
        "GB 45438-2025, annexes E and F (Label 1: generated); TC260-PG-20258A",
        "aigc",
    ),
    Generator(
        "a generator named as the AI system used",
        (Mark(("xmp:AISystemUsed",), r"\S"),),
        "IPTC Photo Metadata Standard 2025.1, AI System Used",
        is_named_by_text=True,
    ),
    Generator(
        "a generator named as the software",
        (
            Mark(
                SOFTWARE,
                r"^(?:Midjourney|DALL[-·. ]?E|OpenAI|ChatGPT|Adobe Firefly|Stable Diffusion|DiffusionBee"
                r"|Leonardo\.? ?A[Ii]|Ideogram(?: AI)?|Bing Image Creator|Meta AI|Imagine with Meta AI"
                r"|Google (?:Gemini|Imagen)|Grok|Playground AI|NightCafe|Craiyon|Recraft|InvokeAI"
                r"|DreamStudio|Seedream|Doubao|Jimeng)(?: (?:Image )?[v\d][\w.]*)*$",
            ),
        ),
        "the field's own meaning: TIFF 6.0, Software; XMP, CreatorTool",
        is_named_by_text=True,
    ),
)
# ComfyUI edits photos too: only a graph with one of these nodes makes a picture.
GENERATING_NODES = re.compile(
    r"Sampler|^(?:Flux\w*ImageNode|Ideogram|OpenAI(?:GPTImage|Dalle)|GeminiImage|Recraft\w*ToImage"
    r"|Stability\w*Image|Luma\w*Image|ByteDance\w*Image|Google\w*Imagen)"
)


def find_generators(fields: Fields) -> list[Match]:
    """Every generator whose marks are all in `fields`, once each, in the catalogue's order; with the field
    and the text of its first mark."""
    found: dict[str, Match] = {}
    for generator in GENERATORS:
        if generator.name in found or not any(field in fields for field in generator.marks[0].fields):
            continue
        places = [_find(mark, fields) for mark in generator.marks]
        if all(places) and (first := places[0]) is not None and _is_made(generator, first[1]):
            found[generator.name] = Match(generator, *first)
    return list(found.values())


def _find(mark: Mark, fields: Fields) -> tuple[str, str] | None:
    for field in mark.fields:
        for text in fields.get(field, ()):
            if (mark.pattern and _compiled(mark.pattern).search(text)) or (
                not mark.pattern and (value := read_json(text)) and all(key in value for key in mark.keys)
            ):
                return field, text
    return None


def _is_made(generator: Generator, text: str) -> bool:
    """Whether the marks say that a picture was made, where they may say that one was edited."""
    if generator.reads == "comfyui":
        nodes = read_json(text.removeprefix("prompt:")) or {}
        kinds = [str(node.get("class_type")) for node in nodes.values() if isinstance(node, dict)]
        return any(GENERATING_NODES.search(kind) for kind in kinds[:10_000])
    if generator.reads == "aigc":
        label = read_json(text) or {}
        label = label["AIGC"] if isinstance(label.get("AIGC"), dict) else label
        return label.get("Label") == "1" and ("ContentProducer" in label or "ProduceID" in label)
    return True


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def read_json(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is; None where it is none, or more than is worth reading."""
    if len(text) > MAX_JSON_CHARACTERS or not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
