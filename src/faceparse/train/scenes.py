"""Portraits set into made scenes, so that a network also knows people from further away.

CelebA-HQ's portraits end at the shoulders and fill the frame. Networks trained on them alone call a suit
below the chest background, and a striped flag cloth. A made scene is wider: the person small, the body
continued with the portrait's own cloth, the background continued and strewn with shapes. Pasting
labelled parts into new surroundings follows Ghiasi et al., Simple Copy-Paste
(https://arxiv.org/abs/2012.07177); the drawn bodies are our own.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.labels import IGNORE, Scheme
from faceparse.train.shapes import Picture, strew

SIDE = 320
"""The portrait is worked on at this size, in pixels."""
WIDER = (1.4, 3.5)
"""Side of a scene in portraits, drawn log-uniformly."""


def scene(
    image: Picture, labels: Picture, scheme: Scheme, rng: np.random.Generator
) -> tuple[Picture, Picture]:
    """A wider scene around a portrait: RGB uint8 and labels, square, about 1.4 to 3.5 portraits wide.

    A portrait with too little cloth at its lower edge to make a body of is returned as it is.

    Args:
        image: RGB uint8, H × W × 3: a portrait in CelebA-HQ's framing.
        labels: uint8, H × W, in `scheme`, which has `cloth`.
        scheme: What the labels mean.
        rng: All randomness comes from it.
    """
    image = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    labels = cv2.resize(labels, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST).astype(np.uint8, copy=False)
    cloth = scheme.id("cloth")
    if (labels[-SIDE // 16 :] == cloth).mean() < 0.2:
        return image, labels
    wide = math.exp(rng.uniform(math.log(WIDER[0]), math.log(WIDER[1])))
    side = round(SIDE * wide)
    left = round((side - SIDE) * rng.uniform(0.25, 0.75))
    person = (labels != 0) & (labels != IGNORE)
    at_edge = person[0].mean() > 0.15  # a hat that the portrait's upper edge cuts stays at an edge
    top = 0 if at_edge else round((side - SIDE) * rng.uniform(0.0, 0.6))
    canvas = _background(image, person, side, left, top, rng)
    canvas_labels = np.zeros((side, side), np.uint8)
    _body(canvas, canvas_labels, image, labels, cloth, (left, top), rng)
    _set_in(canvas, canvas_labels, image, labels, person, (left, top))
    return canvas, canvas_labels


def _background(
    image: Picture, person: NDArray[np.bool_], side: int, left: int, top: int, rng: np.random.Generator
) -> Picture:
    """The portrait's background without the person, continued to all sides, with shapes strewn over it."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(cv2.resize(person.astype(np.uint8), (64, 64)), np.ones((3, 3), np.uint8))
    if hole.all():
        filled = np.broadcast_to(rng.integers(0, 256, 3, np.uint8), (64, 64, 3)).copy()
    else:
        filled = cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA).astype(np.uint8, copy=False)
    scale = SIDE / 64
    placement = np.array([[scale, 0, left], [0, scale, top]])
    mirrored = cv2.BORDER_REFLECT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    wide = cv2.warpAffine(filled, placement, (side, side), flags=cv2.INTER_CUBIC, borderMode=mirrored)
    canvas: Picture = wide.astype(np.uint8, copy=False)
    for _ in range(int(rng.integers(0, 7))):
        strew(canvas, rng)
    noise = rng.normal(0, rng.uniform(0, 8), (side // 2, side // 2)).astype(np.float32)
    grain: NDArray[np.float32] = cv2.resize(noise, (side, side)).astype(np.float32, copy=False)
    grainy: Picture = np.clip(canvas + grain[..., None], 0, 255).astype(np.uint8)
    return grainy


def _body(
    canvas: Picture,
    canvas_labels: Picture,
    image: Picture,
    labels: Picture,
    cloth: int,
    corner: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Draw a body below and beside the portrait, in a sheet of its cloth; `canvas` and `canvas_labels` change."""
    side = canvas.shape[0]
    outline = _outline(labels == cloth, rng) * SIDE + corner
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], (1,))
    sheet = _sheet(image, labels == cloth, side, corner, rng)
    waist = corner[1] + SIDE * rng.uniform(1.4, 2.2)
    if rng.random() < 0.3:  # trousers or a skirt of another colour
        below = np.arange(side) > waist
        sheet[below] = np.clip(sheet[below] * rng.uniform(0.3, 1.3, 3), 0, 255)
    for _ in range(int(rng.integers(0, 6))):  # seams, folds, the gap between arm and trunk
        start = outline.min(0) + rng.random(2) * (outline.max(0) - outline.min(0))
        end = start + rng.normal(0, 1, 2) * (0.08, 0.5) * SIDE
        shade = tuple(float(v) for v in rng.uniform(0, 255, 3) * rng.choice([0.2, 0.2, 1]))
        thick = int(rng.integers(2, 16))
        cv2.line(sheet, _pixel(start), _pixel(end), shade, thick, cv2.LINE_AA)
    canvas[mask > 0] = sheet[mask > 0]
    canvas_labels[mask > 0] = cloth
    for _ in range(int(rng.integers(0, 3))):  # hands, which the label maps call background
        if rng.random() < 0.5:
            middle = outline.min(0) + rng.random(2) * (outline.max(0) - outline.min(0))
            middle[1] = corner[1] + SIDE * rng.uniform(1.3, 2.5)
            radii = (int(SIDE * rng.uniform(0.06, 0.13)), int(SIDE * rng.uniform(0.05, 0.09)))
            skin = _skin(image, rng)
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(canvas, _pixel(middle), radii, turn, 0, 360, skin, -1, cv2.LINE_AA)
            cv2.ellipse(canvas_labels, _pixel(middle), radii, turn, 0, 360, (0,), -1)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _skin(image: Picture, rng: np.random.Generator) -> tuple[float, float, float]:
    """Mean colour of the portrait's middle, a little lighter or darker."""
    middle = image[SIDE // 2 : SIDE // 2 + 64, SIDE // 2 - 48 : SIDE // 2 + 48].reshape(-1, 3).mean(0)
    red, green, blue = np.clip(middle * rng.uniform(0.8, 1.15), 0, 255).tolist()
    return red, green, blue


def _outline(cloth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """The body's outline in portrait sides: from shoulder to hip on each side, N × 2."""
    points = []
    bottom = np.flatnonzero(cloth[-SIDE // 16 :].any(0)) / SIDE
    for edge, outwards in ((0, -1), (1, 1)):
        column = cloth[:, :6] if edge == 0 else cloth[:, -6:]
        rows = np.flatnonzero(column.any(1)) / SIDE
        spread = rng.uniform(0.15, 0.6)
        if rows.size:  # the shoulder is cut by the portrait's side: it goes on
            x, y = float(edge), float(rows[0])
        else:  # it ends inside
            x, y = float(bottom[0] if edge == 0 else bottom[-1]), 0.99
            spread = rng.uniform(-0.05, 0.15)
        line = [
            (x, y),
            (x + outwards * 0.5 * spread, y + rng.uniform(0.02, 0.15)),
            (x + outwards * 0.9 * spread, y + rng.uniform(0.2, 0.4)),
            (x + outwards * (spread + rng.uniform(-0.1, 0.15)), y + rng.uniform(0.7, 1.2)),
            (x + outwards * (spread + rng.uniform(-0.3, 0.3)), 5.0),
        ]
        points += line if edge == 0 else line[::-1]
    return np.array(points, np.float64)


def _sheet(
    image: Picture, cloth: NDArray[np.bool_], side: int, corner: tuple[int, int], rng: np.random.Generator
) -> Picture:
    """The portrait's cloth made whole and continued over the scene, in register with the portrait."""
    strip = slice(SIDE - int(SIDE * rng.uniform(0.08, 0.25)), SIDE)
    part, bare = image[strip], (~cloth[strip]).astype(np.uint8)
    grown = cv2.dilate(bare, np.ones((5, 5), np.uint8)).astype(np.uint8, copy=False)
    bare = bare if grown.all() else grown
    scale = 4
    height = part.shape[0] // scale
    small = cv2.resize(part, (SIDE // scale, height), interpolation=cv2.INTER_AREA)
    hole = cv2.resize(bare, (SIDE // scale, height), interpolation=cv2.INTER_NEAREST)
    mended = small if hole.all() else cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA)
    mended = cv2.resize(mended, (SIDE, part.shape[0]))
    whole = np.where(bare[..., None] > 0, mended, part).astype(np.uint8)
    placement = np.array([[1.0, 0, corner[0]], [0, 1.0, corner[1] + strip.start]])
    tiled = cv2.warpAffine(whole, placement, (side, side), borderMode=cv2.BORDER_REFLECT)
    light = cv2.resize(rng.normal(1, 0.15, (5, 5)).astype(np.float32), (side, side))
    sheet: Picture = np.clip(tiled * light[..., None], 0, 255).astype(np.uint8)
    return sheet


def _set_in(
    canvas: Picture,
    canvas_labels: Picture,
    image: Picture,
    labels: Picture,
    person: NDArray[np.bool_],
    corner: tuple[int, int],
) -> None:
    """Lay the portrait in: its person whole, its background fading out towards its borders."""
    edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]).astype(np.float32) / (SIDE * 0.12)
    fade = np.minimum(np.minimum(edge[:, None], edge[None, :]), 1)
    rim = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 2)
    opacity = np.maximum(fade, np.minimum(rim * 2, 1))[..., None]
    area = (slice(corner[1], corner[1] + SIDE), slice(corner[0], corner[0] + SIDE))
    canvas[area] = (image * opacity + canvas[area] * (1 - opacity)).astype(np.uint8)
    visible = person | (fade > 0.5)  # where the portrait's background faded out, the body behind it shows
    canvas_labels[area] = np.where(visible, labels, canvas_labels[area])
