"""The names of the classes in a parsing beside their colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from faceparse.results import Parsing


def legend(parsing: Parsing, text: int = 16) -> NDArray[np.uint8]:
    """A column of colour patches and names, in label order, of the classes that occur.

    >>> legend(parsing, text=20).shape[2]  # doctest: +SKIP
    3

    Args:
        parsing: What to describe.
        text: Height of the letters in pixels, about.

    Returns:
        RGB uint8 on white, as large as the names need.
    """
    names = list(parsing.areas)
    font = ImageFont.load_default(text)
    line, gap = round(1.5 * text), round(0.5 * text)
    widest = max((font.getlength(name) for name in names), default=0)
    picture = Image.new("RGB", (round(line + widest) + 3 * gap, len(names) * line + 2 * gap), "white")
    draw = ImageDraw.Draw(picture)
    for i, name in enumerate(names):
        top = gap + i * line
        colour = parsing.scheme.palette[parsing.scheme.id(name)]
        patch = (gap, top + line // 8, gap + line, top + line - line // 8)
        draw.rectangle(patch, tuple(colour.tolist()), "black")
        draw.text((2 * gap + line, top + line / 2), name, "black", font, anchor="lm")
    return np.asarray(picture)
