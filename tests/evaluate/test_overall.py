"""Helen's overall score, and schemes and landmarks in evaluation."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.errors import LabelError
from faceparse.evaluate import Report, Score, evaluate, mirror_agreement
from faceparse.evaluate.report import inner_labels
from faceparse.evaluate.scoring import at_input
from faceparse.evaluate.table import scores_table
from faceparse.labels import convert, scheme

HELEN = scheme("helen11")


def made(name: str, seed: int = 0) -> Sample:
    labels = np.random.default_rng(seed).integers(0, len(scheme(name)), (9, 7)).astype(np.uint8)
    return Sample("made", np.zeros((9, 7, 3), np.uint8), labels)


def scored(predicted: NDArray[np.uint8], true: NDArray[np.uint8], name: str = "helen11") -> Report:
    sample = Sample("made", np.zeros((*true.shape, 3), np.uint8), true)
    return evaluate(lambda _: predicted, [sample], scheme(name), scheme(name))


def test_overall_is_f1_of_the_merged_parts() -> None:
    true, predicted = made("helen11", 1).labels, made("helen11", 2).labels
    parts = [HELEN.id(n) for n in ("l_brow", "r_brow", "l_eye", "r_eye", "nose", "u_lip", "mouth", "l_lip")]
    t, p = np.isin(true, parts), np.isin(predicted, parts)
    assert scored(predicted, true).overall == pytest.approx(200 * (t & p).sum() / (t.sum() + p.sum()))


def test_parts_are_not_told_apart_in_overall() -> None:
    true = np.array([[HELEN.id("l_eye"), HELEN.id("nose"), HELEN.id("hair"), 0]], np.uint8)
    predicted = np.array([[HELEN.id("r_eye"), HELEN.id("mouth"), HELEN.id("skin"), 0]], np.uint8)
    report = scored(predicted, true)
    assert report.overall == 100
    assert report.mean_f1 == 0
    assert report.as_dict()["overall"] == 100


def test_overall_is_for_data_that_can_express_it() -> None:
    true = np.ones((3, 3), np.uint8)
    assert math.isnan(scored(true, true, "face2").overall)
    assert scored(true, true, "face2").as_dict()["overall"] is None
    assert inner_labels(scheme("ourface11")) == ()  # its nose is skin
    assert len(inner_labels(scheme("celebamask19"))) == 8


def test_overall_has_a_row_where_asked_for() -> None:
    report = scored(made("helen11").labels, made("helen11").labels)
    assert "overall F1" not in [row[0] for row in scores_table(Score(report))[1]]
    header, rows = scores_table(Score(report, against=report), overall=True)
    assert rows[-3] == ["overall F1", "100.0", "100.0", "+0.0"]
    assert {len(r) for r in rows} == {len(header)}


def test_a_segface_celeb_model_is_right_on_maskgan19_masks() -> None:
    """The two schemes have the same classes in another order: labels convert without loss."""
    sample, own = made("maskgan19"), scheme("segface-celeb19")
    truth = convert(sample.labels, "maskgan19", own)
    assert not np.array_equal(truth, sample.labels)
    report = evaluate(lambda _: truth, [sample], scheme("maskgan19"), own)
    assert len(report.f1) == 18
    assert report.mean_f1 == report.pixel_accuracy == 100
    as_they_are = evaluate(lambda _: sample.labels, [sample], scheme("maskgan19"), own)
    assert as_they_are.mean_f1 < 30


def test_what_would_have_to_be_split_is_refused() -> None:
    with pytest.raises(LabelError, match="eyes"):
        evaluate(lambda s: s.labels, [made("ourface11")], scheme("ourface11"), scheme("celebamask19"))


def test_landmarks_come_along_to_the_input_and_into_the_mirror() -> None:
    points = np.array([[2.0, 3], [5, 3], [3.5, 5], [2.5, 7], [4.5, 7]])
    sample = Sample("made", np.zeros((9, 7, 3), np.uint8), np.zeros((9, 7), np.uint8), points)
    resized = at_input(sample, np.zeros((18, 21, 3), np.uint8)).landmarks
    assert resized is not None
    np.testing.assert_allclose(resized, points * np.array([3.0, 2.0]))
    seen: list[NDArray[np.float64]] = []

    def predict(shown: Sample) -> NDArray[np.uint8]:
        assert shown.landmarks is not None
        seen.append(shown.landmarks)
        return shown.labels

    mirror_agreement(predict, [sample], HELEN)
    mirrored, plain = seen
    np.testing.assert_allclose(plain, points)
    np.testing.assert_allclose(mirrored, points)  # as symmetric as it is
