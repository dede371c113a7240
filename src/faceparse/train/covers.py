"""Occluders for parts of a face: hands, objects, bars and medical masks. Their pixels are labelled background.

>>> image, hidden = cover(image, labels, scheme("celebamask19"), np.random.default_rng(0))  # doctest: +SKIP
>>> labels[hidden] = 0  # doctest: +SKIP
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme
from faceparse.train.shapes import Picture, pixel, strew, where

Mask = NDArray[np.uint8]
"""H × W uint8, 255 inside."""
Colours = NDArray[np.float32]
"""H × W × 3 float32, 0 to 255."""


def cover(
    image: Picture, labels: Picture, scheme: Scheme, rng: np.random.Generator
) -> tuple[Picture, NDArray[np.bool_]]:
    """Return a copy of a picture with an occluder drawn over it, and the occluder's mask, bool H × W.

    Args:
        image: RGB uint8, H × W × 3; not changed.
        labels: uint8, H × W, in `scheme`: skin gives a hand's tone, nose and mouth the place of a medical
            mask.
        scheme: Scheme of the labels.
        rng: Source of all randomness.
    """
    kind = rng.choice(5, p=(0.22, 0.4, 0.14, 0.1, 0.14))
    if kind == 0:
        canvas = image.copy()
        return canvas, strew(canvas, rng)
    if kind == 2:
        return _painted(image, _blob(labels.shape, rng), _elsewhere(image, rng))
    if kind == 3:
        mask = _bar(labels.shape, rng)
        return _painted(image, mask, _shaded(mask, rng.uniform(0, 255, 3), rng))
    if kind == 4 and (face_mask := _face_mask(labels, scheme, rng)) is not None:
        return _painted(image, face_mask, _pleated(face_mask, rng))
    mask, depth = _hand(labels.shape, rng)
    return _painted(image, mask, _shaded(mask, _skin_tone(image, labels, scheme, rng), rng) * depth)


def _painted(image: Picture, mask: Mask, fill: Colours) -> tuple[Picture, NDArray[np.bool_]]:
    """Return the picture with `fill` inside the mask, blended at the mask's edge, and the mask as bool."""
    opacity = cv2.GaussianBlur(mask, (0, 0), 0.7).astype(np.float32)[..., None] / 255
    mixed = image * (1 - opacity) + np.clip(fill, 0, 255) * opacity
    return mixed.astype(np.uint8), mask > 127


