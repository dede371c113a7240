"""Follow faces from frame to frame: their numbers, smoothed landmarks and motion.

>>> follower = Follower()
>>> follower.move(image, 0.0)  # doctest: +SKIP
>>> follower.detect(YuNet().detect(image))  # doctest: +SKIP
>>> [track.id for track in follower.tracks]  # doctest: +SKIP
[1]
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection, Square
from faceparse.frames.kalman import overlap, share_covered
from faceparse.frames.motion import CUT, Affine, change, compose, flow, move, reduced, thumbnail
from faceparse.frames.stamp import likeness, stamp
from faceparse.frames.track import Track, head
from faceparse.frames.tracker import CARRIED, COVERED, LIKE, Tracker
from faceparse.results.square import similarity

STILL, MOST = 3.0, 0.6
"""Difference of a frame from the last one, 0 to 255, up to which the camera is still; share of the picture's points that
move with the camera."""


HIDDEN, ORDER = 0.35, 0.1
"""Share of a face that another head must cover for one of both to be behind; likeness by which their order must change."""
ASTRAY = 0.04
"""Largest difference of a face behind another from its predicted place, in sides of its box."""


@dataclass(frozen=True)
class Snapshot:
    """What a follower knows of one frame; it stays the same when the follower goes on.

    Attributes:
        time, small, changed, cut, camera: As in `Follower`.
        tracks: The faces in the frame.
    """

    time: float
    small: NDArray[np.uint8]
    changed: float
    cut: bool
    camera: Affine | None
    tracks: tuple[Track, ...]


class Follower:
    """Follows faces by optical flow from one frame to the next, and corrects them by detections.

    Args:
        smooth: Whether landmarks are smoothed.

    Attributes:
        time: Time of the frame in seconds.
        small: The frame, reduced for comparisons.
        changed: Mean difference of the frame from the last one, 0 to 255.
        cut: Whether a cut lies between the last frame and this one; True at the first frame.
        camera: 2 × 3 map of most of the picture from the last frame to this one; None if unknown.
        lost: Whether a face of the last frame could not be followed into this one.
    """

    def __init__(self, smooth: bool = True) -> None:
        self._smooth = smooth
        self._tracker = Tracker()
        self._image: NDArray[np.uint8] | None = None
        self._thumbnail = np.zeros(0, np.float32)
        self.time, self.changed, self.cut, self.lost = 0.0, 0.0, True, False
        self.camera: Affine | None = None

    @property
    def tracks(self) -> list[Track]:
        """The faces in this frame."""
        return [track for track in self._tracker.tracks if track.seen == self.time]

    @property
    def snapshot(self) -> Snapshot:
        """What is known of this frame."""
        tracks = tuple(copy(track) for track in self.tracks)
        return Snapshot(self.time, self.small, self.changed, self.cut, self.camera, tracks)

    def move(self, image: NDArray[np.uint8], time: float) -> None:
        """Go on to the next frame, RGB uint8, H × W × 3, at `time` in seconds, and follow the faces into it."""
        last, tracks = self._image, self.tracks
        self.small = reduced(image)
        small = thumbnail(self.small)
        again = last is not None and last.shape == image.shape and time > self.time
        self._tracker.predict(time)
        for track in self._tracker.tracks:
            track.motion = None
        self.changed = change(self._thumbnail, small) if again else 255.0
        self._image, self._thumbnail, self.time = image, small, time
        self.camera = None
        if again and last is not None:
            whole = (0, 0, image.shape[1], image.shape[0])
            still = self.changed <= STILL
            self.camera = np.eye(2, 3) if still else flow(last, image, whole, together=MOST)
            fronts = _fronts(tracks, image)
            for track in tracks:
                if track in fronts:
                    self._follow_behind(track, fronts[track], last, image)
                elif not track.predicted:  # what is seen at a predicted place may be whoever covers the face
                    self._follow(track, last, image)
        self.lost = any(track.motion is None for track in tracks)
        self.cut = self.changed > CUT and all(track.motion is None for track in tracks)
        for track in tracks if again and not self.cut else ():
            if track.motion is None:
                self._predict(track, image)
        for track in self._tracker.tracks:
            track.here = track.here and not self.cut

    def _follow(self, track: Track, last: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
        x, y = np.rint(_step(track)).astype(int).tolist()
        motion = flow(last, image, track.face.box, (x, y))
        if motion is None:
            return
        face = moved(track.face, motion)
        if likeness(track.stamp, stamp(image, face)) < COVERED:
            return
        self._move(track, face, motion)
        track.kalman.update(face.box)

    def _follow_behind(
        self, track: Track, front: tuple[float, ...], last: NDArray[np.uint8], image: NDArray[np.uint8]
    ) -> None:
        """Follow what the head in front leaves of a face, if that moves about as the face did before."""
        x, y = np.rint(_step(track)).astype(int).tolist()
        motion = flow(last, image, track.face.box, (x, y), without=front)
        if motion is None:
            return
        face = moved(track.face, motion)
        if np.abs(np.subtract(face.centre, track.face.centre) - _step(track)).max() <= ASTRAY * face.size:
            track.kalman.update(face.box)
            self._move(track, face, motion)
            track.predicted = True

    def _move(self, track: Track, face: Detection, motion: Affine) -> None:
        track.motion = motion
        if track.smoothed.value is not None:
            track.smoothed.value = move(track.smoothed.value, motion)
        track.face, track.seen, track.predicted = face, self.time, False

    def _predict(self, track: Track, image: NDArray[np.uint8]) -> None:
        """Let a face that is covered, or that leaves the picture, go on as it moved before."""
        motion = np.column_stack([np.eye(2), _step(track)])
        face = moved(track.face, motion)
        if overlap(face.box, (0, 0, image.shape[1], image.shape[0])):
            self._move(track, face, motion)
            track.predicted = True

    def detect(self, faces: Sequence[Detection]) -> list[Track | None]:
        """Correct the faces by the detections in this frame.

        Returns:
            The track of each detection; None for a detection with a low score that continues no track.
        """
        image = self._image
        assert image is not None, "move comes first"
        before = {track: track.face.landmarks for track in self._tracker.tracks if track.here}
        predicted = {track for track in self.tracks if track.predicted}
        tracks = self._tracker.update(faces, image, self.time)
        for track in self.tracks:
            if self.time - track.detected > CARRIED:
                track.seen = track.detected
        for track in filter(None, tracks):
            if track in before and not track.predicted and (track in predicted or track.motion is None):
                self._correct(track, before[track], image)
            if self._smooth:
                side = Square.from_landmarks(track.face.landmarks).side
                track.face = replace(
                    track.face, landmarks=track.smoothed(track.face.landmarks, self.time, side)
                )
        return tracks

    def _correct(self, track: Track, before: NDArray[np.float64], image: NDArray[np.uint8]) -> None:
        """Replace an unknown or predicted motion by that of the detected landmarks, if it is the same face."""
        motion = track.motion
        track.motion = None
        if likeness(track.stamp, stamp(image, track.face)) >= LIKE:
            step = similarity(before, track.face.landmarks)
            track.motion = step if motion is None else compose(step, motion)
            track.smoothed.value = move(before, step)


def _step(track: Track) -> NDArray[np.float64]:
    """Return the predicted step of a face's centre since the last frame, x and y."""
    return np.asarray(np.array(track.kalman.box).reshape(2, 2).mean(0) - track.face.centre, np.float64)


