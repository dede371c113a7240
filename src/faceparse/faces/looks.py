"""The parts of a picture that the network gets, chosen by the faces in the picture.

>>> from faceparse.faces import plan
>>> [look.square for look in plan((), (480, 640), "auto").looks]  # no face: the whole picture
[None]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError
from faceparse.faces.detector import Detection
from faceparse.faces.strict import EXCLUDED_LOGIT, without_doubtful_faces
from faceparse.faces.views import square_view, warped_view, whole_view
from faceparse.faces.warp import ALONE, AMONG_OTHERS, Warp
from faceparse.labels import Scheme
from faceparse.labels.groups import GROUPS
from faceparse.results.square import Square, crop
from faceparse.results.view import View
from faceparse.weights import Card, Preprocessing
from faceparse.weights.merging import scheme_of_results

MODES = ("auto", "whole", "each", "largest")
WIDER = 2.0
"""Side of a face's wider look, in sides of the face's aligned square."""
WIDER_EXCLUDED = ("face", "hat", "accessory")
"""Classes and groups that the wider look does not label: they lie in the aligned square, except a tall hat's top."""
FEATHER, WIDER_FEATHER = 0.05, 0.1
"""Fraction of a square's side over which the aligned look and the wider look fade in."""


@dataclass(frozen=True)
class Look:
    """One run of the network on a part of the picture.

    Attributes:
        square: The part of the picture; None: the whole picture, resized to the network's input size.
        layer: Looks of a higher layer cover looks of lower layers.
        feather: Fraction of the square's side over which the look fades in from the square's border.
        face: The face that the look belongs to, or None.
        excluded: Classes and groups that this look does not label.
        strict: Whether the look labels faces only outside of the plan's faces, and only where skin, an eye
            and a mouth are present.
        warp: The warp of the whole picture around a face, in place of `square`.
        reach: Distance from the template's centre up to which a warped look counts, in halves of the
            template's side.
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
        """The square and the warp, which set the network's input: looks with the same part have the same logits."""
        return self.square, self.warp

    @property
    def plain(self) -> Look:
        """The look without changes of its logits, for logits that were changed before."""
        return replace(self, excluded=(), strict=False)

    def crop(self, image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """Make the network's input from an RGB picture, before normalisation: H × W × 3 uint8."""
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
        """Make the view of logits, C × h × w; `picture_size` is (height, width), `faces` are the plan's faces."""
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
    """Return the logits, changed so that the classes and groups in `names` never win."""
    classes = {c for name in names for c in GROUPS.get(name, (name,))}
    if "neck" not in scheme:
        classes -= {"skin", "face"}  # they include the neck in such a scheme
    labels = [i for i, c in enumerate(scheme.classes) if c in classes]
    if not labels:
        return logits
    logits = logits.copy()
    logits[labels] = EXCLUDED_LOGIT
    return logits


@dataclass(frozen=True)
class Plan:
    """The faces to parse, and the looks at them in the order of the faces."""

    faces: tuple[Detection, ...]
    looks: tuple[Look, ...]

    def closest(self, face: Detection) -> Look:
        """Return the face's own look in the highest layer; without one, a look that belongs to no face."""
        return max((k for k in self.looks if k.face in (face, None)), key=lambda k: (k.face is face, k.layer))


def plan(
    faces: Sequence[Detection],
    picture_size: tuple[int, int],
    mode: str = "auto",
    warp: tuple[int, int] | None = None,
    portrait: bool | None = None,
) -> Plan:
    """Choose the parts of a picture that the network gets.

    Args:
        faces: The detector's faces; mode `whole` needs none.
        picture_size: Height and width of the picture in pixels.
        mode: `auto`: an aligned portrait as a whole, every other face by itself; `whole`: the picture resized to the
            network's input size; `each`: every face by itself; `largest`: only the face with the largest box.
        warp: Input size (height, width) of a network that takes pictures warped around a face, as LaPa's
            networks do. Each face is then one look; the look at a single face, or with `whole` at the
            largest, reaches far over the picture; without a face there is no look.
        portrait: Whether the picture is a portrait of its largest face, for mode `auto`; None: `is_portrait`.

    Face parsing weights are trained on aligned portraits: the further a crop is from that framing, the more
    hats, glasses and noses they label where there are none. So only the aligned square labels the face. A
    square twice as large, in the layer below, labels hair, ears, neck and clothes. The whole picture, in the
    lowest layer, labels hair, hats, neck and clothes; it labels a face, which the detector missed, only where
    skin, an eye and a mouth are all present. If the wider square contains the picture, the look at the whole
    picture is left out.

    Mean F1 on 50 FaceSynthetics scenes (16 classes, all pixels), BiSeNet-R18 79999:

    ======================================================  ====
    whole picture                                           60.7
    aligned square (1×)                                     60.0
    1× over whole picture                                   67.5
    1× over 1.5×, 2×, 2.5×, no class excluded               67.8, 65.3, 61.0
    1× over 1.5×, 2×, 2.5×, face and hat excluded           68.1, 69.2, 66.6
    the same with 2×, over the whole picture for clothes    69.4
    ======================================================  ====

    The default model has 79.8 with this function's plan. The whole picture
    labels hair, hats and necks for people whose face was not detected. Measured on 29 Figaro pictures without
    a face: one face in a corner, a ninth of the picture, lowered the hair's IoU from 0.90 to 0.03 with the
    last row's plan, and to 0.89 with this one.

    Raises:
        ConfigError: an unknown mode.
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
    portrait = is_portrait(largest, picture_size) if portrait is None else portrait
    if mode == "auto" and portrait and len(chosen) == 1:
        return Plan(chosen, (Look(face=largest),))
    if mode == "auto" and portrait:
        # Only the other faces' aligned squares count: their wider squares would cover the portrait.
        whole = Look(layer=2, feather=FEATHER, face=largest)
        others = (_face_looks(face)[1] for face in chosen if face is not largest)
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
    """Return whether the whole picture lies inside the square's feathered border."""
    height, width = picture_size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    frame = square.to_frame()
    inside = corners @ frame[:, :2].T + frame[:, 2]
    return bool(inside.min() >= FEATHER and inside.max() <= 1 - FEATHER)


def is_portrait(face: Detection, picture_size: tuple[int, int], slack: float = 1.0) -> bool:
    """Return whether a picture already has the framing of a face's aligned square.

    `slack` widens the limits on the face, so that a video's framing has to change clearly before the looks change.

    The limits leave a little room beyond 300 portraits of CelebAMask-HQ, in which the square's side is 0.78
    to 1.22 of the picture's, its centre at most 0.07 sides off the picture's centre, its angle at most 10°.
    """
    height, width = picture_size
    side = math.sqrt(height * width)
    square = Square.from_landmarks(face.landmarks)
    return (
        max(height, width) <= 1.1 * min(height, width)
        and 0.75 / slack <= square.side / side <= 1.3 * slack
        and math.dist(square.centre, (width / 2, height / 2)) <= 0.1 * slack * side
        and abs(square.angle) <= 12 * slack
    )
