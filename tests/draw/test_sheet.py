"""The contact sheet."""

import numpy as np
import pytest

from faceparse.draw import contact_sheet
from faceparse.draw.legend import colour_strip
from faceparse.labels import scheme


def tile(height: int, width: int, value: int) -> "np.typing.NDArray[np.uint8]":
    return np.tile(np.array([value, 200, value], np.uint8), (height, width, 1))


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 6, 1), (6, 3, 2), (7, 3, 3)])
def test_rows_and_columns(count: int, columns: int, rows: int) -> None:
    sheet = contact_sheet([(tile(40, 20, 9), str(i)) for i in range(count)], columns, 40)
    assert sheet.shape == (rows * (40 + 24 + 6) + 6, min(columns, count) * 46 + 6, 3)
    assert ((sheet == [9, 200, 9]).all(2).sum()) == count * 40 * 20


def test_pictures_are_reduced_and_captions_cut() -> None:
    sheet = contact_sheet([(tile(100, 400, 9), "a very long caption " * 9)], 1, 64)
    assert sheet.shape[1] == 64 + 12
    assert (sheet[:, :6] == 255).all()
    assert (sheet[:, -6:] == 255).all()


def test_nothing_is_a_blank_sheet() -> None:
    assert (contact_sheet([]) == 255).all()


def test_an_empty_place_keeps_the_rows() -> None:
    sheet = contact_sheet([(tile(40, 20, 9), "a"), None, (tile(40, 20, 9), "b"), None], 2, 40)
    assert sheet.shape == (2 * 70 + 6, 2 * 46 + 6, 3)
    assert (sheet[:, 52:] == 255).all()
    assert (sheet == [9, 200, 9]).all(2).sum() == 2 * 40 * 20


@pytest.mark.parametrize("width", [120, 300, 2000])
def test_the_strip_has_every_colour_and_its_width(width: int) -> None:
    celeb = scheme("celebamask19")
    strip = colour_strip(celeb, width)
    assert strip.shape[1] == width
    for colour in celeb.palette[: len(celeb)]:
        assert (strip == colour).all(2).sum() > 200
    assert (strip[:, -1] == 255).all()
