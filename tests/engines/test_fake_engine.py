"""The fake engine says what it is told, and refuses what does not fit its card."""

import numpy as np
import pytest

from faceparse.engines import FakeEngine
from faceparse.errors import EngineError
from faceparse.weights import card

CARD = card("bisenet-resnet18-zllrunning")
IMAGE = np.zeros((2, 3, 64, 96), np.float32)


def test_background_on_the_cards_grid_by_default() -> None:
    logits = FakeEngine(CARD).run({"image": IMAGE})["logits"]
    assert logits.shape == (2, 19, 8, 12)
    assert (logits.argmax(1) == 0).all()


def test_given_logits_for_every_picture() -> None:
    given = np.random.default_rng(0).standard_normal((19, 5, 7))
    logits = FakeEngine(CARD, given).run({"image": IMAGE})["logits"]
    assert logits.shape == (2, 19, 5, 7)
    np.testing.assert_array_equal(logits[0], given.astype(np.float32))
    np.testing.assert_array_equal(logits[1], logits[0])


def test_logits_belong_to_the_caller() -> None:
    engine = FakeEngine(CARD, np.zeros((19, 2, 2), np.float32))
    engine.run({"image": IMAGE})["logits"][:] = 9
    assert (engine.run({"image": IMAGE})["logits"] == 0).all()


def test_a_function_sees_the_image() -> None:
    engine = FakeEngine(CARD, lambda image: np.full((len(image), 19, 2, 2), image.max(), np.float32))
    assert engine.run({"image": IMAGE + 3})["logits"].max() == 3


def test_logits_of_another_scheme_are_refused() -> None:
    with pytest.raises(
        EngineError, match=r"expects float32 logits of shape \(2, 19, h, w\).*\(2, 11, 4, 4\)"
    ):
        FakeEngine(CARD, np.zeros((11, 4, 4))).run({"image": IMAGE})


def test_empty_logits_are_refused() -> None:
    with pytest.raises(EngineError, match="64 × 96 are too small"):
        FakeEngine(CARD, np.zeros((19, 0, 4))).run({"image": IMAGE})
