"""Each face aligned, with a mask of the face alone and the transform back, as face-swap programs take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import OutputError
from faceparse.files import json_bytes, write_atomic
from faceparse.labels import Scheme
from faceparse.results import Face, Parsing
from faceparse.results.aligned import aligned, between_pixels, inverse
from faceparse.results.margins import LENGTH, Length, Margins
from faceparse.results.nearest import nearest_box
from faceparse.results.parsing import LANDMARKS
from faceparse.results.square import Square
from faceparse.tables import between, one_of
from faceparse.writers.png import write_png
from faceparse.writers.registry import register
from faceparse.writers.writer import Writer

MOST = 128
"""Largest number of faces of a picture: the names of all files are known beforehand, so that no run takes them for pictures."""

_ARCFACE = [
    (46.2946, 51.6963),
    (81.5318, 51.5014),
    (64.0252, 71.7366),
    (49.5493, 92.3655),
    (78.7299, 92.2041),
]
_FFHQ = [
    (192.98138, 239.94708),
    (318.90277, 240.1936),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
]
TEMPLATES: Mapping[str, NDArray[np.float64]] = MappingProxyType(
    {"ffhq": np.array(_FFHQ) / 512, "arcface": np.array(_ARCFACE) / 128}
)
"""Places of the five landmarks, as fractions of the square's side: FFHQ's at 512 px as in facexlib
(https://github.com/xinntao/facexlib), ArcFace's at 128 px as in InsightFace's inswapper
(https://github.com/deepinsight/insightface)."""


@register
@dataclass(frozen=True)
class Swap(Writer):
    """Each face in an aligned square, RGBA PNG, opacity the face without what covers it; JSON with the transform back.

    The colours are those of the whole square, also where it is transparent. Hands, hair, hats and glasses cover a face.

    Args:
        size: Side of the square, 16 to 4096 pixels.
        align: Place of eyes, nose and mouth in the square: ffhq or arcface.
        glasses: Whether glasses belong to the face.
        grow: How far the mask's edge moves outwards: pixels of the square, or per cent of the face's longer side.
        shrink: How far the edge then moves inwards.
        feather: Width over which the mask fades.
    """

    name: ClassVar[str] = "swap"
    endings: ClassVar[tuple[str, ...]] = tuple(
        f"_swap_{number}{suffix}" for number in range(1, MOST + 1) for suffix in (".png", ".json")
    )
    size: Annotated[int, between(16, 4096)] = 512
    align: Annotated[str, one_of(TEMPLATES)] = "ffhq"
    glasses: bool = False
    grow: Annotated[Length, LENGTH] = 0
    shrink: Annotated[Length, LENGTH] = "1%"
    feather: Annotated[Length, LENGTH] = "2%"

    def check(self, scheme: Scheme) -> None:
        self._classes(scheme)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        faces = [face for face in parsing.faces if face.parsing is not None]
        if len(faces) > MOST:
            raise OutputError(
                f"swap takes up to {MOST} faces of a picture, got {len(faces)}: choose --faces largest"
            )
        paths: list[Path] = []
        for number, face in enumerate(faces, 1):
            picture, record = (self.beside(stem, f"_swap_{number}{suffix}") for suffix in (".png", ".json"))
            square = Square.from_template(face.landmarks, TEMPLATES[self.align])
            write_png(picture, self._crop(face, square, faces))
            about = self._record(parsing, face, square)
            write_atomic(record, json_bytes({"file": picture.name, **about}, indent=2) + b"\n")
            paths += [picture, record]
        return tuple(paths)

    def _crop(self, face: Face, square: Square, faces: list[Face]) -> NDArray[np.uint8]:
        """Return the square, RGBA; pixels beyond the picture, and those nearer to another face, are transparent."""
        assert face.parsing is not None
        part = aligned(face.parsing, square, self.size)
        mask = part.mask(self._classes(part.scheme), soft=True)
        places = np.arange(self.size) + 0.5
        points = np.stack(np.meshgrid(places, places), -1)
        back = inverse(square.to_pixels((self.size, self.size)))
        x, y = np.moveaxis(points @ back[:, :2].T + back[:, 2], -1, 0)
        if len(faces) > 1:
            mask *= nearest_box([other.box for other in faces], x, y) == faces.index(face)
        margins = Margins(self.grow, self.shrink, self.feather).in_pixels(
            max(face.size) * self.size / square.side
        )
        # Where the face reaches beyond the square, the mask ends at the square's border as at any edge.
        wide = np.pad(mask[1:-1, 1:-1], 1 + margins.reach)
        inner = slice(margins.reach, -margins.reach)
        opacity = margins.applied(wide)[inner, inner]
        height, width = face.parsing.size
        pixel = square.side / self.size  # so much more, so that the picture's last row is pasted back whole
        opacity *= (x > -pixel) & (x < width + pixel) & (y > -pixel) & (y < height + pixel)
        return np.dstack([part.image, np.rint(opacity * 255).astype(np.uint8)])

    def _record(self, parsing: Parsing, face: Face, square: Square) -> dict[str, object]:
        to_crop = square.to_pixels((self.size, self.size))
        height, width = parsing.size
        inside = face.landmarks @ to_crop[:, :2].T + to_crop[:, 2]
        return {
            "size": self.size,
            "align": self.align,
            "picture": {"file": Path(parsing.source).name, "width": width, "height": height},
            "to_crop": between_pixels(to_crop).tolist(),
            "to_picture": between_pixels(inverse(to_crop)).tolist(),
            "face": face.record(),
            "landmarks_in_crop": dict(zip(LANDMARKS, inside.round(2).tolist(), strict=True)),
            "scheme": {"name": parsing.scheme.name, "left_means": parsing.scheme.left_means},
            "classes": self._classes(parsing.scheme),
        }

    def _classes(self, scheme: Scheme) -> list[str]:
        """Return the classes that make up the face.

        Raises:
            LabelError: the scheme has none.
        """
        names = [scheme.classes[i] for i in scheme.ids("face")]
        return [name for name in names if self.glasses or name != "eye_g"]
