"""LaPa's warp as a view agrees with the warp inside the network."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.errors import ImageError
from faceparse.faces.views import warped_view
from faceparse.faces.warp import NEUTRAL, TEMPLATE, Warp
from faceparse.results import render_labels
from faceparse.results.squash import squash, unsquash
from faceparse.weights import card
from faceparse.weights.card import Grid

SIZE = (128, 128)
BASE = card("bisenet-resnet18-zllrunning")
CARD = replace(BASE, input=replace(BASE.input, size=SIZE, warp="lapa"), output=Grid(1, False))


def points(
    scale: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0, 0)
) -> NDArray[np.float64]:
    """The template, turned around its middle, and moved."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = np.array([63.5, 63.5])
    turned: NDArray[np.float64] = (
        (TEMPLATE * 127 - middle) * scale @ np.array([[c, s], [-s, c]]) + middle + shift
    )
    return turned


def smooth(height: int = 128, width: int = 128) -> NDArray[np.uint8]:
    y, x = np.indices((height, width))
    waves = [np.sin(x / 9 + y / 23), np.cos(y / 11), np.sin((x + y) / 17)]
    return np.stack([127 + 90 * w for w in waves], -1).astype(np.uint8)


@pytest.mark.torch
@pytest.mark.parametrize("placed", [points(), points(degrees=20), points(shift=(-20, 9))], ids=str)
def test_as_the_network_warps(placed: NDArray[np.float64]) -> None:
    torch = pytest.importorskip("torch")
    from faceparse.models.segface_lapa import similarity, unwarp
    from faceparse.models.segface_lapa import warp as warp_image

    picture = smooth()
    to_template = similarity(torch.from_numpy(placed)[None], SIZE)
    # Where the picture has no pixels the network reads zero: set that to what the crop is filled with.
    tensor = torch.from_numpy(picture.astype(np.float64) - np.array(NEUTRAL)).permute(2, 0, 1)[None]
    wanted = warp_image(tensor, to_template)[0].permute(1, 2, 0).numpy() + np.array(NEUTRAL)
    warp = Warp.from_landmarks(placed, SIZE)
    np.testing.assert_allclose(warp.to_template, to_template[0].numpy(), atol=1e-9)
    assert np.abs(warp.crop(picture) - wanted).max() < 3  # OpenCV counts in 32nds of a pixel, and rounds
    logits = np.random.default_rng(0).normal(size=(5, 16, 16)).repeat(8, 1).repeat(8, 2).astype(np.float32)
    back = unwarp(torch.from_numpy(logits.astype(np.float64))[None], to_template)[0]
    labels = render_labels([warped_view(logits, CARD, warp)], SIZE)
    top = torch.sort(back, 0).values
    clear = ((top[-1] - top[-2]) > 0.5).numpy()
    # Nearest the picture's border the network reads zeros in between; and its half pixel does not turn.
    assert (labels == back.argmax(0).numpy())[clear].mean() > 0.97


def test_landmarks_come_to_lie_on_the_template() -> None:
    placed = points(7.3, 33, (900, 500))
    picture = np.zeros((1200, 2400, 3), np.uint8)
    x, y = placed[2]
    picture[int(y) - 20 : int(y) + 20, int(x) - 20 : int(x) + 20] = 255
    seen = Warp.from_landmarks(placed, SIZE).crop(picture, fill=(0, 0, 0))[..., 0].astype(float)
    rows, columns = np.indices(SIZE)
    centre = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
    np.testing.assert_allclose(centre, TEMPLATE[2] * 127, atol=1)


def test_labels_land_where_the_picture_was_seen() -> None:
    """The network sees a bright disc and says so: its label covers the disc."""
    placed = points(3, -15, (300, 200))
    y, x = np.indices((600, 700))
    disc = (x - 380) ** 2 + (y - 300) ** 2 < 80**2
    picture = np.repeat((255 * disc)[..., None], 3, -1).astype(np.uint8)
    warp = Warp.from_landmarks(placed, SIZE)
    bright = warp.crop(picture, fill=(0, 0, 0))[..., 0].astype(np.float32) - 127
    labels = render_labels([warped_view(np.stack([-bright, bright]), CARD, warp)], disc.shape)
    assert ((labels == 1) & disc).sum() / ((labels == 1) | disc).sum() > 0.93


def test_a_face_outside_the_picture() -> None:
    warp = Warp.from_landmarks(points(shift=(5000, 5000)), SIZE)
    assert (warp.crop(smooth()) == NEUTRAL).all()


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_bad_landmarks(bad: NDArray[np.float64]) -> None:
    with pytest.raises(ImageError):
        Warp.from_landmarks(bad, SIZE)


def test_squash_and_back() -> None:
    n = np.linspace(-2, 2, 101)
    np.testing.assert_allclose(unsquash(squash(n)), n, atol=1e-9)
    assert np.abs(squash(np.linspace(-9, 9, 50))).max() <= 1
    np.testing.assert_array_equal(squash(n[45:56]), n[45:56])
