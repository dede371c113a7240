"""Label maps that do not flicker: each face's logits averaged over frames, in the frame of the face.

>>> steady = Steady()
>>> for time, image in camera:  # doctest: +SKIP
...     labels = steady(parser.parse(image), time).labels

A view's past is carried along with its face, so that rigid motion cancels. In each cell of the view's grid, the past
weighs more where the network is unsure, as in MediaPipe's smoothing of segmentation: new + (past − new) · uncertainty ·
ratio. Where the network is sure of something new (a blink, speech), the new frame wins. A cut and a lost face end the
past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.frames.follow import Follower
from faceparse.frames.motion import Affine, compose, inverse, move
from faceparse.frames.tracker import Track
from faceparse.results import Face, Parsing, View
from faceparse.tables import between, convert

Array = NDArray[np.float32]

LEAST = 1e-9
"""Least probability that is turned back into a logit, in place of 0."""
STILL = 0.02
"""Largest motion, in cells of a grid, that counts as none."""
INSIDE = 0.5
"""A resampled cell lies inside the past's grid if its probabilities add up to more than this."""
UNSURE = 3.0
"""The past's weight is this times the probability of all classes but the best one, at most 1."""
RATIO, RATE = 0.97, 25.0
"""Largest weight of the past at a frame rate of `RATE`; at another rate the past lasts as many seconds."""


@dataclass
class _Past:
    """What a view's past says.

    Attributes:
        probabilities: C × h × w.
        to_grid: The map from this frame's points to their grid, 2 × 3.
        warped: Whether the points are squashed before; its grid then moves with the face.
        logits: The last logits of the view.
    """

    probabilities: Array
    to_grid: Affine
    warped: bool
    logits: Array


class Steady:
    """Steadies the parsings of a video's frames: call it with each frame's parsing, in order.

    Faces get their `Face.id`. Make a new object for each video.

    Args:
        smooth: Weight of the past, 0 to 1; with 0, the parsings only get ids.

    Raises:
        ConfigError: `smooth` out of range.
    """

    def __init__(self, smooth: float = 0.5) -> None:
        convert(Annotated[float, between(0, 1)], smooth, "smooth")
        self.smooth = smooth
        self.follower = Follower(smooth > 0)
        self._pasts: dict[tuple[int | None, int], _Past] = {}
        self._time, self._ratio = 0.0, 0.0

    def __call__(self, parsing: Parsing, time: float, image: NDArray[np.uint8] | None = None) -> Parsing:
        """Return the parsing of the next frame, steadied.

        Args:
            parsing: The parsing of the frame.
            time: The frame's time in seconds.
            image: The frame, RGB uint8, H × W × 3; by default `parsing.image`.
        """
        self.follower.move(parsing.image if image is None else image, time)
        faces = [Detection(face.box, face.score, face.landmarks) for face in parsing.faces]
        return self.average(parsing, self.follower.detect(faces))

    def average(self, parsing: Parsing, tracks: Sequence[Track | None]) -> Parsing:
        """Return a parsing whose views are averaged with their past; `tracks` has the track of each of its faces."""
        faces = []
        for face, track in zip(parsing.faces, tracks, strict=True):
            if track is None:
                faces.append(face)
            else:
                landmarks = track.face.landmarks if self.smooth else face.landmarks
                faces.append(replace(face, id=track.id, landmarks=landmarks))
        if not self.smooth:
            return replace(parsing, faces=tuple(faces))
        step, self._time = self.follower.time - self._time, self.follower.time
        self._ratio = (RATIO * (1 - (1 - self.smooth) ** 4)) ** max(RATE * step, 0.0)
        self._carry()
        views = {id(view): self._steadied(view, _owner(view, faces)) for view in parsing.views}

        def of(whole: Parsing) -> Parsing:
            return replace(whole, views=tuple(views.get(id(view), view) for view in whole.views))

        return replace(
            of(parsing), faces=tuple(replace(f, parsing=f.parsing and of(f.parsing)) for f in faces)
        )

    def _carry(self) -> None:
        """Move the pasts to this frame with their faces; drop those of lost faces and those from before a cut."""
        motions = {track.id: track.motion for track in self.follower.tracks}
        for (owner, layer), past in list(self._pasts.items()):
            motion = self.follower.camera if owner is None else motions.get(owner)
            if motion is None or self.follower.cut:
                del self._pasts[owner, layer]
            elif not past.warped:
                past.to_grid = compose(past.to_grid, inverse(motion))

    def _steadied(self, view: View, owner: int | None) -> View:
        past = self._pasts.get((owner, view.layer))
        warped = view.before is not None
        if past is None or past.probabilities.shape != view.logits.shape or past.warped != warped:
            probabilities, new = softmax(view.logits), view
        else:
            if np.array_equal(
                past.logits, view.logits
            ):  # the look was kept: the network has said nothing new
                probabilities = past.probabilities
            else:
                step = np.eye(2, 3) if past.warped else compose(past.to_grid, inverse(view.to_grid))
                probabilities = mixed(softmax(view.logits), resampled(past.probabilities, step), self._ratio)
            new = replace(view, logits=np.log(np.maximum(probabilities, LEAST)))
        self._pasts[owner, view.layer] = _Past(probabilities, view.to_grid, warped, view.logits)
        return new


def softmax(logits: Array) -> Array:
    """Convert logits, classes × h × w, to probabilities."""
    out = logits - logits.max(0)
    np.exp(out, out=out)
    return np.asarray(out / out.sum(0), np.float32)


def resampled(probabilities: Array, step: Affine) -> Array:
    """Resample probabilities, C × h × w, on a new grid; they are 0 beyond the border.

    `step` is the 2 × 3 map from (column, row) in the new grid to (column, row) in the old one.
    """
    height, width = probabilities.shape[1:]
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1]], np.float64)
    if np.abs(move(corners, step) - corners).max() < STILL:
        return probabilities
    out = np.empty_like(probabilities)
    for source, target in zip(
        probabilities, out, strict=True
    ):  # cubic, since blur would add up from frame to frame
        cv2.warpAffine(source, step, (width, height), target, cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    np.clip(out, 0, 1, out=out)
    total = out.sum(0)
    out /= np.where(total > INSIDE, total, 1)
    out[:, total <= INSIDE] = 0
    return out


def mixed(new: Array, past: Array, ratio: float) -> Array:
    """Average new probabilities, C × h × w, with past ones.

    The past has the weight `ratio` where the network's best class has a probability of two thirds or less, a smaller
    weight where the network is surer, and none beyond the border of its grid.
    """
    weight = 1 - new.max(0)
    weight *= UNSURE
    np.minimum(weight, 1, out=weight)
    weight *= np.float32(ratio) * past.any(0)
    return np.asarray(new + (past - new) * weight, np.float32)


def _owner(view: View, faces: Sequence[Face]) -> int | None:
    """Return the id of the face to which a view belongs."""
    for face in faces:
        if face.parsing is not None and any(view is other for other in face.parsing.views):
            return face.id
    return None
