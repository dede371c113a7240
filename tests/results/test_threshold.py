"""Labels of two classes, cut at another probability than one half."""

from pathlib import Path

import numpy as np
import pytest

from faceparse.errors import ResultError
from faceparse.results import Face, Parsing, View

IMAGE = np.zeros((4, 40, 3), np.uint8)
TO_GRID = np.array([[0.1, 0, -0.5], [0, 0.25, -0.5]])


def ramp(classes: int = 2) -> View:
    """The last class gets likelier to the right."""
    logits = np.zeros((classes, 1, 4), np.float32)
    logits[-1] = [-4, -1, 1, 4]
    return View(logits, TO_GRID)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_it_is_the_soft_mask_compared(threshold: float) -> None:
    parsing = Parsing(IMAGE, (ramp(),), "face2")  # type: ignore[arg-type]
    face = parsing.mask("face", soft=True)
    cut = parsing.thresholded(threshold)
    np.testing.assert_array_equal(cut.labels, face > threshold)
    np.testing.assert_array_equal(cut.mask("face", soft=True), face)
    assert cut.areas.get("face", 0) == (face > threshold).mean()
    if threshold == 0.5:
        np.testing.assert_array_equal(cut.labels, parsing.labels)


def test_classes_that_became_one_add_up() -> None:
    """Three of 21 that all are face: none above 0.5 alone."""
    wide = Parsing(IMAGE, (ramp(21),), "voc21-face").to("face2")  # type: ignore[arg-type]
    face = wide.mask("face", soft=True)
    np.testing.assert_array_equal(wide.thresholded(0.96).labels, face > 0.96)
    assert 0 < (face > 0.96).mean() < 1


def test_ignored_pixels_stay_ignored_where_face_is_unlikely() -> None:
    table = np.full(256, 255, np.uint8)
    table[:2] = 0, 1
    view = ramp(3)  # the third class is ignored
    parsing = Parsing(IMAGE, (view,), "face2", table=table)  # type: ignore[arg-type]
    assert set(np.unique(parsing.thresholded(0.9).labels)) == {0, 255}


def test_faces_go_along() -> None:
    part = Parsing(IMAGE, (ramp(),), "face2")  # type: ignore[arg-type]
    face = Face((0, 0, 9, 4), 0.9, np.zeros((5, 2)), part)
    cut = Parsing(IMAGE, part.views, "face2", (face,)).thresholded(0.9)  # type: ignore[arg-type]
    assert cut.faces[0].parsing is not None
    np.testing.assert_array_equal(cut.faces[0].parsing.labels, cut.labels)


def test_given_labels_stay() -> None:
    labels = np.eye(4, 40, dtype=np.uint8)
    np.testing.assert_array_equal(Parsing.from_labels(IMAGE, labels, "face2").thresholded(0.9).labels, labels)


def test_it_is_saved_and_told(tmp_path: Path) -> None:
    cut = Parsing(IMAGE, (ramp(),), "face2").thresholded(0.9)  # type: ignore[arg-type]
    cut.save(tmp_path / "a.npz")
    again = Parsing.load(tmp_path / "a.npz")
    assert again.threshold == 0.9
    np.testing.assert_array_equal(again.labels, cut.labels)
    assert cut.record()["threshold"] == 0.9
    assert "threshold" not in Parsing(IMAGE, (ramp(),), "face2").record()  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_out_of_range(threshold: float) -> None:
    with pytest.raises(ResultError, match="a probability, 0 to 1"):
        Parsing(IMAGE, (), "face2").thresholded(threshold)  # type: ignore[arg-type]


def test_more_classes_than_two() -> None:
    with pytest.raises(ResultError, match=r"scheme 'celebamask19' has 19: take scheme face2"):
        Parsing(IMAGE, (), "celebamask19").thresholded(0.5)  # type: ignore[arg-type]
