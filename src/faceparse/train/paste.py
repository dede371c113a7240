"""Rare objects copied from one portrait into another: hats, glasses, necklaces, earrings.

In portraits with one framing, as in CelebA-HQ, heads have about the same position: an object from one fits
another after a small shift. The method follows Ghiasi et al., Simple Copy-Paste
(https://arxiv.org/abs/2012.07177); the rules for which classes an object may cover are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data import Dataset
from faceparse.labels import IGNORE, Scheme
from faceparse.train.shapes import Picture, where

LEAST = 30
"""Smallest area of a pasted object in pixels; smaller objects teach nothing."""


class Thing(NamedTuple):
    """How objects of one class are pasted.

    Attributes:
        share: Relative frequency of the class.
        over: Classes of the receiving portrait that the object may cover; None for all.
    """

    share: float
    over: tuple[str, ...] | None = None


THINGS: Mapping[str, Thing] = {
    "hat": Thing(0.35),
    "neck_l": Thing(0.3, ("background", "skin", "neck", "cloth")),
    "eye_g": Thing(0.2),
    "ear_r": Thing(0.15, ("background", "l_ear", "r_ear", "neck", "cloth", "hair")),
}


class Donors:
    """The portraits of a data set that wear a rare object.

    Args:
        dataset: Portraits in one framing, labelled in `scheme`.
        present: Labels in each portrait, bool N × 256 (`faceparse.train.sampling.labels_present`).
        scheme: Scheme of the labels.
    """

    def __init__(self, dataset: Dataset, present: NDArray[np.bool_], scheme: Scheme) -> None:
        self._dataset, self._scheme = dataset, scheme
        worn = {name: np.flatnonzero(present[:, scheme.id(name)]) for name in THINGS if name in scheme}
        self._worn = {name: places for name, places in worn.items() if len(places)}

    def paste(self, image: Picture, labels: Picture, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Paste one object into a portrait without objects of its class; return the object's mask, bool H × W.

        Args:
            image: RGB uint8, H × W × 3; changed in place.
            labels: uint8, H × W; changed in place.
            rng: Source of all randomness.
        """
        nowhere = np.zeros(labels.shape, bool)
        if not self._worn:
            return nowhere
        shares = np.array([THINGS[name].share for name in self._worn])
        name = list(self._worn)[rng.choice(len(shares), p=shares / shares.sum())]
        if (labels == self._scheme.id(name)).any():
            return nowhere
        donor = self._dataset[int(rng.choice(self._worn[name]))]
        theirs, worn = _fitted(donor.image, donor.labels, labels.shape, self._scheme, rng)
        take = self._outline(name, worn)
        over = THINGS[name].over
        if over is not None:
            take &= where(labels, self._scheme, *over)
        if take.sum() < LEAST:
            return nowhere
        if name == "neck_l":  # match the brightness of the neck
            light = image[take].mean() / max(theirs[take].mean(), 1) * rng.uniform(0.8, 1.25)
            theirs = np.clip(theirs * np.clip(light, 0.5, 2), 0, 255).astype(np.uint8)
        opacity = cv2.GaussianBlur(take.astype(np.float32), (0, 0), rng.uniform(0.5, 1.2))[..., None]
        image[...] = (image * (1 - opacity) + theirs * opacity).astype(np.uint8)
        labels[take] = worn[take]
        return take

    def _outline(self, name: str, worn: Picture) -> NDArray[np.bool_]:
        """Return the area to copy with an object: everything above a hat, the eyes behind glasses."""
        take = where(worn, self._scheme, name)
        if name == "hat":
            above = np.cumsum(take[::-1], 0)[::-1] > 0
            return above & where(worn, self._scheme, "background", "hair", "hat", "ear_r")
        if name == "eye_g":
            near = cv2.dilate(take.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
            return take | near & where(worn, self._scheme, "l_eye", "r_eye")
        return take


def _fitted(
    image: Picture, labels: Picture, shape: tuple[int, ...], scheme: Scheme, rng: np.random.Generator
) -> tuple[Picture, Picture]:
    """Resize a donor to the receiver's size, mirrored half of the time, with a small random shift and zoom."""
    if rng.random() < 0.5:
        image, labels = np.ascontiguousarray(image[:, ::-1]), scheme.flip(labels)
    size, theirs = np.array(shape[::-1]), np.array(labels.shape[::-1])
    zoom = rng.uniform(0.93, 1.07) * (size / theirs)
    middle = size * (0.5 + rng.uniform(-0.02, 0.02, 2))
    matrix = np.column_stack([np.diag(zoom), middle - zoom * theirs / 2])
    there = cv2.warpAffine(image, matrix, shape[::-1], borderMode=cv2.BORDER_REFLECT)
    worn = cv2.warpAffine(labels, matrix, shape[::-1], flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    return np.asarray(there, np.uint8), np.asarray(worn, np.uint8)
