"""Give each face a number that it keeps from frame to frame.

>>> tracker = Tracker()
>>> tracks = tracker.update(YuNet().detect(image), image, 0.0)  # doctest: +SKIP
>>> [track.id for track in tracks]  # doctest: +SKIP
[1, 2]

Association follows ByteTrack (Zhang et al., 2022, https://arxiv.org/abs/2110.06864): a Kalman filter predicts each
box; detections with a high score are matched first, then those with a low score, which only continue a track. Besides
the overlap of boxes, the likeness of the faces' stamps counts. So faces that cross keep their numbers, and a face that
returns elsewhere gets its number back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.frames.kalman import Kalman, overlap
from faceparse.frames.stamp import likeness, renewed, stamp
from faceparse.frames.track import Track, head

HIGH_SCORE = 0.6
"""Score of a detection that may begin a track."""
KEPT = 1.5
"""Seconds for which a lost face keeps its number."""
CARRIED = 0.7
"""Seconds for which a face that is covered or not detected goes on."""
OVERLAP, ALIKE, LIKE = 0.2, 0.6, 0.82
"""Least overlap of a detection with a track at its place; least likeness with a lost face elsewhere, and after a cut.

Of 79 portraits of CelebAMask-HQ, turned, scaled, blurred, relit and noisy, 99 % have a likeness of at least 0.82 with
themselves, 5 % of the pairs of different people more than 0.75 and 1 % more than 0.85.
"""
SAME = 0.5
"""Overlap of two faces' boxes above which they are at the same place."""
COVERED = 0.7
"""Likeness of a face to its stored stamp below which it may be covered, or something else was followed."""

Array = NDArray[np.float64]


class Tracker:
    """Gives each detection the number of the face that it shows.

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

    def _is_covered(self, track: Track, picture: Array, time: float) -> bool:
        """Return whether another head covers a face: the box of what is seen of it shrinks, which is no motion."""
        box = head(track.kalman.box)
        near = any(overlap(box, head(other.kalman.box)) for other in self.tracks if other is not track)
        covered = track.behind or (near and likeness(picture, track.stamp) < COVERED)
        return covered and time - track.detected <= CARRIED

    def _recognise(self, track: Track, picture: Array, lost: Sequence[Track]) -> None:
        """Give a track the number of a lost face if its new stamp shows that both are the same face."""
        older = [other for other in lost if other.seen < track.begun]
        best = max(older, key=lambda other: likeness(picture, other.stamp), default=track)
        if best is not track and likeness(picture, best.stamp) >= LIKE:
            track.id, track.stamp, track.begun = best.id, best.stamp, best.begun
            self.tracks.remove(best)

    def update(self, faces: Sequence[Detection], image: NDArray[np.uint8], time: float) -> list[Track | None]:
        """Return the track of each detection; None for a detection with a low score that continues no track.

        Args:
            faces: Detections in the frame.
            image: The frame, RGB uint8, H × W × 3.
            time: The frame's time in seconds, as in `predict`, which comes first.
        """
        stamps = [stamp(image, face) for face in faces]
        high = [i for i, face in enumerate(faces) if face.score >= HIGH_SCORE]
        matched: dict[int, Track] = {}

        def near(i: int, track: Track) -> float:
            boxes: list[tuple[float, ...]] = [faces[i].box, track.kalman.box, track.face.box]
            if track.predicted:  # its place is a guess
                boxes = [head(box) for box in boxes]
            shared = max(overlap(boxes[0], box) for box in boxes[1:])
            return 1 + shared + likeness(stamps[i], track.stamp) if track.here and shared >= OVERLAP else 0.0

        def like(i: int, track: Track) -> float:
            alike = likeness(stamps[i], track.stamp)
            return alike if alike >= (ALIKE if track.here else LIKE) else 0.0

        for candidates, score in ((high, near), (range(len(faces)), near), (high, like)):
            rest = [track for track in self.tracks if track not in matched.values()]
            pairs = [(score(i, track), i, track) for i in candidates if i not in matched for track in rest]
            for value, i, track in sorted(pairs, key=lambda pair: -pair[0]):
                if value > 0 and i not in matched and track not in matched.values():
                    matched[i] = track
        for i, track in matched.items():
            self._recognise(track, stamps[i], [lost for lost in self.tracks if lost not in matched.values()])
            if track.here and near(i, track) and self._is_covered(track, stamps[i], time):
                continue  # its place stays the predicted one
            track.detected = time
            track.stamp = renewed(track.stamp, stamps[i])
            if not track.here or near(i, track) == 0:  # the face returned at another place
                track.kalman = Kalman(faces[i].box, time)
            track.observe(faces[i], time)
        for track in self.tracks:
            if track not in matched.values():  # another face is detected at its place
                track.predicted |= any(overlap(track.face.box, faces[i].box) > SAME for i in matched)
        for i in high:
            if i not in matched:
                matched[i] = Track(
                    next(self._ids), faces[i], stamps[i], Kalman(faces[i].box, time), time, time, time
                )
                self.tracks.append(matched[i])
        return [matched.get(i) for i in range(len(faces))]
