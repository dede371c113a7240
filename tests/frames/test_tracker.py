"""Faces keep their ids: while they cross, after they were away, and not after a cut."""

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.faces import Detection
from faceparse.frames.follow import Follower
from faceparse.frames.tracker import CARRIED, KEPT, Tracker

POINTS = np.array([[40, 45], [60, 45], [50, 55], [42, 66], [58, 66]], np.float64) - np.array([50, 55])
SIZE = (240, 400)


def at(x: float, y: float, score: float = 0.9) -> Detection:
    """A face around a point."""
    face = Detection.from_landmarks(POINTS + np.array([x, y]))
    return Detection(face.box, score, face.landmarks)


def scene(*people: tuple[int, float, float]) -> NDArray[np.uint8]:
    """A gray picture with people, (who, x, y), each a pattern of its own; the last one in front."""
    image = np.full((*SIZE, 3), 128, np.uint8)
    for who, x, y in people:
        pattern = np.random.default_rng(who).integers(0, 255, (5, 5, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        left, top = int(x) - 50, int(y) - 50
        low, high = max(left, 0), min(left + 100, SIZE[1])
        if low < high:
            image[top : top + 100, low:high] = pattern[:, low - left : high - left]
    return image


def ids(tracker: Tracker, time: float, image: NDArray[np.uint8], *faces: Detection) -> list[int | None]:
    """The ids that a tracker gives to faces."""
    tracker.predict(time)
    return [None if track is None else track.id for track in tracker.update(faces, image, time)]


def test_faces_that_cross_keep_their_ids() -> None:
    tracker, gone = Tracker(), 0
    for i in range(60):
        left, right = 60 + 4.5 * i, 330 - 4.5 * i
        image = scene((1, left, 110), (2, right, 130))
        if abs(left - right) < 45:  # the one behind is not detected
            assert ids(tracker, i / 25, image, at(right, 130)) == [2]
            gone += 1
        else:
            assert ids(tracker, i / 25, image, at(left, 110), at(right, 130)) == [1, 2]
    assert gone > 5


def test_a_low_score_continues_a_track_but_begins_none() -> None:
    tracker = Tracker()
    image = scene((1, 100, 100))
    assert ids(tracker, 0.0, image, at(100, 100, 0.5)) == [None]
    assert ids(tracker, 0.1, image, at(100, 100)) == [1]
    assert ids(tracker, 0.2, image, at(101, 100, 0.5), at(300, 120, 0.5)) == [1, None]


@pytest.mark.parametrize("x", [100, 300])
def test_a_face_that_returns_has_its_id_again_wherever_it_returns(x: float) -> None:
    tracker = Tracker()
    assert ids(tracker, 0.0, scene((1, 100, 100)), at(100, 100)) == [1]
    assert ids(tracker, 0.5, scene()) == []
    assert ids(tracker, 1.0, scene((1, x, 110)), at(x, 110)) == [1]


def test_somebody_else_elsewhere_is_somebody_else() -> None:
    tracker = Tracker()
    assert ids(tracker, 0.0, scene((1, 100, 100)), at(100, 100)) == [1]
    assert ids(tracker, 0.5, scene((2, 300, 110)), at(300, 110)) == [2]


def test_a_face_that_is_half_in_the_picture_at_first_is_recognised_later() -> None:
    tracker = Tracker()
    assert ids(tracker, 0.0, scene((1, 300, 100)), at(300, 100)) == [1]
    image = scene((1, 60, 110))
    image[:, 40:] = 128  # only a part is seen
    assert ids(tracker, 0.5, image, at(60, 110)) == [2]
    assert ids(tracker, 0.6, scene((1, 60, 110)), at(60, 110)) == [1]


def test_a_face_lost_for_long_is_forgotten() -> None:
    tracker = Tracker()
    assert ids(tracker, 0.0, scene((1, 100, 100)), at(100, 100)) == [1]
    late = KEPT + 0.1
    assert ids(tracker, late, scene((1, 100, 100)), at(100, 100)) == [2]


def test_a_steady_motion_is_predicted() -> None:
    tracker = Tracker()
    for i in range(10):
        ids(tracker, i / 10, scene((1, 60 + 20 * i, 100)), at(60 + 20 * i, 100))
    tracker.predict(1.2)
    (track,) = tracker.tracks
    assert np.mean(track.kalman.box[::2]) == pytest.approx(60 + 20 * 12, abs=6)


def test_a_covered_face_goes_on_as_it_moved() -> None:
    follower, covered = Follower(), 0
    for i in range(45):
        left, right = 60 + 6.0 * i, 330 - 6.0 * i
        follower.move(scene((1, left, 110), (2, right, 130)), i / 25)
        behind = [at(left, 110)] if abs(left - right) >= 45 else []
        follower.detect([*behind, at(right, 130)])
        tracks = {track.id: track for track in follower.tracks}
        assert {*tracks} == {1, 2}
        assert abs(tracks[1].face.centre[0] - left) < 15
        assert not tracks[2].behind
        covered += tracks[1].predicted
        if abs(left - right) < 25:
            assert tracks[1].behind
    assert covered > 3


def test_a_face_that_vanished_is_carried_on_for_a_moment_and_not_beyond_the_picture() -> None:
    for x, speed, most in ((100, 0.0, CARRIED), (300, 12.0, 0.5)):
        follower = Follower()
        for i in range(8):
            follower.move(scene((1, x + speed * i, 110)), i / 25)
            follower.detect([at(x + speed * i, 110)])
        last = 7 / 25
        for i in range(8, 30):
            follower.move(scene(), i / 25)
            follower.detect([])
            if follower.tracks:
                last = i / 25
        assert last - 7 / 25 <= most + 0.01
        assert last > 7 / 25
