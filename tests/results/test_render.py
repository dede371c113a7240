"""The renderer against its contract computed plainly; see reference.py."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.faces.strict import EXCLUDED_LOGIT
from faceparse.results import (
    View,
    label_map,
    render,
    render_confidence,
    render_labels,
    render_probability,
    samples,
    sampling,
)
from tests.results.reference import Doubles, decided, interpolated, probabilities
from tests.results.strategies import Size, random_logits, scenes, sizes, square, whole, whole_views

Scene = tuple[list[View], Size, int]


@pytest.fixture(params=["as shipped", "small pieces"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both as shipped and with every limit on sizes so low that all loops turn."""
    if request.param == "small pieces":
        monkeypatch.setattr(render, "TILE", 16)
        monkeypatch.setattr(label_map, "TILE", 16)
        monkeypatch.setattr(label_map, "CHUNK", 2)
        monkeypatch.setattr(label_map, "SIDE", 3)
        monkeypatch.setattr(render, "BLEND", 64)
        for module, name in ((sampling, "CHUNK"), (sampling, "DENSE_CHUNK"), (samples, "CELLS")):
            monkeypatch.setattr(module, name, 20)
        monkeypatch.setattr(sampling, "LONGEST_RUN", 4)


def assert_labels(scene: Scene) -> None:
    """Labels are the reference's wherever it is not undecided between two classes."""
    views, size, classes = scene
    expected = probabilities(views, size, classes)
    labels = render_labels(views, size)
    assert labels.dtype == np.uint8
    assert labels.shape == size
    chosen = np.take_along_axis(expected, labels[None].astype(int), 0)[0]
    assert (chosen >= expected.max(0) - tolerance(views))[decided(views, size)].all()


def assert_near(values: NDArray[np.float32], expected: Doubles, views: list[View]) -> None:
    """Equal, as far as single precision goes."""
    assert values.dtype == np.float32
    clear = decided(views, expected.shape)
    np.testing.assert_allclose(values[clear], expected[clear], atol=tolerance(views))


def tolerance(views: list[View]) -> float:
    """What single precision leaves uncertain of probabilities: more where logits are large."""
    logits = [np.abs(v.logits[v.logits > EXCLUDED_LOGIT]).max() for v in views]
    return 3e-6 * max([1.0, *map(float, logits)])


@pytest.mark.usefixtures("_pieces")
class TestAgainstReference:
    @given(scenes())
    def test_labels(self, scene: Scene) -> None:
        assert_labels(scene)

    @given(scenes(), st.integers(1, 63))
    def test_probability(self, scene: Scene, chosen: int) -> None:
        views, size, classes = scene
        ids = [i for i in range(classes) if chosen >> i & 1]
        soft = render_probability(views, size, ids)
        assert soft.min() >= 0
        assert soft.max() <= 1
        assert_near(soft, probabilities(views, size, classes)[ids].sum(0), views)

    @given(scenes())
    def test_confidence(self, scene: Scene) -> None:
        views, size, classes = scene
        assert_near(render_confidence(views, size), probabilities(views, size, classes).max(0), views)

    @given(scenes())
    def test_probabilities_add_up(self, scene: Scene) -> None:
        views, size, classes = scene
        total = sum(render_probability(views, size, [i]) for i in range(classes))
        np.testing.assert_allclose(total, 1, atol=1e-5)


@given(sizes, st.data())
def test_lowest_label_wins_ties(size: Size, data: st.DataObject) -> None:
    # Whole numbers at grid samples that pixels hit exactly: no rounding, so ties are true ties.
    view = data.draw(whole_views(size, 4, ("tied",)))
    grid = view.logits.shape[1:]
    exact = View(view.logits, np.array([[1, 0, -0.5], [0, 1, -0.5]]))
    np.testing.assert_array_equal(render_labels([exact], grid), view.logits.argmax(0))
    twice = View(view.logits, np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]))
    big = (2 * grid[0], 2 * grid[1])
    np.testing.assert_array_equal(render_labels([twice], big), interpolated(twice, big).argmax(0))


@given(sizes, st.data())
def test_mirrored_views_give_mirrored_labels(size: Size, data: st.DataObject) -> None:
    view = data.draw(whole_views(size, 5, ("smooth", "noisy")))
    mirror = view.to_grid.copy()
    mirror[:, 2] += mirror[:, 0] * size[1]
    mirror[:, 0] *= -1
    flipped = render_labels([View(view.logits, mirror)], size)
    np.testing.assert_allclose(
        np.take_along_axis(probabilities([view], size, 5), flipped[None, :, ::-1].astype(int), 0)[0],
        probabilities([view], size, 5).max(0),
        atol=2e-5,
    )


def test_more_than_a_tile() -> None:
    size = (530, 700)
    base = whole(random_logits(0, 7, (33, 33), "smooth"), size, align_corners=True)
    face = square(random_logits(1, 7, (20, 20), "smooth"), (480, 500), 300, 0.4)
    other = square(random_logits(2, 7, (20, 20), "smooth"), (560, 420), 200, -0.2)
    assert_labels(([base, face, other], size, 7))


def test_no_views_is_background() -> None:
    assert not render_labels([], (3, 4)).any()
    assert (render_probability([], (3, 4), [0]) == 1).all()
    assert (render_probability([], (3, 4), [1, 2]) == 0).all()
    assert (render_confidence([], (3, 4)) == 1).all()


def test_outside_all_frames_is_background() -> None:
    face = square(np.eye(3, dtype=np.float32)[2][:, None, None] * 9, (10, 10), 8, 0.0)
    labels = render_labels([face], (20, 20))
    assert labels[10, 10] == 2
    assert not labels[:5].any()
    assert not labels[:, 15:].any()


def test_higher_layers_cover_lower_ones() -> None:
    one, two = (np.eye(3, dtype=np.float32)[i][:, None, None] * 9 for i in (1, 2))
    below, above = whole(one, (9, 9)), square(two, (4.5, 4.5), 9, 0.0, feather=0)
    assert (render_labels([below, above], (9, 9))[1:-1, 1:-1] == 2).all()
    assert (render_labels([above, below], (9, 9))[1:-1, 1:-1] == 2).all()


def test_result_does_not_depend_on_threads() -> None:
    view = whole(random_logits(3, 19, (32, 32), "smooth"), (200, 200))
    expected = render_labels([view], (200, 200))
    results: list[bool] = []

    def work() -> None:
        results.append(bool((render_labels([view], (200, 200)) == expected).all()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


def test_a_class_far_below_the_others_at_all_samples_may_win_between_them() -> None:
    corners = np.full((5, 2, 2), -800, np.float32)
    corners[4] = -510
    for i in range(4):
        corners[i, i // 2, i % 2] = 0
    view = whole(corners, (9, 9), align_corners=True)
    assert render_labels([view], (9, 9))[4, 4] == 4
    assert render_probability([view], (9, 9), [4])[4, 4] == 1
