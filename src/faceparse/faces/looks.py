"""Which parts of a picture the network gets, given the faces in it.

>>> from faceparse.faces import plan
>>> [look.square for look in plan((), (480, 640), "auto").looks]  # no face: the whole picture
[None]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError
from faceparse.faces.align import Square, crop
from faceparse.faces.detector import Detection
from faceparse.faces.strict import EXCLUDED_LOGIT, without_doubtful_faces
from faceparse.faces.views import square_view, warped_view, whole_view
from faceparse.faces.warp import ALONE, AMONG_OTHERS, Warp
from faceparse.labels import Scheme
from faceparse.labels.groups import GROUPS
from faceparse.results.view import View
from faceparse.weights import Card, Preprocessing
from faceparse.weights.merging import scheme_of_results

MODES = ("auto", "whole", "each", "largest")
WIDER = 2.0
"""Side of a face's second look, in sides of its aligned square."""
WIDER_EXCLUDED = ("face", "hat", "accessory")
"""What the wider look does not label: all that lies in the aligned square, but for the top of a tall hat."""
FEATHER, WIDER_FEATHER = 0.05, 0.1
"""Fraction of a square's side over which the aligned look fades in, and the wider one."""


@dataclass(frozen=True)
class Look:
    """One run of the network on a part of the picture.

    Attributes:
        square: The part; None for the whole picture, resized to the network's input.
        layer: Higher layers lie over lower ones where both cover a place.
        feather: Fraction of the square's side over which it fades in from its border.
        face: Whose look it is; None where it belongs to no face.
        excluded: Classes and groups that this look does not label.
        strict: Whether it labels a face only where skin, an eye and a mouth are all there, outside of the plan's faces.
        warp: In place of a part, the whole picture, warped around a face.
        reach: How far a warped look counts, in halves of the template's side from its middle.
    """

    square: Square | None = None
    layer: int = 0
    feather: float = 0.1
    face: Detection | None = None
    excluded: tuple[str, ...] = ()
    strict: bool = False
    warp: Warp | None = None
    reach: float = ALONE

    @property
    def part(self) -> tuple[Square | None, Warp | None]:
        """What the network gets: looks at the same part have the same logits."""
        return self.square, self.warp

    def crop(self, image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """The network's input from an RGB picture, before normalisation: H × W × 3 uint8."""
        if self.warp is not None:
            return self.warp.crop(image)
        if self.square is None:
            return preprocessing.resize(image)
        return crop(image, self.square, preprocessing.size)

    def view(
        self,
        logits: NDArray[np.float32],
        card: Card,
        picture_size: tuple[int, int],
        faces: Sequence[Detection] = (),
    ) -> View:
        """The view of the network's logits, C × h × w; `picture_size` is (height, width), `faces` the plan's."""
        scheme = scheme_of_results(card)
        logits = _exclude(logits, scheme, self.excluded)
        if self.warp is not None:
            return warped_view(
                logits, card, self.warp, layer=self.layer, reach=self.reach, feather=self.feather
            )
        if self.square is not None:
            return square_view(logits, card, self.square, layer=self.layer, feather=self.feather)
        view = whole_view(logits, card, picture_size, self.layer, self.feather if self.layer else None)
        if not self.strict:
            return view
        return without_doubtful_faces(view, scheme, [Square.from_landmarks(f.landmarks) for f in faces])


def _exclude(logits: NDArray[np.float32], scheme: Scheme, names: tuple[str, ...]) -> NDArray[np.float32]:
    """The logits, in which these classes never win."""
    classes = {c for name in names for c in GROUPS.get(name, (name,))}
    if "neck" not in scheme:
        classes -= {"skin", "face"}  # the neck is among them
    labels = [i for i, c in enumerate(scheme.classes) if c in classes]
    if not labels:
        return logits
    logits = logits.copy()
    logits[labels] = EXCLUDED_LOGIT
    return logits


@dataclass(frozen=True)
class Plan:
    """The faces to parse and the looks at them, in the order of the faces."""

    faces: tuple[Detection, ...]
    looks: tuple[Look, ...]

    def closest(self, face: Detection) -> Look:
        """The look that decides on a face."""
        return max((k for k in self.looks if k.face in (face, None)), key=lambda k: (k.face is face, k.layer))


def plan(
    faces: Sequence[Detection],
    picture_size: tuple[int, int],
    mode: str = "auto",
    warp: tuple[int, int] | None = None,
) -> Plan:
    """Decide which looks the network takes.

    Args:
        faces: From the detector; `whole` needs none.
        picture_size: Height and width in pixels.
        mode: `auto`: an aligned portrait as a whole, every other face by itself; `whole`: the picture resized to the
            network's input; `each` face; `largest`: the one with the largest box.
        warp: Height and width of the input of a network that takes pictures warped around a face (LaPa's).
            Each face is then one look; a single one, or with `whole` the largest, reaches far over the picture;
            without a face there is none.

    Face parsing weights are trained on aligned portraits: the further a crop is from that framing, the more hats,
    glasses and noses they label where there are none. So the aligned square alone labels the face; a square
    twice as large, below it, labels hair, ears, neck and clothes; and below that the whole picture labels hair, hats,
    neck and clothes, and a face only where skin, an eye and a mouth are all there: people whose face was not detected.
    Where the wider square holds the picture there is nothing for the whole to say.

    Mean F1 on 50 FaceSynthetics scenes (16 classes, all pixels), BiSeNet-R18 79999:

    ======================================================  ====
    whole picture                                           60.7
    aligned square (1×)                                     60.0
    1× over whole picture                                   67.5
    1× over 1.5×, 2×, 2.5×, no class excluded               67.8, 65.3, 61.0
    1× over 1.5×, 2×, 2.5×, face and hat excluded           68.1, 69.2, 66.6
    the same with 2×, over the whole picture for clothes    69.4
    ======================================================  ====

    The default model has 79.9 with the last plan as with this one. The whole picture's hair, hats and necks are for others: a
    face of a ninth of the picture in a corner took the hair of 29 Figaro pictures without a face from an IoU of 0.90 to 0.03,
    and takes it to 0.89 now.

    Raises:
        ConfigError: another mode.
    """
    if mode not in MODES:
        raise ConfigError(f"faces is {', '.join(MODES)}; got {mode!r}")
    if warp is not None:
        return _plan_warps(faces, mode, warp)
    if mode == "whole":
        return Plan(tuple(faces), (Look(),))
    if not faces:
        return Plan((), (Look(strict=True),))
    largest = max(faces, key=lambda face: face.size)
    chosen = (largest,) if mode == "largest" else tuple(faces)
    portrait = largest if mode == "auto" and is_portrait(largest, picture_size) else None
    if portrait and len(chosen) == 1:
        return Plan(chosen, (Look(face=portrait),))
    if (
        portrait
    ):  # beside others: whose aligned squares are nearer to their faces, and whose wider ones would cover it
        whole = Look(layer=2, feather=FEATHER, face=portrait)
        others = (_face_looks(face)[1] for face in chosen if face is not portrait)
        return Plan(chosen, (whole, *others))
    looks = [look for face in chosen for look in _face_looks(face)]
    if not any(look.square and _covers(look.square, picture_size) for look in looks):
        looks.insert(0, Look(strict=True))
    return Plan(chosen, tuple(looks))


def _plan_warps(faces: Sequence[Detection], mode: str, size: tuple[int, int]) -> Plan:
    if not faces:
        return Plan((), ())
    largest = max(faces, key=lambda face: face.size)
    chosen = (largest,) if mode in ("largest", "whole") else tuple(faces)
    reach = AMONG_OTHERS if len(chosen) > 1 else ALONE
    looks = (
        Look(feather=FEATHER, face=face, warp=Warp.from_landmarks(face.landmarks, size), reach=reach)
        for face in chosen
    )
    return Plan(chosen, tuple(looks))


def _face_looks(face: Detection) -> tuple[Look, Look]:
    square = Square.from_landmarks(face.landmarks)
    return (
        Look(square.scale(WIDER), layer=1, feather=WIDER_FEATHER, face=face, excluded=WIDER_EXCLUDED),
        Look(square, layer=2, feather=FEATHER, face=face),
    )


def _covers(square: Square, picture_size: tuple[int, int]) -> bool:
    """Whether the whole picture lies inside the square's feathered border."""
    height, width = picture_size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    frame = square.to_frame()
    inside = corners @ frame[:, :2].T + frame[:, 2]
    return bool(inside.min() >= FEATHER and inside.max() <= 1 - FEATHER)


def is_portrait(face: Detection, picture_size: tuple[int, int]) -> bool:
    """Whether a picture already has the framing of this face's aligned square.

    The limits hold all of 300 portraits of CelebAMask-HQ (side 0.78 to 1.22 of the picture's, middle off by at most
    0.07, angle at most 10°) with a little room.
    """
    height, width = picture_size
    side = math.sqrt(height * width)
    square = Square.from_landmarks(face.landmarks)
    return (
        max(height, width) <= 1.1 * min(height, width)
        and 0.75 <= square.side / side <= 1.3
        and math.dist(square.centre, (width / 2, height / 2)) <= 0.1 * side
        and abs(square.angle) <= 12
    )
