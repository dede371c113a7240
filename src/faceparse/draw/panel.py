"""Picture, label map and overlay side by side, with a legend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.draw.colours import colours
from faceparse.draw.legend import legend
from faceparse.draw.overlay import overlay
from faceparse.draw.tints import tints
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme


def panel(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    scheme: str | Scheme,
    side: int = 1024,
    alpha: float = 0.5,
) -> NDArray[np.uint8]:
    """Draw picture, label map, overlay and legend side by side.

    >>> Image.fromarray(panel(parsing.image, parsing.labels, parsing.scheme)).save("panel.png")  # doctest: +SKIP

    Args:
        image: The picture, RGB uint8, H × W × 3.
        labels: The picture's label map, H × W uint8.
        scheme: Scheme of the names and colours; the colours are those of `overlay`.
        side: Maximal longer side of each of the three pictures, px; larger pictures are reduced.
        alpha: Strength of the overlay's colour, 0 to 1.

    Returns:
        RGB uint8 on white.

    Raises:
        ConfigError: alpha out of range.
    """
    scheme = tints(find_scheme(scheme))  # one legend for the label map and the overlay
    pictures = [
        _reduced(image, side, Image.Resampling.BOX),
        colours(_reduced(labels, side, Image.Resampling.NEAREST), scheme),
        _reduced(overlay(image, labels, scheme, alpha), side, Image.Resampling.BOX),
    ]
    longest = max(pictures[0].shape[:2])
    pictures.append(legend(labels, scheme, text=max(11, longest // 36)))
    return np.hstack([_as_high(p, max(len(q) for q in pictures)) for p in pictures])


def _reduced(image: NDArray[np.uint8], side: int, method: Image.Resampling) -> NDArray[np.uint8]:
    picture = Image.fromarray(image)
    picture.thumbnail((side, side), method)
    return np.asarray(picture)


def _as_high(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """Pad a picture with white below until it is `height` px high."""
    return np.pad(image, ((0, height - len(image)), (0, 0), (0, 0)), constant_values=255)
