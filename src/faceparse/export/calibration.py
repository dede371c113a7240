"""The network inputs on which an int8 export measures its scales."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.engines import FakeEngine
from faceparse.errors import ConfigError
from faceparse.evaluate.degrade import degradation
from faceparse.parser import Parser
from faceparse.pictures.reader import SUFFIXES, PictureSource, read_picture
from faceparse.weights import Card

PICTURES = 64
"""Maximal number of pictures of a folder; in our tests scales did not change after 16."""


def calibration_pictures(folder: Path, limit: int = PICTURES) -> list[Path]:
    """Return at most `limit` pictures of a folder and its subfolders, spread evenly over the sorted names.

    Raises:
        ConfigError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"calibration needs a folder of pictures; there is no folder {folder}")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise ConfigError(f"no picture ({' '.join(SUFFIXES)}) in {folder} to calibrate on")
    indices = np.linspace(0, len(paths) - 1, min(limit, len(paths))).round().astype(int)
    return [paths[i] for i in indices]


def calibration_inputs(
    card: Card, pictures: Iterable[PictureSource], faces: str = "auto", degradations: Sequence[str] = ()
) -> Iterator[NDArray[np.float32]]:
    """Yield the normalised inputs, float32 (1, 3, H, W) each, that the parser would give the network.

    A parser detects, aligns, resizes and normalises; one picture is in memory at a time.

    Args:
        card: The network's card.
        pictures: Pictures, in any form that `Parser.parse` takes.
        faces: The argument `faces` of `Parser`.
        degradations: Names that `faceparse.evaluate.degradation` takes. The first picture is not degraded,
            the next pictures get one degradation each in this order, then the cycle starts again.

    Raises:
        ConfigError: an unknown degradation.
        ImageError: a picture that cannot be read.
    """
    inputs: list[NDArray[np.float32]] = []

    def record(image: NDArray[np.float32]) -> NDArray[np.float32]:
        inputs.extend(image[i : i + 1].copy() for i in range(len(image)))
        return np.zeros((len(image), len(card.label_scheme), 2, 2), np.float32)

    parser = Parser(FakeEngine(card, record), faces=faces, scheme=None)
    changes = cycle([lambda picture: picture, *map(degradation, degradations)])
    for picture, change in zip(pictures, changes, strict=False):
        parser.parse(change(read_picture(picture)))
        yield from inputs
        inputs.clear()
