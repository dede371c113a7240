"""Which pictures int8 is measured on, and that they come as the network would see them."""

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from faceparse.errors import ConfigError, ImageError
from faceparse.evaluate import degradation
from faceparse.export import calibration_inputs, calibration_pictures
from faceparse.export.precision import _quiet
from faceparse.weights.modelfile import find_model

pytestmark = pytest.mark.torch


def test_pictures_are_spread_over_the_folder(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for i in range(10):
        (tmp_path / "below" / f"{i}.JPG").touch()
    (tmp_path / "notes.txt").touch()
    assert [p.name for p in calibration_pictures(tmp_path, 4)] == ["0.JPG", "3.JPG", "6.JPG", "9.JPG"]
    assert len(calibration_pictures(tmp_path)) == 10


def test_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        calibration_pictures(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"no picture \(\.jpg .* to calibrate on"):
        calibration_pictures(tmp_path)


def test_inputs_are_the_parsers_looks(collins: NDArray[np.uint8], tmp_path: Path) -> None:
    card = find_model("default").card
    whole = list(calibration_inputs(card, [collins], faces="whole"))
    assert len(whole) == 1
    np.testing.assert_array_equal(whole[0], card.input(collins))
    small = np.full((1200, 1200, 3), 128, np.uint8)
    small[:256, :256] = np.asarray(Image.fromarray(collins).resize((256, 256)))
    looks = list(calibration_inputs(card, [small, collins]))
    assert len(looks) > 2  # a small face is looked at by itself
    assert {look.shape for look in looks} == {(1, 3, *card.input.size)}
    with pytest.raises(ImageError, match="no such file"):
        list(calibration_inputs(card, [tmp_path / "none.jpg"]))


def test_pictures_are_degraded_in_turn(collins: NDArray[np.uint8]) -> None:
    card = find_model("default").card
    inputs = list(calibration_inputs(card, [collins] * 4, faces="whole", degradations=["blur4", "dark"]))
    expected = [collins, degradation("blur4")(collins), degradation("dark")(collins), collins]
    for got, picture in zip(inputs, expected, strict=True):
        np.testing.assert_array_equal(got, card.input(picture))


def test_the_root_logger_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    with _quiet():
        logging.warning("advice")
    assert root.handlers == []
