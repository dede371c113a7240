"""Turned pictures: the way there and back, and which turn is taken."""

import numpy as np
import pytest

from faceparse.faces import Detection, Square
from faceparse.faces.turn import Turn, detect_upright
from faceparse.results import View, render_labels
from tests.scenes import Image

SIZE = (30, 50)
RULE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


class Compass:
    """Finds a face where the picture is bright, as certain as its turn says; the picture's first row says its turn."""

    def __init__(self, *scores: float) -> None:
        self.scores, self.calls = scores, 0

    def detect(self, image: Image) -> tuple[Detection, ...]:
        self.calls += 1
        dark = [image[:4], image[:, -4:], image[-4:], image[:, :4]]
        score = self.scores[int(np.argmin([edge.mean() for edge in dark]))]
        return (Detection((5, 5, 25, 25), score, RULE * 20 + 5),) if score else ()


def marked() -> Image:
    image = np.full((40, 40, 3), 255, np.uint8)
    image[:4] = 0
    return image


@pytest.mark.parametrize("quarters", range(4))
def test_points_faces_and_views_come_back(quarters: int) -> None:
    turn = Turn(quarters, SIZE)
    image = np.arange(SIZE[0] * SIZE[1] * 3).astype(np.uint8).reshape(*SIZE, 3)
    turned = turn.apply(image)
    point = np.array([7.5, 11.5])
    x, y = turn.forth(point)
    assert (turned[int(y), int(x)] == image[11, 7]).all()
    assert turn.back(turn.forth(point)) == pytest.approx(point)
    face = Detection((5, 6, 25, 27), 0.8, RULE * 20 + 5)
    back = turn.face_back(turn.face(face))
    assert back.box == pytest.approx(face.box)
    np.testing.assert_allclose(back.landmarks, face.landmarks)
    logits = np.random.default_rng(0).normal(size=(4, *turned.shape[:2])).astype(np.float32)
    frame = Square((15.0, 15.0), (14.0, 0.0), (0.0, 14.0)).to_frame()
    view = View(logits, np.array([[1, 0, -0.5], [0, 1, -0.5]]), frame)
    labels = render_labels([view], turned.shape[:2])
    assert (render_labels([turn.view_back(view)], SIZE) == np.rot90(labels, -quarters)).mean() > 0.99


def test_the_turn_of_a_face() -> None:
    face = Detection((5, 6, 25, 27), 0.8, RULE * 20 + 5)
    for quarters in range(4):
        assert Turn.of(Turn(quarters, SIZE).face_back(face), SIZE).quarters == quarters


@pytest.mark.parametrize(
    ("scores", "quarters", "calls"),
    [
        ((0.95, 0.99, 0, 0), 0, 1),  # a clear face
        ((0, 0, 0, 0), 0, 4),  # none
        ((0, 0, 0.85, 0), 2, 5),
        ((0.7, 0, 0, 0.71), 0, 4),  # hardly better
        ((0.7, 0.6, 0, 0.94), 1, 5),
        ((0.7, 0.93, 0.6, 0.92), 3, 5),
    ],
)
def test_the_turn_with_the_most_certain_face_is_taken(
    scores: tuple[float, ...], quarters: int, calls: int
) -> None:
    detector = Compass(*scores)
    turn, faces = detect_upright(detector, marked())
    assert (turn.quarters, detector.calls) == (quarters, calls)
    assert [face.score for face in faces] == ([max(scores)] if quarters else [s for s in scores[:1] if s])
