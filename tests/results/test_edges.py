"""Soft masks that follow the picture's edges."""

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from faceparse.labels import scheme
from faceparse.results import Parsing, View, render_probability, soft_strips
from tests.results.strategies import Size, scenes
from tests.writers.samples import labelled, picture, seen

SIDE, CELL = 96, 4


def strokes(width: int = SIDE, height: int = SIDE) -> NDArray[np.float32]:
    """A disk with strands, its edges antialiased."""
    fine = np.zeros((4 * height, 4 * width), np.uint8)
    middle = np.array([2 * width, 2 * height])
    cv2.circle(fine, middle.tolist(), 80, 255, -1)
    for angle in np.arange(0, 6.3, 0.13):
        end = middle + 140 * np.array([np.cos(angle), np.sin(1.1 * angle)])
        cv2.line(fine, middle.tolist(), end.astype(int).tolist(), 255, 5)
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA) / np.float32(255))


def blended(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Brown over a bluish gradient."""
    back = np.dstack([np.full(alpha.shape, v) for v in (90.0, 120, 0)])
    back[..., 2] = np.linspace(120, 220, alpha.shape[1])
    front = np.array([110, 75, 45])
    return np.asarray(np.rint(back + alpha[..., None] * (front - back)), np.uint8)


def view(alpha: NDArray[np.float32], to_grid: NDArray[np.float64]) -> View:
    """What a network with cells of 4 pixels says at best: each cell's mean."""
    fine = to_grid.copy()  # what cv2 has at pixel (i, j) lies at point (i + 0.5, j + 0.5)
    fine[:, 2] += fine[:, :2] @ [0.5, 0.5]
    box = cv2.warpAffine(cv2.blur(alpha, (5, 5)), fine, (SIDE // CELL,) * 2)
    spread = np.asarray(box, np.float32)
    likely = np.clip(spread, 1e-3, 1 - 1e-3)
    return View(np.stack([np.log(1 - likely), np.log(likely)]), to_grid)


def parsing(angle: float = 0) -> tuple[Parsing, NDArray[np.float32]]:
    alpha = strokes()
    to_grid = np.array(cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, 1 / CELL), np.float64)
    to_grid[:, 2] += SIDE / CELL / 2 - SIDE / 2 - 0.5
    return Parsing(blended(alpha), (view(alpha, to_grid),), scheme("hair2")), alpha


@pytest.mark.parametrize("angle", [0, 30])
def test_masks_are_closer_to_the_truth(angle: float) -> None:
    one, alpha = parsing(angle)
    before, after = (np.abs(one.mask("hair", soft=True, edges=e) - alpha).mean() for e in (False, True))
    assert after < before / 1.5


def test_the_classes_add_up() -> None:
    one, _ = parsing()
    total = one.mask("hair", soft=True) + one.mask("background", soft=True)
    np.testing.assert_allclose(total, 1, atol=1e-5)


@given(scenes())
def test_any_picture_gives_probabilities_and_an_even_one_changes_nothing(
    example: tuple[list[View], Size, int],
) -> None:
    views, size, classes = example
    plain = render_probability(views, size, [classes - 1])
    followed = render_probability(views, size, [classes - 1], picture(*size))
    assert followed.min() >= 0
    assert followed.max() <= 1
    even = render_probability(views, size, [classes - 1], np.full((*size, 3), 77, np.uint8))
    np.testing.assert_allclose(even, plain, atol=1e-4)


def test_an_even_mask_stays() -> None:
    one = seen()
    every = render_probability(one.views, one.size, range(19), one.image)
    np.testing.assert_allclose(every, 1, atol=1e-4)


def test_mirrored_twice_is_the_same() -> None:
    one, _ = parsing()
    there = np.array([[-1.0, 0, SIDE], [0, 1, 0], [0, 0, 1]])
    (straight,) = one.views
    mirrored = replace(
        one,
        image=np.ascontiguousarray(one.image[:, ::-1]),
        views=(replace(straight, to_grid=straight.to_grid @ there),),
    )
    found = mirrored.mask("hair", soft=True)[:, ::-1]
    np.testing.assert_allclose(found, one.mask("hair", soft=True), atol=0.03)  # OpenCV counts in 32nds


def test_label_maps_stay() -> None:
    one = labelled(np.arange(19, dtype=np.uint8).repeat(3)[None].repeat(9, 0))
    np.testing.assert_array_equal(one.mask("hair", soft=True), one.mask("hair"))
    cut = one.cutout("hair")
    np.testing.assert_array_equal(cut[..., :3], one.image)


def test_labels_and_confidence_are_the_networks() -> None:
    one = seen()
    blank = replace(one, image=np.zeros_like(one.image))
    np.testing.assert_array_equal(one.labels, blank.labels)
    np.testing.assert_array_equal(one.confidence, blank.confidence)


def test_memory_does_not_grow_with_the_height() -> None:
    peaks = []
    for height in (2048, 6144):
        grid = np.array([[4 / 256, 0, -0.5], [0, 40 / height, -0.5]])
        rng = np.random.default_rng(0)
        one = View(rng.normal(0, 2, (19, 40, 4)).astype(np.float32), grid)
        image = np.zeros((height, 256, 3), np.uint8)
        image[::7] = 200
        whole = Parsing(image, (one,), scheme("celebamask19"))
        tracemalloc.start()
        for _ in soft_strips(whole, [(17,)]):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_blocks_join(monkeypatch: pytest.MonkeyPatch) -> None:
    one = seen(60, 50)
    whole = one.mask("face", soft=True)
    monkeypatch.setattr("faceparse.results.edges.BLOCK", 7)
    np.testing.assert_allclose(one.mask("face", soft=True), whole, atol=2e-3)


class TestCutout:
    def test_no_rim_of_the_background_stays(self) -> None:
        one, alpha = parsing()
        red = np.full((*alpha.shape, 3), (200, 30, 30), np.uint8)
        expected = alpha[..., None] * (110, 75, 45) + (1 - alpha[..., None]) * red

        def away(cut: NDArray[np.uint8]) -> float:
            opacity = cut[..., 3:] / 255
            return float(np.abs(opacity * cut[..., :3] + (1 - opacity) * red - expected).mean())

        plain = np.dstack([one.image, one.cutout("hair")[..., 3]])
        assert away(one.cutout("hair")) < 0.75 * away(plain)
        assert away(one.cutout("hair")) < 0.5 * away(one.cutout("hair", edges=False))

    def test_a_feathered_label_map_fades_in_its_own_colour(self) -> None:
        labels = np.zeros((40, 40), np.uint8)
        labels[:, :20] = 17
        image = np.where(labels[..., None] == 17, np.uint8(180), np.uint8(0)).repeat(3, 2)
        cut = Parsing.from_labels(image, labels, "celebamask19").cutout("hair", feather=8)
        assert 0 < cut[20, 22, 3] < 128
        assert (cut[cut[..., 3] > 0][:, :3] == 180).all()

    def test_strips_join(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one, _ = parsing()
        whole = one.cutout("hair")
        monkeypatch.setattr("faceparse.results.foreground.STRIP", 7)
        assert np.abs(one.cutout("hair").astype(int) - whole).max() <= 1