def _fronts(tracks: Sequence[Track], image: NDArray[np.uint8]) -> dict[Track, tuple[float, ...]]:
    """Return each face behind another with the box, in the last frame, of the head in front of it.

    Of two faces of which one covers much of the other, that one is behind which looks less like itself.
    """
    before = {track for track in tracks if track.behind}
    for track in tracks:
        track.behind = False
    fronts: dict[Track, tuple[float, ...]] = {}
    for pair in combinations(tracks, 2):
        a, b = pair
        if (
            max(
                share_covered(a.kalman.box, head(b.kalman.box)),
                share_covered(b.kalman.box, head(a.kalman.box)),
            )
            > HIDDEN
        ):
            alike = [
                likeness(
                    track.stamp,
                    stamp(image, moved(track.face, np.column_stack([np.eye(2), _step(track)]))),
                )
                - ORDER * (track in before)
                for track in pair
            ]
            behind, front = (b, a) if alike[1] < alike[0] else (a, b)
            behind.behind, fronts[behind] = True, head(front.face.box)
    return fronts


def moved(face: Detection, motion: Affine) -> Detection:
    """Return a face moved by a similarity, 2 × 3; the sides of its box stay upright."""
    x0, y0, x1, y1 = face.box
    (x, y), scale = move(np.array([face.centre]), motion)[0], float(np.hypot(*motion[:, 0]))
    half, tall = scale * (x1 - x0) / 2, scale * (y1 - y0) / 2
    box = (float(x - half), float(y - tall), float(x + half), float(y + tall))
    return Detection(box, face.score, move(face.landmarks, motion))
