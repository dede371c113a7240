import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from faceparse.errors import FaceparseError, ResultError
from faceparse.results import Face, View

PLACE = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])
POINTS = [[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]]


def logits(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.float32)


class TestView:
    def test_holds_what_it_was_given(self) -> None:
        view = View(logits(3, 4, 5), PLACE, frame=PLACE, feather=0.2, layer=2)
        assert view.classes == 3
        assert view.to_grid.dtype == np.float64
        assert repr(view) == "<View: 3 classes, 4×5 grid, frame, layer 2>"

    def test_keeps_logits_without_copying(self) -> None:
        values = logits(3, 4, 5)
        assert np.shares_memory(View(values, PLACE).logits, values)
        assert values.flags.writeable, "the caller's array stays as it was"

    @pytest.mark.parametrize("name", ["logits", "to_grid", "frame", "before"])
    def test_is_frozen(self, name: str) -> None:
        view = View(logits(3, 4, 5), PLACE, frame=PLACE, before=PLACE)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(view, name, None)
        for other in (view, pickle.loads(pickle.dumps(view)), copy.deepcopy(view)):
            with pytest.raises(ValueError, match="read-only"):
                getattr(other, name)[...] = 1

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"logits": logits(4, 5)}, "got shape"),
            ({"logits": logits(3, 0, 5)}, "got shape"),
            ({"logits": logits(256, 2, 2)}, "1 to 255"),
            ({"logits": np.zeros((3, 4, 5), int)}, "floating-point, got int"),
            ({"logits": np.full((3, 4, 5), np.nan, np.float32)}, "NaN"),
            ({"logits": np.full((3, 4, 5), -np.inf, np.float32)}, "NaN or values beyond"),
            ({"to_grid": np.eye(3)}, "to_grid is a 2 × 3"),
            ({"to_grid": [[1, 0, 0], [0, 1, np.nan]]}, "to_grid is a 2 × 3"),
            ({"frame": np.eye(2)}, "frame is a 2 × 3"),
            ({"before": np.eye(2)}, "before is a 2 × 3"),
            ({"feather": 0.6}, "feather is a fraction of the frame, 0 to 0.5"),
            ({"feather": float("nan")}, "feather"),
        ],
    )
    def test_checks_itself(self, change: dict[str, Any], message: str) -> None:
        good: dict[str, Any] = {"logits": logits(3, 4, 5), "to_grid": PLACE}
        with pytest.raises(ResultError, match=message) as caught:
            View(**(good | change))
        assert isinstance(caught.value, FaceparseError)
        assert "\n" not in str(caught.value)


class TestFace:
    def test_holds_what_it_was_given(self) -> None:
        face = Face((10, 10, 90, 100), 0.9, np.array(POINTS))
        assert face.size == (80, 90)
        assert face.landmarks.shape == (5, 2)
        assert repr(face) == "<Face: box (10, 10, 90, 100), score 0.90>"
        again = pickle.loads(pickle.dumps(face))
        assert again.box == face.box
        with pytest.raises(ValueError, match="read-only"):
            again.landmarks[0, 0] = 1

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"box": (10, 10, 10, 100)}, "x0 < x1"),
            ({"box": (10, 10, 20)}, "x0, y0, x1, y1"),
            ({"box": (10, 10, np.nan, 100)}, "x0, y0, x1, y1"),
            ({"score": 1.1}, "score is 0 to 1"),
            ({"landmarks": POINTS[:4]}, "5 finite points"),
            ({"landmarks": [[np.inf, 0]] * 5}, "5 finite points"),
        ],
    )
    def test_checks_itself(self, change: dict[str, Any], message: str) -> None:
        good: dict[str, Any] = {"box": (10, 10, 90, 100), "score": 0.9, "landmarks": POINTS}
        with pytest.raises(ResultError, match=message):
            Face(**(good | change))
