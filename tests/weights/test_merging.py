"""FCN-8s' twenty channels of face are read as its authors read them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.engines.engine import image_of
from faceparse.errors import ConfigError
from faceparse.parser import Parser
from faceparse.weights import Card, card
from faceparse.weights.card import parse_card
from faceparse.weights.merging import read_logits, scheme_of_results
from faceparse.writers.forms.heatmap import Heatmap

FCN = parse_card(
    {
        "id": "fcn",
        "title": "fcn",
        "network": "fcn8s",
        "scheme": "voc21-face",
        "training": "noise",
        "input": {
            "size": [24, 32],
            "mean": [104.0, 117.0, 123.0],
            "std": [1.0, 1.0, 1.0],
            "channels": "BGR",
            "scale": 255.0,
        },
        "output": {"stride": 1, "align_corners": False},
        "source": {"file": "fcn.pt"},
        "licence": {"weights": "none", "terms": "none"},
    },
    "card",
)


class Noise:
    """An engine whose 21 logits follow from the seed alone."""

    card = FCN
    description = "noise"

    def __init__(self) -> None:
        self.logits = np.random.default_rng(0).normal(0, 2, (1, 21, 24, 32)).astype(np.float32)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        image = image_of(inputs)
        assert image.shape == (1, 3, 24, 32)
        np.testing.assert_allclose(image[0, :, 0, 0], [30 - 104, 20 - 117, 10 - 123], rtol=1e-5)
        return {"logits": self.logits}


def published(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    background, face = logits[0, 0].astype(np.float64), logits[0, 1:].max(0).astype(np.float64)
    return np.asarray(np.exp(face) / (np.exp(background) + np.exp(face)))


def test_results_are_the_published_probability_and_mask() -> None:
    engine = Noise()
    picture = np.full((24, 32, 3), (10, 20, 30), np.uint8)
    parser = Parser(engine, faces="whole", scheme=None)
    parsing = parser.parse(picture)
    assert parser.scheme.name == parsing.scheme.name == "face2"
    wanted = published(engine.logits)
    np.testing.assert_allclose(parsing.mask("face", soft=True), wanted, atol=1e-6)
    np.testing.assert_array_equal(parsing.mask("face"), wanted > 0.5)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_heatmap_is_that_probability(bits: int, tmp_path: Path) -> None:
    engine = Noise()
    picture = np.full((24, 32, 3), (10, 20, 30), np.uint8)
    parsing = Parser(engine, faces="whole", scheme=None).parse(picture)
    (path,) = Heatmap(bits=bits).write(parsing, tmp_path / "a")
    assert path.name == "a_heatmap.png"
    with Image.open(path) as file:
        assert file.mode == {8: "L", 16: "I;16"}[bits]
        found = np.asarray(file) / (2**bits - 1)
    np.testing.assert_allclose(found, published(engine.logits), atol=0.51 / (2**bits - 1) + 1e-6)


def test_bits_are_8_or_16() -> None:
    with pytest.raises(ConfigError, match="8 or 16; got 7"):
        Heatmap(bits=7)


def test_other_models_are_read_as_they_are() -> None:
    default: Card = card("default")
    logits = np.zeros((1, 19, 2, 2), np.float32)
    assert scheme_of_results(default) == default.label_scheme
    assert read_logits(logits, default) is logits
