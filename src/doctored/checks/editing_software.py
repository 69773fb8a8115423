"""Programs that edit pictures, by how they name themselves in a picture's metadata: data.

A camera's firmware stands in the same field, so only names that are known are reported.
"""

import re
from collections.abc import Iterable
from functools import cache

from doctored.untrusted import clean

NAMES = (
    "ACDSee", "Acorn", "Adobe Lightroom", "Adobe Photoshop", "Affinity Designer", "Affinity Photo",
    "Aperture", "Aseprite", "AutoCAD", "Aviary", "Bloom", "Canva", "Capture One", "Clip Studio Paint",
    "ComfyUI", "Corel", "DxO", "Darktable", "FaceApp", "Facetune", "FastStone", "Fotor", "GIMP",
    "GraphicConverter", "HeliconFocus", "Hugin", "ImageMagick", "Inkscape", "Instagram", "IrfanView",
    "KolourPaint", "Krita", "Lensa", "LightZone", "Luminar", "Meitu", "Microsoft Designer",
    "Microsoft Windows Photo", "Nero PhotoSnap", "ON1", "PTGui", "Paint Shop Pro", "PaintShop",
    "Paint Tool", "paint.net", "PhotoDirector", "PhotoImpact", "Photomatix", "PhotoScape",
    "Photo Mechanic", "Photoroom", "Photos", "Picasa", "PicsArt", "Pixelmator", "Pixlr", "Polarr",
    "Prisma", "RawTherapee", "Remini", "Samsung Photo Editor", "ShowFoto", "Sketch", "Skylum",
    "Snapseed", "SumoPaint", "Topaz", "VSCO", "XnView", "Xara", "YouCam", "Zoner", "digiKam", "iPhoto",
    "nomacs", "remove.bg",
)  # fmt: skip


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(map(re.escape, NAMES))})(?![a-z])", re.IGNORECASE)


def find_editors(texts: Iterable[str]) -> list[str]:
    """Those of `texts` that begin with a known program's name, clean, without repetition, at most eight."""
    found = (clean(text, 80) for text in texts if _pattern().match(text.strip()))
    return list(dict.fromkeys(found))[:8]
