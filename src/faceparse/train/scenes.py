"""Portraits set into synthetic scenes, so that a network also learns people at a distance.

CelebA-HQ's portraits end at the shoulders and fill the frame. Networks trained only on them label a suit
below the chest as background, and a striped flag as cloth. A synthetic scene is wider: it shows the person
smaller, continues the body with the portrait's cloth, and continues the background with random shapes on it.
Pasting labelled parts into new surroundings follows Ghiasi et al., Simple Copy-Paste
(https://arxiv.org/abs/2012.07177); the drawn bodies are our own.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.labels import IGNORE, Scheme
from faceparse.train.shapes import Picture, pixel, strew

SIDE = 320
"""Side in pixels to which a portrait is resized."""
WIDER = (1.4, 3.5)
"""Range of a scene's side in multiples of the portrait's side, drawn log-uniformly."""


def scene(
    image: Picture, labels: Picture, scheme: Scheme, rng: np.random.Generator
) -> tuple[Picture, Picture]:
    """Return a wider scene around a portrait, RGB uint8 and labels, square, 1.4 to 3.5 portraits wide.

    A portrait with too little cloth at its lower edge to continue the body is returned alone, 320 × 320.

    Args:
        image: RGB uint8, H × W × 3: a portrait in CelebA-HQ's framing.
        labels: uint8, H × W, in `scheme`, which has `cloth`.
        scheme: Scheme of the labels.
        rng: Source of all randomness.
    """
    image = np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    labels = np.asarray(cv2.resize(labels, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), np.uint8)
    label = scheme.id("cloth")
    cloth = labels == label
    if cloth[-SIDE // 16 :].mean() < 0.2:
        return image, labels
    side = round(SIDE * math.exp(rng.uniform(*np.log(WIDER))))
    left = round((side - SIDE) * rng.uniform(0.25, 0.75))
    person = (labels != 0) & (labels != IGNORE)
    at_edge = person[0].mean() > 0.15  # a hat cut by the portrait's upper edge stays at the scene's edge
    top = 0 if at_edge else round((side - SIDE) * rng.uniform(0.0, 0.6))
    canvas = _background(image, person, side, (left, top), rng)
    body = _body(canvas, image, cloth, (left, top), rng)
    wide_labels = np.where(body, np.uint8(label), np.uint8(0))
    area = (slice(top, top + SIDE), slice(left, left + SIDE))
    # Blends the person fully; the portrait's background fades out towards its borders.
    edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]).astype(np.float32) / (SIDE * 0.12)
    fade = np.minimum(np.minimum.outer(edge, edge), 1)
    rim = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 2)
    opacity = np.maximum(fade, np.minimum(rim * 2, 1))[..., None]
    canvas[area] = (image * opacity + canvas[area] * (1 - opacity)).astype(np.uint8)
    visible = person | (fade > 0.5)  # where the portrait's background faded out, the drawn body shows
    wide_labels[area] = np.where(visible, labels, wide_labels[area])
    return canvas, wide_labels


def _background(
    image: Picture, person: NDArray[np.bool_], side: int, corner: tuple[int, int], rng: np.random.Generator
) -> Picture:
    """Return the portrait's background without the person, extended to all sides, with shapes drawn over it."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(cv2.resize(person.astype(np.uint8), (64, 64)), np.ones((3, 3), np.uint8))
    if hole.all():
        bare = np.broadcast_to(rng.integers(0, 256, 3, np.uint8), (64, 64, 3)).copy()
    else:
        bare = np.asarray(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), np.uint8)
    scale = SIDE / 64
    placement = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    border = cv2.BORDER_REFLECT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    wide = cv2.warpAffine(bare, placement, (side, side), flags=cv2.INTER_CUBIC, borderMode=border)
    canvas = np.asarray(wide, np.uint8)
    for _ in range(int(rng.integers(0, 7))):
        strew(canvas, rng)
    noise = rng.normal(0, rng.uniform(0, 8), (side // 2, side // 2)).astype(np.float32)
    grain = cv2.resize(noise, (side, side))[..., None]
    return np.asarray(np.clip(canvas + grain, 0, 255), np.uint8)


def _body(
    canvas: Picture,
    image: Picture,
    cloth: NDArray[np.bool_],
    corner: tuple[int, int],
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Draw a body below and beside the portrait into `canvas`, textured with the portrait's cloth; return its mask."""
    side = len(canvas)
    outline = _outline(cloth, rng) * SIDE + corner
    low, extent = outline.min(0), np.ptp(outline, 0)
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], (1,))
    sheet = _sheet(image, cloth, side, corner, rng)
    waist = corner[1] + SIDE * rng.uniform(1.4, 2.2)
    if rng.random() < 0.3:  # trousers or a skirt of another colour
        below = np.arange(side) > waist
        sheet[below] = np.clip(sheet[below] * rng.uniform(0.3, 1.3, 3), 0, 255)
    for _ in range(int(rng.integers(0, 6))):  # seams, folds, gaps between arm and trunk
        start = low + rng.random(2) * extent
        end = start + rng.normal(0, 1, 2) * (0.08, 0.5) * SIDE
        shade = (rng.uniform(0, 255, 3) * rng.choice([0.2, 0.2, 1])).tolist()
        cv2.line(sheet, pixel(start), pixel(end), shade, int(rng.integers(2, 16)), cv2.LINE_AA)
    canvas[mask > 0] = sheet[mask > 0]
    for _ in range(int(rng.integers(0, 3))):  # hands, which the label maps label as background
        if rng.random() < 0.5:
            middle = low + rng.random(2) * extent
            middle[1] = corner[1] + SIDE * rng.uniform(1.3, 2.5)
            radii = (int(SIDE * rng.uniform(0.06, 0.13)), int(SIDE * rng.uniform(0.05, 0.09)))
            skin = image[SIDE // 2 : SIDE // 2 + 64, SIDE // 2 - 48 : SIDE // 2 + 48].reshape(-1, 3).mean(0)
            tone = np.clip(skin * rng.uniform(0.8, 1.15), 0, 255).tolist()
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(canvas, pixel(middle), radii, turn, 0, 360, tone, -1, cv2.LINE_AA)
            cv2.ellipse(mask, pixel(middle), radii, turn, 0, 360, (0,), -1)
    return mask > 0


def _outline(cloth: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the body's outline, N × 2, in portrait sides: from shoulder to hip on each side."""
    bottom = np.flatnonzero(cloth[-SIDE // 16 :].any(0)) / SIDE

    def shoulder_to_hip(edge: int) -> list[tuple[float, float]]:
        outwards = 2 * edge - 1
        rows = np.flatnonzero((cloth[:, -6:] if edge else cloth[:, :6]).any(1)) / SIDE
        spread = rng.uniform(0.15, 0.6)
        if rows.size:  # the portrait's side cuts the shoulder: continue it
            x, y = float(edge), rows[0]
        else:  # the shoulder ends inside the portrait
            x, y = bottom[-edge], 0.99
            spread = rng.uniform(-0.05, 0.15)
        return [
            (x, y),
            (x + outwards * 0.5 * spread, y + rng.uniform(0.02, 0.15)),
            (x + outwards * 0.9 * spread, y + rng.uniform(0.2, 0.4)),
            (x + outwards * (spread + rng.uniform(-0.1, 0.15)), y + rng.uniform(0.7, 1.2)),
            (x + outwards * (spread + rng.uniform(-0.3, 0.3)), 5.0),
        ]

    return np.array(shoulder_to_hip(0) + shoulder_to_hip(1)[::-1])


def _sheet(
    image: Picture, cloth: NDArray[np.bool_], side: int, corner: tuple[int, int], rng: np.random.Generator
) -> Picture:
    """Return the portrait's cloth without holes, extended over the scene and aligned with the portrait."""
    top = SIDE - int(SIDE * rng.uniform(0.08, 0.25))
    strip, bare = image[top:], (~cloth[top:]).astype(np.uint8)
    grown = np.asarray(cv2.dilate(bare, np.ones((5, 5), np.uint8)), np.uint8)
    bare = bare if grown.all() else grown
    size = (SIDE // 4, len(strip) // 4)
    small = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(bare, size, interpolation=cv2.INTER_NEAREST)
    mended = small if hole.all() else cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA)
    whole = np.where(bare[..., None] > 0, cv2.resize(mended, strip.shape[1::-1]), strip).astype(np.uint8)
    placement = np.array([[1.0, 0, corner[0]], [0, 1.0, corner[1] + top]])
    tiled = cv2.warpAffine(whole, placement, (side, side), borderMode=cv2.BORDER_REFLECT)
    light = cv2.resize(rng.normal(1, 0.15, (5, 5)).astype(np.float32), (side, side))
    return np.asarray(np.clip(tiled * light[..., None], 0, 255), np.uint8)
