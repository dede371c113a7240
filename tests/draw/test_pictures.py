from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.draw import colours, legend, overlay, panel
from faceparse.errors import ConfigError
from faceparse.labels import Scheme, scheme
from faceparse.results import Parsing


def parsing(labels: NDArray[np.uint8], name: str | Scheme = "celebamask19") -> Parsing:
    image = np.random.default_rng(0).integers(0, 256, (*labels.shape, 3)).astype(np.uint8)
    return Parsing.from_labels(image, labels, name)


def args(one: Parsing) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Scheme]:
    return one.image, one.labels, one.scheme


def halves(height: int = 20, width: int = 30) -> Parsing:
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 17
    return parsing(labels)


def test_colours_are_the_palette() -> None:
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    np.testing.assert_array_equal(colours(labels, "celebamask19")[0], scheme("celebamask19").palette[:19])


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 9), st.integers(1, 9))
def test_overlay_blends_where_there_is_a_class(seed: int, alpha: float, height: int, width: int) -> None:
    one = parsing(np.random.default_rng(seed).choice([0, 1, 17, 255], (height, width)).astype(np.uint8))
    shown = overlay(*args(one), alpha)
    assert shown.dtype == np.uint8
    plain = np.isin(one.labels, [0, 255])
    np.testing.assert_array_equal(shown[plain], one.image[plain])
    expected = one.image * (1 - alpha) + one.scheme.palette[one.labels] * alpha
    assert (np.abs(shown - expected)[~plain] <= 0.51).all()


def test_overlay_tints_class_0_where_it_is_not_background() -> None:
    one = parsing(np.zeros((2, 2), np.uint8), Scheme("own", ("skin", "rest")))
    assert (overlay(*args(one), 1) == one.scheme.palette[0]).all()


def test_parsing_shows_the_same_overlay() -> None:
    one = halves()
    np.testing.assert_array_equal(one.overlay(0.3), overlay(*args(one), 0.3))


@pytest.mark.parametrize("width", [1, 3])
def test_outline_runs_along_the_rim(width: int) -> None:
    one = halves()
    shown = overlay(*args(one), 0, outline=width)
    changed = (shown != one.image).any(-1)
    rim = np.zeros_like(changed)
    rim[:, 15 : 15 + width] = True
    np.testing.assert_array_equal(changed, rim)
    assert (shown[rim] == one.scheme.palette[17]).all()


def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(1).choice([0, 1, 17], (40, 30)).astype(np.uint8)
    once = overlay(*args(parsing(labels)), 0.4, outline=2)
    monkeypatch.setattr(import_module("faceparse.draw.overlay"), "STRIP", 100)
    np.testing.assert_array_equal(overlay(*args(parsing(labels)), 0.4, outline=2), once)


@pytest.mark.parametrize(("alpha", "outline"), [(-0.1, 0), (1.1, 0), (float("nan"), 0), (0.5, -1)])
def test_overlay_names_what_is_out_of_range(alpha: float, outline: int) -> None:
    with pytest.raises(ConfigError, match=r"alpha is 0 to 1|outline is a width"):
        overlay(*args(halves()), alpha, outline)


def test_pictures_are_not_written_to() -> None:
    one = halves()
    before = one.image.copy()
    overlay(*args(one), 0.5, 2), panel(*args(one)), colours(one.labels, one.scheme)
    np.testing.assert_array_equal(one.image, before)


def test_legend_shows_the_colours_of_what_occurs() -> None:
    shown = {tuple(c) for c in legend(*args(halves())[1:]).reshape(-1, 3).tolist()}
    palette = scheme("celebamask19").palette
    assert tuple(palette[17].tolist()) in shown
    assert tuple(palette[1].tolist()) not in shown
    assert legend(*args(halves())[1:], text=30).shape > legend(*args(halves())[1:], text=12).shape


def test_panel_is_three_pictures_and_a_legend() -> None:
    one = halves(200, 150)
    shown = panel(*args(one))
    np.testing.assert_array_equal(shown[:200, :150], one.image)
    np.testing.assert_array_equal(shown[:200, 150:300], colours(one.labels, one.scheme))
    np.testing.assert_array_equal(shown[:200, 300:450], overlay(*args(one)))
    assert shown.shape[1] > 450


def test_panel_of_one_pixel_has_room_for_its_legend() -> None:
    assert panel(*args(halves(1, 1))).shape[0] > 10


def test_panel_reduces_large_pictures() -> None:
    shown = panel(*args(halves(60, 400)), side=100)
    assert shown.shape[1] < 3 * 100 + 200
    mask = shown[:15, 100:200]
    assert {tuple(c) for c in mask.reshape(-1, 3).tolist()} == {(0, 0, 0), (0, 0, 204)}, "no mixed colours"
