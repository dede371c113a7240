"""The names of the classes in a label map beside their colours."""

from __future__ import annotations

from collections.abc import Sequence

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
    return _patches(scheme, np.flatnonzero(count(labels)[: len(scheme)]).tolist(), text)


def colour_strip(scheme: Scheme, width: int, text: int = 12) -> NDArray[np.uint8]:
    """A scheme's classes in label order, each as a patch of its colour with its name, in lines.

    >>> from faceparse.labels import scheme
    >>> colour_strip(scheme("celebamask19"), 600).shape[1:]
    (600, 3)

    Args:
        scheme: Gives names and colours.
        width: Width of the strip in pixels.
        text: Height of the letters in pixels, about.

    Returns:
        RGB uint8 on white.
    """
    return _patches(scheme, range(len(scheme)), text, width)


def _patches(scheme: Scheme, ids: Sequence[int], text: int, width: int = 0) -> NDArray[np.uint8]:
    """Patches and names in lines of a width; without one, each in a line of its own."""
    font = ImageFont.load_default(text)
    line, gap = round(1.5 * text), round(0.5 * text)
    places, left, top, widest = [], gap, gap, gap
    for i in ids:
        wide = line + 2 * gap + round(font.getlength(scheme.classes[i]))
        if left > gap and left + wide > width:
            left, top = gap, top + line
        places.append((i, left, top))
        left += wide
        widest = max(widest, left)
    picture = Image.new("RGB", (width or widest, top + line + gap), "white")
    draw = ImageDraw.Draw(picture)
    for i, left, top in places:
        patch = (left, top + line // 8, left + line, top + line - line // 8)
        draw.rectangle(patch, tuple(scheme.palette[i].tolist()), "black")
        draw.text((left + line + gap, top + line / 2), scheme.classes[i], "black", font, anchor="lm")
    return np.asarray(picture)
