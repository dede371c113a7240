"""A contact sheet: many small pictures, each with a caption."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_TEXT = 12
_LEADING = 4
_GAP = 6
_EMPTY = np.full((1, 1, 3), 255, np.uint8)


def contact_sheet(
    tiles: Iterable[tuple[NDArray[np.uint8], str] | None], columns: int = 6, side: int = 256
) -> NDArray[np.uint8]:
    """Draw pictures in rows. Each is reduced to fit into a square, at its left, and has a caption below.

    >>> contact_sheet([(np.zeros((64, 48, 3), np.uint8), "a.jpg")], columns=1, side=32).shape
    (68, 44, 3)

    Args:
        tiles: (RGB uint8 picture, caption) pairs, or None for an empty place; each line of a caption is cut
            to the width.
        columns: Number of pictures in a row.
        side: Maximal longer side of each picture, px.

    Returns:
        RGB uint8 on white.
    """
    font = ImageFont.load_default(_TEXT)
    pictures = []
    for tile in tiles:
        picture, caption = tile or (_EMPTY, "")
        small = Image.fromarray(picture)
        small.thumbnail((side, side), Image.Resampling.BOX)
        pictures.append((small, "\n".join(_cut(line, font, side) for line in caption.split("\n"))))
    high = max((small.height for small, _ in pictures), default=0)
    wide = min(columns, max(1, len(pictures)))
    lines = max((caption.count("\n") + 1 for _, caption in pictures), default=1)
    across, down = side + _GAP, high + (lines + 1) * _TEXT + (lines - 1) * _LEADING + _GAP
    sheet = Image.new("RGB", (wide * across + _GAP, -(-len(pictures) // columns) * down + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (small, caption) in enumerate(pictures):
        left, top = _GAP + i % columns * across, _GAP + i // columns * down
        sheet.paste(small, (left, top + (high - small.height) // 2))
        draw.text((left, top + high + 2), caption, "black", font, spacing=_LEADING)
    return np.asarray(sheet)


def _cut(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
