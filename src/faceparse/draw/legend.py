"""A legend: the names of classes beside their colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from faceparse.labels import Scheme, count
from faceparse.labels import scheme as find_scheme


def legend(labels: NDArray[np.uint8], scheme: str | Scheme, text: int = 16) -> NDArray[np.uint8]:
    """Draw a column of colour patches and names of the classes that occur in a label map, in label order.

    >>> legend(np.array([[0, 17]], np.uint8), "celebamask19", text=20).shape[2]
    3

    Args:
        labels: The label map, H × W uint8.
        scheme: Scheme of the names and colours.
        text: Approximate height of the letters, px.

    Returns:
        RGB uint8 on white, as large as the names need.
    """
    scheme = find_scheme(scheme)
    return _patches(scheme, np.flatnonzero(count(labels)[: len(scheme)]).tolist(), text)


def colour_strip(scheme: Scheme, width: int, text: int = 12) -> NDArray[np.uint8]:
    """Draw a colour patch and the name of each class of a scheme, in label order, in lines.

    >>> from faceparse.labels import scheme
    >>> colour_strip(scheme("celebamask19"), 600).shape[1:]
    (600, 3)

    Args:
        scheme: Scheme of the names and colours.
        width: Width of the strip, px.
        text: Approximate height of the letters, px.

    Returns:
        RGB uint8 on white.
    """
    return _patches(scheme, range(len(scheme)), text, width)


def _patches(scheme: Scheme, ids: Sequence[int], text: int, width: int = 0) -> NDArray[np.uint8]:
    """Draw patches and names in lines `width` px wide; without a width, one class per line."""
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
