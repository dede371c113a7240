"""PNG in pieces, read back by Pillow and OpenCV."""

import io
from importlib import import_module

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faceparse.labels import scheme
from faceparse.writers.png import MADE_BY, Png, Rows, write_png

png = import_module("faceparse.writers.png")


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from([(np.uint8, 1), (np.uint16, 1), (np.uint8, 3), (np.uint8, 4)]),
    st.lists(st.integers(1, 20), max_size=4),
)
def test_reads_back(seed: int, size: tuple[int, int], kind: tuple[type, int], cuts: list[int]) -> None:
    dtype, channels = kind
    rng = np.random.default_rng(seed)
    top = 2 ** (8 * np.dtype(dtype).itemsize)
    picture: Rows = rng.integers(0, top, (*size, channels)).astype(dtype)
    picture = picture[:, :, 0] if channels == 1 else picture
    file = io.BytesIO()
    with Png(file, size, channels=channels, bits=8 * picture.itemsize) as one:
        for rows in np.split(picture, sorted(c for c in set(cuts) if c < size[0])):
            one.add(rows)
    with Image.open(io.BytesIO(file.getvalue())) as shown:
        np.testing.assert_array_equal(np.asarray(shown), picture)
    again = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert again is not None
    turned = picture if channels == 1 else picture[..., [2, 1, 0, 3][:channels]]
    np.testing.assert_array_equal(again, turned)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 9, (40, 30, 3)).astype(np.uint8)
    once, bits = io.BytesIO(), io.BytesIO()
    write_png(once, picture)
    monkeypatch.setattr(png, "PIECE", 100)
    write_png(bits, picture)
    with Image.open(once) as a, Image.open(bits) as b:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_palette_and_who_made_it() -> None:
    file = io.BytesIO()
    colours = scheme("celebamask19").palette
    write_png(file, np.array([[0, 17, 255]], np.uint8), colours)
    assert MADE_BY in file.getvalue()[:128]
    with Image.open(file) as shown:
        assert (shown.mode, shown.info["Software"]) == ("P", "faceparse")
        np.testing.assert_array_equal(np.asarray(shown.convert("RGB"))[0], colours[[0, 17, 255]])


def test_arrays_of_any_layout() -> None:
    picture = np.arange(600, dtype=np.uint16).reshape(20, 30).T[::-1]
    file = io.BytesIO()
    write_png(file, picture)
    with Image.open(file) as shown:
        np.testing.assert_array_equal(np.asarray(shown), picture)


def test_an_error_writes_no_end() -> None:
    file = io.BytesIO()
    with pytest.raises(RuntimeError), Png(file, (2, 2)):
        raise RuntimeError
    assert b"IEND" not in file.getvalue()
