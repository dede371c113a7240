"""Data sets read pictures as `parse` does, and label maps as they are stored."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse import Parser
from faceparse.data import FolderDataset
from faceparse.data.reading import read_image, read_labels, read_mask
from faceparse.engines import FakeEngine
from faceparse.errors import DataError
from faceparse.weights import card
from tests.pictures.kinds import (
    GRAY,
    GRAY16,
    IMAGE,
    INKED,
    OVER_WHITE,
    PALETTED,
    PIXELS,
    RGBA,
    encoded,
    exif,
    ink_profile,
    inked,
    lab,
    paletted,
    stored,
    tiff,
)

CARD = card("bisenet-resnet18-zllrunning")
PICTURES: dict[str, tuple[str, Callable[[], bytes], NDArray[np.uint8]]] = {
    "16-bit": ("a.png", lambda: encoded(Image.fromarray(GRAY16), "PNG"), GRAY),
    "CMYK": ("a.tif", lambda: encoded(inked(), "TIFF", icc_profile=ink_profile()), INKED),
    "RGBA": ("a.png", lambda: encoded(RGBA, "PNG"), OVER_WHITE),
    "turned by EXIF": ("a.jpg", lambda: encoded(stored(IMAGE, 6), "JPEG", quality=95, exif=exif(6)), PIXELS),
    "palette": ("a.gif", lambda: encoded(paletted(), "GIF"), PALETTED),
}


def nothing(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.zeros((len(image), len(CARD.label_scheme), 8, 8), np.float32)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_data_set_and_parse_see_the_same(kind: str, tmp_path: Path) -> None:
    name, make, expected = PICTURES[kind]
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    path = tmp_path / "images" / name
    path.write_bytes(make())
    Image.new("L", IMAGE.size).save(tmp_path / "labels" / "a.png")
    sample = FolderDataset(tmp_path, "all", "celebamask19")[0]
    parsing = Parser(FakeEngine(CARD, nothing), faces="whole").parse(path)
    assert np.array_equal(sample.image, parsing.image)
    assert np.abs(sample.image.astype(float) - expected).mean() <= 2


INDICES = np.arange(72 * 96, dtype=np.uint8).reshape(72, 96) % 19


@pytest.mark.parametrize("kind", ["gray", "palette", "transparent palette", "turned"])
def test_label_maps_keep_what_is_stored(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(INDICES)
    path = tmp_path / "a.png"
    if kind in ("palette", "transparent palette"):
        image.putpalette(bytes(range(255, -1, -1)) * 3)
    options: dict[str, Any] = {"transparency": bytes(19)} if kind == "transparent palette" else {}
    if kind == "turned":
        options = {"exif": exif(6)}
    image.save(path, **options)
    assert np.array_equal(read_labels(path), INDICES)


def test_label_maps_of_a_turned_tiff_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(INDICES).save(path, tiffinfo={274: 6})
    assert np.array_equal(read_labels(path), INDICES)


def test_labels_of_one_bit(tmp_path: Path) -> None:
    Image.fromarray(INDICES > 9).save(tmp_path / "a.png")
    assert np.array_equal(read_labels(tmp_path / "a.png"), (INDICES > 9).astype(np.uint8))


def test_a_mask_of_colours_without_gray_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(lab())
    with pytest.raises(DataError, match=r"a\.tif as a mask"):
        read_mask(tmp_path / "a.tif")


def huge(path: Path) -> None:
    tags = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1, 322: 26000, 323: 26000}
    path.write_bytes(tiff(tags, [bytes(99)], 324, 325))


@pytest.mark.parametrize("read", [read_image, read_labels, read_mask])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: None, "no such file"),
        (
            lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n"),
            "not a picture",
        ),
        (lambda path: path.write_bytes(encoded(IMAGE, "PNG")[:300]), "truncated|damaged"),
        (lambda path: path.mkdir(), "directory"),
        (huge, "26000×26000 px, more than"),
        pytest.param(
            lambda path: os.mkfifo(path),
            "not a regular file",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here"),
        ),
    ],
    ids=["absent", "EPS", "cut short", "folder", "huge", "named pipe"],
)
def test_a_bad_file_is_one_line_that_names_it(
    read: Callable[[Path], object], spoil: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.png"
    spoil(path)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert "bad.png" in str(caught.value)
    assert "\n" not in str(caught.value)