def _shaded(mask: Mask, colour: NDArray[np.float64], rng: np.random.Generator) -> Colours:
    """Return pixels of one colour under uneven light, H × W × 3."""
    coarse = rng.normal(0, 1, (int(rng.integers(2, 7)),) * 2).astype(np.float32)
    light = cv2.resize(coarse, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    return np.asarray(colour.astype(np.float32) + light * np.float32(rng.uniform(4, 25)), np.float32)


def _skin_tone(
    image: Picture, labels: Picture, scheme: Scheme, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the picture's skin tone, lighter or darker; in one of four cases, or without skin, any colour: a glove."""
    skin = where(labels, scheme, "skin", "face")
    if rng.random() < 0.25 or not skin.any():
        return rng.uniform(0, 255, 3)
    return np.array(cv2.mean(image, skin.astype(np.uint8))[:3]) * rng.uniform(0.65, 1.2)


def _hand(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Mask, NDArray[np.float32]]:
    """Return the mask of a hand (fingers, mostly with a palm, at times an arm), and its shading, H × W × 1."""
    height, width = shape
    side = max(shape)
    mask, depth = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    centre = rng.uniform(0.1, 0.9, 2) * (width, height)
    angle = rng.uniform(0, 2 * math.pi)
    along, across = (np.array([math.cos(a), math.sin(a)]) for a in (angle, angle + math.pi / 2))
    thick = side * rng.uniform(0.03, 0.09)
    fingers = int(rng.integers(1, 6))

    def add(part: Mask) -> None:
        x, y, w, h = cv2.boundingRect(part)
        if w and h:
            area = (slice(y, y + h), slice(x, x + w))
            rise = cv2.distanceTransform(part[area], cv2.DIST_L2, 3) / np.float32(thick / 2)
            depth[area] = np.where(part[area] > 0, 0.72 + 0.28 * np.minimum(rise, 1), depth[area])
            mask[area] |= part[area]

    if palm := fingers > 1 and rng.random() < 0.75:
        part = np.zeros_like(mask)
        if rng.random() < 0.5:
            part = _stroke(shape, centre, centre - along * side, thick * fingers * 0.7)
        radii = (max(1, round(thick * 2)), max(1, round(thick * fingers * 0.55)))
        cv2.ellipse(part, pixel(centre - along * thick), radii, math.degrees(angle), 0, 360, (255,), -1)
        add(part)
    for i in range(fingers):
        beside = i - (fingers - 1) / 2
        root = centre + across * beside * 1.05 * thick
        length = thick * rng.uniform(2.5, 4.5)
        spread = rng.normal(0, 0.08) + beside * 0.08
        tip = root + length * (along * math.cos(spread) + across * math.sin(spread))
        add(_stroke(shape, root, tip, thick * rng.uniform(0.85, 1)))
    if palm and rng.random() < 0.5:  # a thumb, to one side
        out = rng.choice([-1, 1]) * across
        root = centre + out * thick * fingers * 0.4 - along * thick
        add(_stroke(shape, root, root + thick * 2.2 * (out + 0.7 * along), thick))
    return mask, depth[..., None]


def _stroke(
    shape: tuple[int, ...], start: NDArray[np.float64], end: NDArray[np.float64], width: float
) -> Mask:
    """Return the mask of a straight line with round ends."""
    mask = np.zeros(shape, np.uint8)
    cv2.line(mask, pixel(start), pixel(end), (255,), max(1, round(width)))
    return mask


def _blob(shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
    """Return the mask of an irregular object: an ellipse with a wavy outline."""
    height, width = shape
    turns = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    waves = [rng.uniform(0, 0.25) * np.sin(k * turns + rng.uniform(0, 2 * math.pi)) for k in (2, 3)]
    radii = max(shape) * rng.uniform(0.05, 0.22, 2)
    points = np.stack([np.cos(turns), np.sin(turns)], 1) * (1 + np.sum(waves, 0))[:, None] * radii
    points += rng.uniform(0.1, 0.9, 2) * (width, height)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], (255,))
    return mask


def _bar(shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
    """Return the mask of a straight band across the picture: a rail, a pole, a strip of text."""
    side = max(shape)
    angle = rng.choice([0, math.pi / 2]) + rng.normal(0, 0.25)
    middle = rng.uniform(0.15, 0.85, 2) * shape[::-1]
    reach = 2 * side * np.array([math.cos(angle), math.sin(angle)])
    return _stroke(shape, middle - reach, middle + reach, side * rng.uniform(0.02, 0.12))


def _elsewhere(image: Picture, rng: np.random.Generator) -> Colours:
    """Return the picture shifted and tinted: a natural texture for an occluder."""
    height, width = image.shape[:2]
    by = (int(height * rng.uniform(0.2, 0.8)), int(width * rng.uniform(0.2, 0.8)))
    return np.trunc(np.roll(image, by, (0, 1)) * rng.uniform(0.5, 1.5, 3)).astype(np.float32)


def _face_mask(labels: Picture, scheme: Scheme, rng: np.random.Generator) -> Mask | None:
    """Return the mask of a medical mask from nose bridge to chin, as wide as the face; None without nose and mouth."""
    nose = where(labels, scheme, "nose")
    mouth = where(labels, scheme, "mouth", "u_lip", "l_lip")
    if nose.sum() < 20 or mouth.sum() < 10:
        return None
    start, end = (np.argwhere(part).mean(0)[::-1] for part in (nose, mouth))
    unit = float(np.linalg.norm(end - start))
    if unit < 3:
        return None
    down = (end - start) / unit
    rows, columns = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
    x, y = columns - start[0], rows - start[1]
    below = (x * down[0] + y * down[1]) / unit
    beside = np.abs(y * down[0] - x * down[1]) / unit
    top, slope = rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.35)
    face = (nose | mouth | where(labels, scheme, "skin")).astype(np.uint8)
    closed = cv2.morphologyEx(face, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    grown = cv2.dilate(closed, np.ones((max(1, round(unit * 0.15)),) * 2, np.uint8)) > 0
    inside = grown & (below > slope * beside - top) & (below < 2.6) & (beside < 3)
    return np.where(inside, np.uint8(255), np.uint8(0))


def _pleated(mask: Mask, rng: np.random.Generator) -> Colours:
    """Return cloth with horizontal folds, in a colour usual for medical masks or any other."""
    usual = np.array([(165, 205, 225), (235, 238, 240), (35, 35, 40), (240, 190, 205)], np.float64)
    colour = usual[rng.integers(4)] if rng.random() < 0.8 else rng.uniform(0, 255, 3)
    rows = np.arange(len(mask), dtype=np.float32)[:, None, None]
    period = len(mask) * rng.uniform(0.03, 0.08)
    folds = np.sin(rows * np.float32(2 * math.pi / period)) * np.float32(rng.uniform(0, 9))
    return np.asarray(_shaded(mask, colour, rng) + folds, np.float32)
