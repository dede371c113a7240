"""A contact sheet of a checked data set: pictures with findings first, then some of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data.check import Check
from faceparse.draw import contact_sheet, overlay
from faceparse.errors import DataError
from faceparse.labels import IGNORE

TILES = 36


def check_sheet(check: Check, tiles: int = TILES) -> NDArray[np.uint8]:
    """Draw pictures beside their overlays, RGB uint8; at most half of the pictures have findings.

    >>> check_sheet(check_dataset("faces", scheme="celebamask19")).shape[2]  # doctest: +SKIP
    3

    Pictures that cannot be read are left out.
    """
    flagged = {f.name: f.kind for kind in check.kinds.values() for f in kind[: tiles // 4] if f.name}
    names = [name for name in flagged if name in check.samples][: tiles // 2]
    rest = [name for name in check.samples if name not in flagged]
    room = min(tiles - len(names), len(rest))
    names += [rest[i * len(rest) // room] for i in range(room)]
    pictures = []
    for name in names:
        dataset, index = check.samples[name]
        try:
            sample = dataset[index]
        except DataError:
            continue
        ignored = (sample.labels == IGNORE)[..., None]
        dimmed = np.where(
            ignored, sample.image // 3, sample.image
        )  # because an overlay does not tint ignored pixels
        labelled = overlay(dimmed, sample.labels, check.scheme, 0.65)
        pictures.append((np.hstack([sample.image, labelled]), f"{Path(name).name} {flagged.get(name, '')}"))
    return contact_sheet(pictures)
