"""The names of the classes in a label map beside their colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from faceparse.labels import Scheme, count
from faceparse.labels import scheme as find_scheme


def legend(labels: NDArray[np.uint8], scheme: str | Scheme, text: int = 16) -> NDArray[np.uint8]:
    """A column of colour patches and names, in label order, of the classes that occur.

    >>> legend(np.array([[0, 17]], np.uint8), "celebamask19", text=20).shape[2]
    3

    Args:
        labels: The label map, H × W uint8.
        scheme: Gives names and colours.
        text: Height of the letters in pixels, about.

    Returns:
        RGB uint8 on white, as large as the names need.
    """
    scheme = find_scheme(scheme)
    ids = np.flatnonzero(count(labels)[: len(scheme)]).tolist()
    names = [scheme.classes[i] for i in ids]
    font = ImageFont.load_default(text)
    line, gap = round(1.5 * text), round(0.5 * text)
    widest = max((font.getlength(name) for name in names), default=0)
    picture = Image.new("RGB", (round(line + widest) + 3 * gap, len(names) * line + 2 * gap), "white")
    draw = ImageDraw.Draw(picture)
    for row, (i, name) in enumerate(zip(ids, names, strict=True)):
        top = gap + row * line
        patch = (gap, top + line // 8, gap + line, top + line - line // 8)
        draw.rectangle(patch, tuple(scheme.palette[i].tolist()), "black")
        draw.text((2 * gap + line, top + line / 2), name, "black", font, anchor="lm")
    return np.asarray(picture)
