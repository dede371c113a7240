"""Label maps that do not flicker: each face's logits averaged over frames, in the frame of the face.

>>> steady = Steady()
>>> for time, image in camera:  # doctest: +SKIP
...     labels = steady(parser.parse(image), time).labels

A view's past is carried along with its face, so that rigid motion cancels. In each cell of the view's grid, the past
weighs more where the network is unsure, as in MediaPipe's smoothing of segmentation: new + (past − new) · uncertainty ·
ratio. Where the network is sure of something new (a blink, speech), or where the frame shows something else than before
(somebody walks past), the new frame wins. A cut and a lost face end the past. Where faces overlap, each one's views leave
the other one to the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.faces.strict import EXCLUDED_LOGIT
from faceparse.frames.follow import Follower, Snapshot
from faceparse.frames.kalman import overlap
from faceparse.frames.motion import Affine, compose, inverse, move
from faceparse.frames.track import Track, head
from faceparse.results import Face, Parsing, View
from faceparse.results.samples import Samples, samples_of
from faceparse.tables import between, convert

Array = NDArray[np.float32]

LEAST = 1e-9
"""Least probability that is turned back into a logit, in place of 0."""
STILL = 0.02
"""Largest motion, in cells of a grid, that counts as none."""
INSIDE = 0.5
"""A resampled cell lies inside the past's grid if its probabilities add up to more than this."""
COARSE, SAME = 16, 24.0
"""Cells along a side of a view in which colours are compared with the last frame; difference, 0 to 255, up to which they
count as the same. From twice this difference on, something else is seen, and the past does not count."""
UNSURE = 4.0
"""The past's weight is this times the probability of all classes but the best one, at most 1."""
RATIO, RATE = 0.97, 25.0
"""Largest weight of the past at a frame rate of `RATE`; at another rate the past lasts as many seconds."""


@dataclass
class _Past:
    """What a view's past says.

    Attributes:
        probabilities: C × h × w; 0 where the grid lies beyond the picture.
        to_grid: The map from this frame's points to their grid, 2 × 3.
        warped: Whether the points are squashed before; its grid then moves with the face.
        logits: The last logits of the view, as the network gave them.
        colours: The mean colours of the frame on `COARSE`² cells of the grid.
        steadied: The samples of the logits averaged with their past; kept, so that a kept look does not need them anew.
    """

    probabilities: Array
    to_grid: Affine
    warped: bool
    logits: Array
    colours: Array
    steadied: Samples


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
        tracks = self.follower.detect(faces)
        return self.average(parsing, tracks, self.follower.snapshot)

    def average(self, parsing: Parsing, tracks: Sequence[Track | None], frame: Snapshot) -> Parsing:
        """Return a parsing whose views are averaged with their past.

        Args:
            parsing: The parsing of the frame.
            tracks: The track of each of its faces.
            frame: What the follower knows of the frame.
        """
        faces = []
        for face, track in zip(parsing.faces, tracks, strict=True):
            if track is None:
                faces.append(face)
            else:
                landmarks = track.face.landmarks if self.smooth else face.landmarks
                faces.append(replace(face, id=track.id, landmarks=landmarks))
        if not self.smooth:
            return replace(parsing, faces=tuple(faces))
        step, self._time = frame.time - self._time, frame.time
        self._ratio = (RATIO * (1 - (1 - self.smooth) ** 4)) ** max(RATE * step, 0.0)
        self._carry(frame)
        owners = [_owner(view, faces) for view in parsing.views]
        views = [
            self._steadied(view, owner, parsing.size, frame.small)
            for view, owner in zip(parsing.views, owners, strict=True)
        ]
        steadied = {id(view): new for view, new in zip(parsing.views, views, strict=True)}

        def of_face(part: Parsing | None) -> Parsing | None:
            return part and replace(part, views=tuple(steadied.get(id(view), view) for view in part.views))

        return replace(
            parsing,
            views=_fill_backgrounds(views, owners, faces),
            faces=tuple(replace(face, parsing=of_face(face.parsing)) for face in faces),
        )

    def _carry(self, frame: Snapshot) -> None:
        """Move the pasts to this frame with their faces; drop those of lost faces and those from before a cut."""
        motions = {track.id: track.motion for track in frame.tracks}
        for (owner, layer), past in list(self._pasts.items()):
            motion = frame.camera if owner is None else motions.get(owner)
            if motion is None or frame.cut:
                del self._pasts[owner, layer]
            elif not past.warped:
                past.to_grid = compose(past.to_grid, inverse(motion))

    def _steadied(
        self, view: View, owner: int | None, size: tuple[int, int], small: NDArray[np.uint8]
    ) -> View:
        """Return a view of a picture of `size` (height, width), averaged with its past, which it becomes part of."""
        past = self._pasts.get((owner, view.layer))
        colours = _colours(small, view, size)
        warped = view.before is not None
        if past is None or past.logits.shape != view.logits.shape or past.warped != warped:
            probabilities, new = softmax(view.logits), view
        elif past.logits is view.logits:  # the look was kept: the network has said nothing new
            self._pasts[owner, view.layer] = replace(past, to_grid=view.to_grid, colours=colours)
            return replace(view, logits=past.steadied.logits)
        else:
            step = np.eye(2, 3) if past.warped else compose(past.to_grid, inverse(view.to_grid))
            ratio = self._ratio * _alike(past.colours, colours, step, view.logits.shape[1:])
            probabilities = mixed(softmax(view.logits), resampled(past.probabilities, step), ratio)
            new = replace(view, logits=_logits(probabilities))
        self._pasts[owner, view.layer] = _Past(
            probabilities * _within(view, size),
            view.to_grid,
            warped,
            view.logits,
            colours,
            samples_of(new.logits),
        )
        return new


