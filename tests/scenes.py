"""Scenes from the public-domain portrait and from drawings: what goes wrong around a network that knows portraits."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def back_of_a_head(size: int = 480) -> tuple[Image, NDArray[np.bool_]]:
    """Long brown hair over a blouse, drawn stroke by stroke, and where the hair is."""
    rng = np.random.default_rng(3)
    image = np.full((size, size, 3), (188, 196, 204), np.uint8)
    cv2.ellipse(image, (size // 2, size), (size * 2 // 5, size // 3), 0, 180, 360, (150, 40, 60), -1)
    hair = np.zeros((size, size), np.uint8)
    for _ in range(4000):
        x = rng.uniform(-1, 1)
        top = 0.14 + 0.2 * (1 - np.sqrt(1 - x * x)) + rng.uniform(0, 0.5)
        steps = np.linspace(0, rng.uniform(0.1, 0.25), 12)
        bend = 0.01 * np.sin(30 * (top + steps) + 3 * x)
        points = np.stack([0.5 + (0.2 + 0.05 * (top + steps)) * x + bend, np.minimum(top + steps, 0.8)], 1)
        line = np.rint(points * size).astype(np.int32)
        tone = rng.uniform(0.35, 1.1)
        cv2.polylines(image, [line], False, (110 * tone, 70 * tone, 40 * tone), 2, cv2.LINE_AA)
        cv2.polylines(hair, [line], False, 1, 3)
    return image, hair.astype(bool)


def coins(size: int = 384) -> Image:
    """Sixteen coins on felt."""
    image = np.full((size, size, 3), (60, 60, 66), np.uint8)
    rng = np.random.default_rng(5)
    for i in range(16):
        x, y = (int(size * (0.14 + 0.24 * n)) for n in divmod(i, 4))
        radius = int(size * rng.uniform(0.07, 0.1))
        tone = rng.uniform(0.8, 1.1)
        cv2.circle(image, (x, y), radius, (200 * tone, 170 * tone, 130 * tone), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), radius - 4, (150 * tone, 120 * tone, 85 * tone), 2, cv2.LINE_AA)
        cv2.ellipse(image, (x, y), (radius // 3, radius // 2), 0, 0, 360, (120, 95, 70), -1, cv2.LINE_AA)
    return image


def page(size: int = 384) -> Image:
    """A page of text."""
    image = np.full((size, size, 3), 236, np.uint8)
    for i, y in enumerate(range(30, size, 24)):
        cv2.putText(
            image, "In the beginning was a page"[i % 5 :], (16, y), 4, 0.7, (40, 40, 46), 1, cv2.LINE_AA
        )
    return image


def scaled(image: Image, side: int) -> Image:
    """The picture with its longer side at that many pixels."""
    scale = side / max(image.shape[:2])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind), np.uint8)


def portrait(collins: Image, side: int = 1024) -> Image:
    """The sample framed as an aligned portrait."""
    return scaled(collins[0:224, 111:335], side)


def corner_face(collins: Image) -> tuple[Image, NDArray[np.bool_], slice]:
    """The back of a head with a small face in a corner, where the hair is, and rows and columns of the corner."""
    image, hair = back_of_a_head()
    side = len(image) // 9 * 2  # its face is a ninth of the picture
    image[:side, :side] = scaled(collins[30:230, 120:320], side)
    return image, hair, slice(0, side)


def much_hair(collins: Image) -> tuple[Image, NDArray[np.bool_]]:
    """A face in hair that is far longer than the face's squares are, and where the hair is."""
    image, hair = back_of_a_head()
    face = scaled(collins[66:186, 176:272], 90)
    height, width = face.shape[:2]
    oval = np.zeros((height, width), np.uint8)
    cv2.ellipse(oval, (width // 2, height // 2), (width // 2 - 2, height // 2 - 2), 0, 0, 360, 1, -1)
    place = slice(110, 110 + height), slice(240 - width // 2, 240 - width // 2 + width)
    image[place][oval > 0] = face[oval > 0]
    hair[place][oval > 0] = False
    return image, hair


def soft_faces_behind(collins: Image, sigma: float = 2.0) -> tuple[Image, list[tuple[slice, slice]]]:
    """A sharp portrait with five soft ones around it, and the rows and columns of these."""
    image = portrait(collins)
    soft = np.asarray(cv2.GaussianBlur(portrait(collins, 150), (0, 0), sigma), np.uint8)
    corners = [(0, 0), (0, 874), (190, 0), (190, 874), (380, 874)]
    places = [(slice(y, y + 150), slice(x, x + 150)) for y, x in corners]
    for place in places:
        image[place] = soft
    return image, places


def cat(size: int = 400) -> Image:
    """A cat's head that the detector takes for a face with a score of 0.68."""
    rng = np.random.default_rng(144)
    image = np.full((size, size, 3), (205, 200, 190), np.uint8)
    fur = rng.integers(90, 200, 3).tolist()
    width = rng.uniform(0.24, 0.34) * size
    height = width * rng.uniform(0.85, 1.2)

    def at(x: float, y: float) -> tuple[int, int]:
        return int(size * 0.5 + x * width), int(size * 0.52 + y * height)

    def ellipse(
        middle: tuple[int, int], axes: tuple[float, float], colour: Sequence[float], end: int = 360
    ) -> None:
        radii = int(axes[0] * width), int(axes[1] * height)
        cv2.ellipse(image, middle, radii, 0, 0, end, colour, -1 if end == 360 else 2, cv2.LINE_AA)

    for side in (-1, 1):
        ear = [at(side * 0.9, -0.45), at(side * 0.85, -1.4), at(side * 0.25, -0.9)]
        cv2.fillPoly(image, [np.array(ear)], fur, cv2.LINE_AA)
    ellipse(at(0, 0), (1, 1), fur)
    x, y = rng.uniform(0.38, 0.5), rng.uniform(-0.25, -0.05)
    for side in (-1, 1):
        ellipse(at(side * x, y), (0.17, 0.11), (190, 200, 120))
        ellipse(at(side * x, y), (0.07, 0.1), (15, 15, 15))
    ellipse(at(0, 0.4), (0.38, 0.3), (235, 230, 225))
    cv2.fillPoly(
        image, [np.array([at(-0.13, 0.22), at(0.13, 0.22), at(0, 0.36)])], (200, 120, 120), cv2.LINE_AA
    )
    for side in (-1, 1):
        ellipse(at(side * 0.13, 0.4), (0.13, 0.1), (60, 40, 40), 180)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 4)), np.uint8)
