"""Parsings to write: as the parser makes them, tiny, odd, of one class, ignored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme, scheme
from faceparse.results import Face, Parsing, View

POINTS = np.array([[8, 9], [17, 9], [12, 14], [9, 19], [16, 19]])
OWN = Scheme("own", ("skin", "rest"))


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def seen(height: int = 37, width: int = 26, name: str = "celebamask19") -> Parsing:
    """A whole picture and one turned face over it, every class somewhere likely."""
    rng = np.random.default_rng(1)
    classes = len(scheme(name))
    wide = rng.normal(0, 2, (classes, 5, 4)).astype(np.float32)
    near = rng.normal(0, 2, (classes, 6, 6)).astype(np.float32)
    across = np.array([[4 / width, 0, -0.5], [0, 5 / height, -0.5]])
    frame = np.array([[0.9, 0.2, -0.3 * width], [-0.2, 0.9, -0.2 * height]]) / (0.6 * min(height, width))
    views = (View(wide, across), View(near, frame * 6 - [[0, 0, 0.5]], frame, layer=1))
    image = picture(height, width)
    near_face = Parsing(image, views[1:], scheme(name), model="default", engine="onnx cpu fp32")
    face = Face((3.25, 4.5, 21, 25), 0.875, POINTS, near_face)
    whole = replace(near_face, views=views, faces=(face,))
    return replace(whole, seconds={"network": 0.25}, source="in/photo.jpg")


def labelled(labels: NDArray[np.uint8], name: str | Scheme = "celebamask19") -> Parsing:
    return Parsing.from_labels(picture(*labels.shape), labels, name)


def blocks(height: int, width: int) -> NDArray[np.uint8]:
    """Labels of celebamask19 and ignored pixels in irregular blocks, some within others."""
    rng = np.random.default_rng(2)
    small = rng.choice([0, 0, 1, 1, 6, 12, 17, 18, 255], (-(-height // 5), -(-width // 4))).astype(np.uint8)
    return np.repeat(np.repeat(small, 5, 0), 4, 1)[:height, :width]


PARSINGS = {
    "as parsed": seen(),
    "in another scheme": seen().to("lapa11"),
    "16 x 16": seen(16, 16),
    "a row": seen(1, 70),
    "one pixel": seen(1, 1),
    "several strips": seen(1100, 20),
    "given labels": labelled(blocks(41, 63)),
    "all background": labelled(np.zeros((9, 7), np.uint8)),
    "all hair": labelled(np.full((9, 7), 17, np.uint8)),
    "all ignored": labelled(np.full((9, 7), 255, np.uint8)),
    "nobody": Parsing(picture(12, 11), (), scheme("celebamask19")),
    "no background in the scheme": labelled(np.eye(6, dtype=np.uint8), OWN),
    "transposed": labelled(np.ascontiguousarray(blocks(30, 20).T).T),
}