def softmax(logits: Array) -> Array:
    """Convert logits, classes × h × w, to probabilities."""
    out = logits - logits.max(0)
    np.exp(out, out=out)
    return np.asarray(out / out.sum(0), np.float32)


def _logits(probabilities: Array) -> Array:
    """Convert probabilities, classes × h × w, to logits; a class that is excluded everywhere stays excluded."""
    logits = np.log(np.maximum(probabilities, LEAST))
    logits[~probabilities.any((1, 2))] = EXCLUDED_LOGIT
    return logits


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


def mixed(new: Array, past: Array, ratio: Array) -> Array:
    """Average new probabilities, C × h × w, with past ones.

    The past has the weight `ratio` where the network's best class has a probability of three quarters or less, a smaller
    weight where the network is surer, and none beyond the border of its grid.
    """
    weight = 1 - new.max(0)
    weight *= UNSURE
    np.minimum(weight, 1, out=weight)
    weight *= ratio * past.any(0)
    return np.asarray(new + (past - new) * weight, np.float32)


def _owner(view: View, faces: Sequence[Face]) -> int | None:
    """Return the id of the face to which a view belongs."""
    for face in faces:
        if face.parsing is not None and any(view is other for other in face.parsing.views):
            return face.id
    return None


def _fill_backgrounds(
    views: Sequence[View], owners: Sequence[int | None], faces: Sequence[Face]
) -> tuple[View, ...]:
    """Return the views; those of faces whose heads overlap fill in each other's background."""
    heads = {face.id: head(face.box) for face in faces}

    def beside(a: int | None, b: int | None) -> bool:
        return a is not None and b is not None and a != b and overlap(heads[a], heads[b]) > 0

    return tuple(
        fill_background(
            view,
            [
                other
                for other, theirs in zip(views, owners, strict=True)
                if beside(owner, theirs) and other.layer == view.layer and other.before is None
            ],
        )
        for view, owner in zip(views, owners, strict=True)
    )


def fill_background(view: View, others: Sequence[View]) -> View:
    """Return a face's view whose background shows what the views of other faces show there.

    To the network, everyone but the face in the middle is background. So a view's background says nothing of others.
    """
    if not others or view.before is not None:
        return view
    probabilities = softmax(view.logits)
    for other in others:
        theirs = resampled(softmax(other.logits), compose(other.to_grid, inverse(view.to_grid)))
        probabilities[1:] += probabilities[0] * theirs[1:]
        probabilities[0] *= 1 - theirs[1:].sum(0)
    return replace(view, logits=_logits(probabilities))


def _within(view: View, size: tuple[int, int]) -> Array:
    """Return 1 for the cells of a view's grid in the picture or less than a cell beside it, else 0, h × w."""
    height, width = view.logits.shape[1:]
    if view.before is not None or view.frame is None:
        return np.ones((height, width), np.float32)
    back, last = inverse(view.to_grid), np.array(size[::-1])
    cell = np.hypot(*back[:, 0])
    corners = move(np.array([[0, 0], [width, 0], [0, height], [width, height]]), back)
    if (corners >= -cell).all() and (corners <= last + cell).all():
        return np.ones((height, width), np.float32)
    points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1) @ back[:, :2].T + back[:, 2]
    return np.asarray(((points >= -cell) & (points <= last + cell)).all(-1), np.float32)


def _coarse(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the (column, row) of the coarse cells' centres in a grid of h × w, `COARSE` × `COARSE` × 2."""
    x, y = ((np.arange(COARSE) + 0.5) * side / COARSE - 0.5 for side in shape[::-1])
    return np.stack(np.meshgrid(x, y), -1)


def _colours(small: NDArray[np.uint8], view: View, size: tuple[int, int]) -> Array:
    """Return the colours of a reduced frame on the coarse cells of a view; `size` is that of the frame itself."""
    if view.before is not None:
        return np.zeros((COARSE, COARSE, 3), np.float32)
    back = inverse(view.to_grid)
    points = _coarse(view.logits.shape[1:]) @ back[:, :2].T + back[:, 2]
    pixels = points * (np.array(small.shape[1::-1]) / size[::-1]) - 0.5
    return _sampled(small.astype(np.float32), pixels)


def _alike(before: Array, now: Array, step: Affine, shape: tuple[int, ...]) -> Array:
    """Return 1 for the cells of a grid of h × w in which a frame looks as the last one did, 0 where it is another."""
    there = _coarse(shape) @ step[:, :2].T + step[:, 2]
    last = _sampled(before, (there + 0.5) * COARSE / shape[::-1] - 0.5)
    alike = np.clip(2 - np.abs(now - last).mean(-1) / SAME, 0, 1)
    return np.asarray(cv2.resize(alike, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _sampled(image: Array, pixels: NDArray[np.float64]) -> Array:
    """Return an image's bilinear values at (column, row), h × w × 2."""
    x, y = np.moveaxis(pixels, -1, 0).astype(np.float32)
    values = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32)
