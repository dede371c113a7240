"""Faces keep their numbers from frame to frame.

>>> tracker = Tracker()
>>> tracks = tracker.update(YuNet().detect(image), image, 0.0)  # doctest: +SKIP
>>> [track.id for track in tracks]  # doctest: +SKIP
[1, 2]

Association follows ByteTrack (Zhang et al., 2022, https://arxiv.org/abs/2110.06864): a Kalman filter predicts each
box; detections with a high score are matched first, then those with a low score, which only continue a track. To the
overlap of boxes comes the likeness of small aligned pictures of the faces, so that faces that cross keep their
numbers and a face that returns elsewhere gets its number back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection, Square, crop
from faceparse.frames.kalman import Kalman
from faceparse.frames.oneeuro import OneEuro

HIGH_SCORE = 0.6
"""Score of a detection that may begin a track."""
KEPT = 1.5
"""Seconds for which a lost face keeps its number."""
OVERLAP, LIKE = 0.2, 0.82
"""Least overlap of a detection with a track at its place; least likeness with a lost face elsewhere.

Of 79 portraits of CelebAMask-HQ, turned, scaled, blurred, relit and noisy, 99 % have a likeness of at least 0.82 with
themselves, 5 % of the pairs of different people more than 0.75 and 1 % more than 0.85.
"""
STAMP, STAMP_SCALE = 16, 0.8
"""Side of a face's small picture in pixels, and in sides of the aligned square."""
RENEWAL, LEAST_SHOWN = 0.2, 0.3
"""Weight of a new small picture in the one that is remembered; least share of both that must lie in the picture."""

Array = NDArray[np.float64]


@dataclass(eq=False)
class Track:
    """A face with its number.

    Attributes:
        id: The face's number, from 1.
        face: The face as it was last observed.
        stamp: Its remembered small picture.
        kalman: Its predicted box.
        detected: Time in seconds of its last detection.
        seen: Time in seconds at which it was last detected or followed.
        here: Whether its place counts: not after a cut.
        motion: The map, 2 × 3, of its points from the last frame to this one; None: not known, for a new or lost face.
        smoothed: The filter of its landmarks.
    """

    id: int
    face: Detection
    stamp: Array
    kalman: Kalman
    detected: float
    seen: float
    here: bool = True
    motion: Array | None = None
    smoothed: OneEuro = field(default_factory=lambda: OneEuro(cutoff=1.0, beta=5.0))

    def observe(self, face: Detection, time: float) -> None:
        """Note where the face is at a time, to which its box was predicted."""
        self.kalman.update(face.box)
        self.face, self.seen, self.here = face, time, True


class Tracker:
    """Gives the detections of each frame the numbers of the faces that they show.

    Attributes:
        tracks: The faces seen in the last `KEPT` seconds.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._ids = itertools.count(1)

    def predict(self, time: float) -> None:
        """Predict the boxes at a time in seconds, and forget the faces that were lost too long ago."""
        self.tracks = [track for track in self.tracks if time - track.seen <= KEPT]
        for track in self.tracks:
            track.kalman.predict(time)

    def update(self, faces: Sequence[Detection], image: NDArray[np.uint8], time: float) -> list[Track | None]:
        """Return the track of each detection in an RGB frame at the predicted time; None for a low score without one."""
        stamps = [stamp(image, face) for face in faces]
        high = [i for i, face in enumerate(faces) if face.score >= HIGH_SCORE]
        matched: dict[int, Track] = {}

        def near(i: int, track: Track) -> float:
            shared = overlap(faces[i].box, track.kalman.box)
            return 1 + shared + likeness(stamps[i], track.stamp) if track.here and shared >= OVERLAP else 0.0

        def like(i: int, track: Track) -> float:
            alike = likeness(stamps[i], track.stamp)
            return alike if alike >= LIKE else 0.0

        for candidates, score in ((high, near), (range(len(faces)), near), (high, like)):
            rest = [track for track in self.tracks if track not in matched.values()]
            pairs = [(score(i, track), i, track) for i in candidates if i not in matched for track in rest]
            for value, i, track in sorted(pairs, key=lambda pair: -pair[0]):
                if value > 0 and i not in matched and track not in matched.values():
                    matched[i] = track
        for i, track in matched.items():
            track.stamp = renewed(track.stamp, stamps[i])
            if not track.here or overlap(faces[i].box, track.kalman.box) < OVERLAP:  # it came back elsewhere
                track.kalman = Kalman(faces[i].box, time)
            track.observe(faces[i], time)
            track.detected = time
        for i in high:
            if i not in matched:
                matched[i] = Track(
                    next(self._ids), faces[i], stamps[i], Kalman(faces[i].box, time), time, time
                )
                self.tracks.append(matched[i])
        return [matched.get(i) for i in range(len(faces))]


def stamp(image: NDArray[np.uint8], face: Detection) -> Array:
    """Return a small aligned picture of a face, n × 3; NaN beyond the picture's border."""
    square = Square.from_landmarks(face.landmarks).scale(STAMP_SCALE)
    values = crop(image, square, (STAMP, STAMP)).astype(np.float64)
    steps = (np.arange(STAMP) + 0.5) / STAMP * 2 - 1
    centre, x, y = (np.array(v) for v in (square.centre, square.x, square.y))
    points = centre + steps[:, None] * x + steps[:, None, None] * y
    values[((points < 0) | (points > image.shape[1::-1])).any(-1)] = np.nan
    return values.reshape(-1, 3)


def renewed(old: Array, new: Array) -> Array:
    """Return a remembered small picture with a new one mixed in; what only one of them shows is taken from it."""
    mix = (1 - RENEWAL) * old + RENEWAL * new
    return np.where(np.isnan(mix), np.where(np.isnan(old), new, old), mix)


def likeness(a: Array, b: Array) -> float:
    """Return the correlation of two small pictures where both show something, −1 to 1; 0 if that is too little."""
    both = ~np.isnan(a[:, 0] + b[:, 0])
    if both.mean() < LEAST_SHOWN:
        return 0.0
    a, b = (one[both] - one[both].mean() for one in (a, b))
    return float((a * b).sum() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9))


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    return shared / max(_area(a) + _area(b) - shared, 1e-9)


def _area(box: Sequence[float]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
