"""Picture, overlay for fake, overlay for real: side by side, with captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from doctored.explain.explanation import Explanation
from doctored.explain.overlay import COLOURS, Box, lay_over
from doctored.records import Label

MIN_SIDE, MAX_SIDE = 256, 480
MARGIN, GAP = 24, 16
GROUND, INK, SOFT = (251, 250, 247), (28, 27, 25), (103, 99, 92)
TITLE_SIZE, TEXT_SIZE = 22, 15
LINE = 22

Panel = tuple[NDArray[np.uint8], str, tuple[int, int, int] | None]
"""What is shown, its caption, and the colour that its tint has."""


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """The three pictures of a sheet, all of one size, uint8 [H, W, 3]; overlays by target."""

    picture: NDArray[np.uint8]
    overlays: Mapping[Label, NDArray[np.uint8]]


def draw_panels(explanation: Explanation, min_side: int = MIN_SIDE, max_side: int = MAX_SIDE) -> Panels:
    """The picture as `fit` shows it, then tinted."""
    height, width = explanation.pixels.shape[:2]
    shown = fit(explanation.pixels, min_side, max_side)
    evidence = explanation.evidence
    if evidence is None:
        return Panels(shown, {})
    size = shown.shape[1], shown.shape[0]
    box = scale_box(explanation.box, size, (width, height)) if explanation.box else None
    return Panels(shown, {target: lay_over(shown, evidence, target, box) for target in COLOURS})


def fit(pixels: NDArray[np.uint8], min_side: int, max_side: int) -> NDArray[np.uint8]:
    """Tiny pictures are enlarged by whole factors, pixel for pixel; larger than `max_side` ones shrunk."""
    height, width = pixels.shape[:2]
    enlarge = max(1, min_side // max(width, height))
    scale = enlarge if enlarge > 1 else min(1.0, max_side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.NEAREST if enlarge > 1 else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(pixels).resize(size, how, reducing_gap=3.0))


def scale_box(box: Box, size: tuple[int, int], stored: tuple[int, int]) -> Box:
    across, down = size[0] / stored[0], size[1] / stored[1]
    left, top = round(box[0] * across), round(box[1] * down)
    right, bottom = round((box[0] + box[2]) * across), round((box[1] + box[3]) * down)
    return left, top, max(1, right - left), max(1, bottom - top)


def draw_sheet(explanation: Explanation) -> NDArray[np.uint8]:
    """The sheet, uint8 [H, W, 3]; outside the domain it holds the picture and the reason, no overlay."""
    panels = draw_panels(explanation)
    shown = [panels.picture, *panels.overlays.values()]
    title = f"{explanation.prediction.label} · {explanation.detector} {explanation.version}"
    captioned = [(pixels, *caption) for pixels, caption in zip(shown, _captions(explanation), strict=True)]
    return arrange(title, captioned, [*explanation.reasons, *_notes(explanation)])


def arrange(title: str, panels: Sequence[Panel], sentences: Sequence[str]) -> NDArray[np.uint8]:
    """Panels of one size side by side, with captions, under a title and above sentences: uint8 [H, W, 3]."""
    height, width = panels[0][0].shape[:2]
    title_font, font = _font(TITLE_SIZE), _font(TEXT_SIZE)
    whole = max(len(panels) * (width + GAP) - GAP, 720)
    notes = _wrap(sentences, font, whole)
    top = MARGIN + TITLE_SIZE + GAP
    bottom = top + height + LINE + GAP + LINE * len(notes)
    sheet = Image.new("RGB", (whole + 2 * MARGIN, bottom + MARGIN), GROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN - 4), title, INK, title_font)
    for index, (pixels, caption, colour) in enumerate(panels):
        left = MARGIN + index * (width + GAP)
        sheet.paste(Image.fromarray(pixels), (left, top))
        _caption(draw, left, top + height + 6, (caption, colour), font)
    for index, line in enumerate(notes):
        draw.text((MARGIN, top + height + LINE + GAP + LINE * index), line, INK, font)
    return np.array(sheet)


def _captions(explanation: Explanation) -> list[tuple[str, tuple[int, int, int] | None]]:
    probabilities = explanation.probabilities or {}
    captions: list[tuple[str, tuple[int, int, int] | None]] = [("the picture", None)]
    for target, probability in probabilities.items():
        captions.append((f"speaks for {target} (probability {probability:.3f})", COLOURS[target]))
    return captions


def _caption(
    draw: ImageDraw.ImageDraw,
    left: int,
    top: int,
    caption: tuple[str, tuple[int, int, int] | None],
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    text, colour = caption
    if colour:
        draw.rectangle((left, top + 2, left + 12, top + 14), colour)
        left += 20
    draw.text((left, top), text, SOFT, font)


def _notes(explanation: Explanation) -> list[str]:
    if explanation.evidence is None:
        return []
    height, width = explanation.evidence.shape
    return [f"Both overlays share one scale; they are smooth between the cells of the {height}×{width} map."]


def _wrap(
    sentences: Sequence[str], font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int
) -> list[str]:
    lines = []
    for sentence in sentences:
        line = ""
        for word in sentence.replace("×", "x").split():  # Pillow's own font has no such sign
            if line and font.getlength(f"{line} {word}") > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".lstrip()
        lines.append(line)
    return lines


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
