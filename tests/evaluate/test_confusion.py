"""Figures against a plain pixel-by-pixel count."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceparse.data import Sample
from faceparse.errors import LabelError
from faceparse.evaluate import Confusion, evaluate
from faceparse.labels import Scheme, scheme

FOUR = Scheme("four", ("background", "a", "b", "c"))


@given(
    arrays(np.uint8, (3, 7), elements=st.integers(0, 3)),
    arrays(np.uint8, (3, 7), elements=st.sampled_from([0, 1, 2, 3, 255])),
)
def test_f1_equals_plain_count(predicted: np.ndarray, true: np.ndarray) -> None:
    confusion = Confusion(FOUR)
    confusion.update(predicted, true)
    counted = true != 255
    scores = []
    for c in range(4):
        p, t = (predicted == c) & counted, (true == c) & counted
        both = p.sum() + t.sum()
        expected = 2 * (p & t).sum() / both if both else math.nan
        assert confusion.f1[c] == pytest.approx(expected, nan_ok=True)
        union = (p | t).sum()
        assert confusion.iou[c] == pytest.approx((p & t).sum() / union if union else math.nan, nan_ok=True)
        if c and both:
            scores.append(expected)
    assert confusion.mean_f1 == pytest.approx(np.mean(scores) if scores else math.nan, nan_ok=True)


def test_two_pictures_share_one_matrix() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.integers(0, 4, (2, 5, 5), np.uint8) for _ in range(2)]
    apart, together = Confusion(FOUR), Confusion(FOUR)
    for predicted, true in maps:
        apart.update(predicted, true)
    together.update(np.hstack([m[0] for m in maps]), np.hstack([m[1] for m in maps]))
    assert (apart.matrix == together.matrix).all()
    assert apart.pixel_accuracy == together.pixel_accuracy


@pytest.mark.parametrize(
    ("predicted", "true", "message"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), "sizes must match"),
        (np.zeros((2, 2), np.uint8), np.full((2, 2), 9, np.uint8), "label map holds 9"),
        (np.full((2, 2), 9, np.uint8), np.zeros((2, 2), np.uint8), "prediction holds 9"),
        (np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8), "must name a class for every pixel"),
    ],
)
def test_bad_maps_are_named(predicted: np.ndarray, true: np.ndarray, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        Confusion(FOUR).update(predicted, true)


def test_evaluate_converts_labels_and_counts_reachable_classes_only() -> None:
    celeb = scheme("celebamask19")
    skin, hair, earring = celeb.id("skin"), celeb.id("hair"), celeb.id("earring")
    # A beard, a pixel of facewear, hair.
    sample = Sample("made", np.zeros((1, 5, 3), np.uint8), np.array([[0, 1, 14, 18, 13]], np.uint8))
    predicted = np.array([[0, skin, skin, earring, hair]], np.uint8)
    report = evaluate(lambda sample: predicted, [sample, sample], scheme("synthface19"), celeb)
    assert report.pictures == 2
    assert "ear_r" not in report.f1  # synthface19 cannot express it
    assert len(report.f1) == 16
    assert report.f1["skin"] == report.f1["hair"] == report.mean_f1 == 100  # the facewear pixel is ignored
    assert math.isnan(report.f1["hat"])
    assert report.as_dict()["f1"]["hat"] is None
