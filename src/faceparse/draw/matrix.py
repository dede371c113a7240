"""A confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CELL, TEXT, LINE = 44, 13, 20


def matrix_picture(matrix: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.uint8]:
    """Draw a confusion matrix: a row per true class, a column per predicted class, in percent of the row's true pixels.

    >>> matrix_picture(np.eye(3, dtype=np.int64), ["a", "b", "c"]).shape[2]
    3

    Args:
        matrix: Pixel counts, true × predicted.
        names: Class names in label order.

    Returns:
        RGB uint8 on white; darker is more.
    """
    font = ImageFont.load_default(TEXT)
    upwards = ImageFont.TransposedFont(font, Image.Transpose.ROTATE_90)
    margin = round(max(font.getlength(n) for n in names)) + 24
    above = margin + LINE
    side = CELL * len(names)
    caption, small = "rows: true; columns: predicted; %", ImageFont.load_default(11)
    wide = max(margin + side, 8 + round(small.getlength(caption)))
    picture = Image.new("RGB", (wide + 8, above + side + 8), "white")
    draw = ImageDraw.Draw(picture)
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    for row, name in enumerate(names):
        middle = CELL * (row + 0.5)
        draw.text((margin - 8, above + middle), name, "black", font, anchor="rm")
        length = round(font.getlength(name))
        draw.text((margin + middle - 8, above - 8 - length), name, "black", upwards)
        for column in range(len(names)):
            part = float(share[row, column])
            tone = round(255 * (1 - part / 100))
            left, top = margin + CELL * column, above + CELL * row
            draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), (tone, tone, 255))
            if part >= 0.05:
                shade = "white" if part > 55 else "black"
                text = f"{part:.1f}".replace("100.0", "100")
                draw.text((left + CELL / 2, top + CELL / 2), text, shade, font, anchor="mm")
    draw.text((8, 8), caption, "black", small)
    return np.asarray(picture)
