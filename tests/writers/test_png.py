"""PNG in pieces, read back by Pillow and OpenCV."""

from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faceparse.labels import scheme
from faceparse.writers.png import MADE_BY, Rows, open_png, write_png

png = import_module("faceparse.writers.png")


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from([(np.uint8, 1), (np.uint16, 1), (np.uint8, 3), (np.uint8, 4)]),
    st.lists(st.integers(1, 20), max_size=4),
)
def test_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    size: tuple[int, int],
    kind: tuple[type, int],
    cuts: list[int],
) -> None:
    dtype, channels = kind
    rng = np.random.default_rng(seed)
    top = 2 ** (8 * np.dtype(dtype).itemsize)
    picture: Rows = rng.integers(0, top, (*size, channels)).astype(dtype)
    picture = picture[:, :, 0] if channels == 1 else picture
    path = tmp_path_factory.mktemp("png") / "a.png"
    with open_png(path, size, channels=channels, bits=8 * picture.itemsize) as add:
        for rows in np.split(picture, sorted(c for c in set(cuts) if c < size[0])):
            add(rows)
    with Image.open(path) as shown:
        np.testing.assert_array_equal(np.asarray(shown), picture)
    again = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert again is not None
    turned = picture if channels == 1 else picture[..., [2, 1, 0, 3][:channels]]
    np.testing.assert_array_equal(again, turned)


def test_pieces_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 9, (40, 30, 3)).astype(np.uint8)
    once, bits = tmp_path / "once.png", tmp_path / "bits.png"
    write_png(once, picture)
    monkeypatch.setattr(png, "PIECE", 100)
    write_png(bits, picture)
    with Image.open(once) as a, Image.open(bits) as b:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_palette_and_who_made_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    colours = scheme("celebamask19").palette
    write_png(path, np.array([[0, 17, 255]], np.uint8), colours)
    assert MADE_BY in path.read_bytes()[:128]
    with Image.open(path) as shown:
        assert (shown.mode, shown.info["Software"]) == ("P", "faceparse")
        np.testing.assert_array_equal(np.asarray(shown.convert("RGB"))[0], colours[[0, 17, 255]])


def test_arrays_of_any_layout(tmp_path: Path) -> None:
    picture = np.arange(600, dtype=np.uint16).reshape(20, 30).T[::-1]
    path = tmp_path / "a.png"
    write_png(path, picture)
    with Image.open(path) as shown:
        np.testing.assert_array_equal(np.asarray(shown), picture)


def test_an_error_writes_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), open_png(tmp_path / "a.png", (2, 2)):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
