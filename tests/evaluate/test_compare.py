"""`faceparse.compare` on fake engines, whose masks are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

import faceparse
from faceparse.engines import FakeEngine
from faceparse.errors import ConfigError, LabelError
from faceparse.labels import scheme
from faceparse.parser import Parser
from faceparse.weights import card

CELEB = scheme("celebamask19")


def hair_above(share: float) -> Parser:
    """A network that calls hair the upper part of any picture."""

    def logits(image: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.zeros((len(image), 19, 64, 64), np.float32)
        out[:, CELEB.id("hair"), : round(64 * share)] = 9
        return out

    return Parser(FakeEngine(card("bisenet-resnet18-zllrunning"), logits), faces="whole", scheme=None)


def photos() -> list[NDArray[np.uint8]]:
    return [np.full((64, 64, 3), value, np.uint8) for value in (50, 90, 130)]


def test_a_row_for_each_model_and_a_column_for_each_photo() -> None:
    truth = np.zeros((128, 128), np.uint8)
    truth[:64] = CELEB.id("hair")
    steps: list[tuple[str, int, int]] = []
    result = faceparse.compare(
        photos(),
        [hair_above(0.5), hair_above(0.75)],
        labels=[truth, None, truth],
        side=64,
        progress=lambda *step: steps.append(step),
    )
    assert result.seconds.shape == result.differ.shape == result.f1.shape == (2, 3)
    assert (result.seconds > 0).all()
    assert (result.differ[0] == 0).all()
    np.testing.assert_allclose(result.differ[1], 25, atol=2)
    np.testing.assert_allclose(result.f1[:, 0], [100, 80], atol=2)
    assert np.isnan(result.f1[:, 1]).all()
    assert steps == [("comparing", done, 3) for done in (1, 2, 3)]
    blue = (result.sheet[..., 2].astype(int) - result.sheet[..., 0] > 60).sum()
    assert blue > 3 * 64 * 64 * 1.2  # hair is blue in both rows
    assert result.sheet.shape[1] > 3 * 64


def test_the_first_models_scheme_is_everyones(tiny_path: str) -> None:
    result = faceparse.compare(photos()[:1], [tiny_path, tiny_path], scheme="lapa11", faces="whole")
    assert result.scheme.name == "lapa11"
    assert result.models == ("tiny", "tiny")
    with pytest.raises(LabelError, match="face2"):
        faceparse.compare(
            photos()[:1], [tiny_path], labels=[np.zeros((64, 64), np.uint8)], labels_scheme="face2"
        )


def test_what_does_not_fit_is_refused() -> None:
    for photos_, models, labels in (
        ([], ["default"], None),
        (photos(), [], None),
        (photos(), ["default"], [None]),
    ):
        with pytest.raises(ConfigError, match=r"photos, models, .*label maps"):
            faceparse.compare(photos_, models, labels=labels)
