"""Reports, bootstrap, differences and the mirror, on made label maps."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.errors import DataError
from faceparse.evaluate import Predict, Report, Score, differences, evaluate, intervals, mirror_agreement
from faceparse.evaluate.intervals import bootstrap
from faceparse.evaluate.scoring import at_input
from faceparse.evaluate.table import numbers_table, scores_table
from faceparse.labels import scheme

CELEB = scheme("celebamask19")
Labels = NDArray[np.uint8]


def samples(count: int = 12, seed: int = 0) -> list[Sample]:
    """Pictures that hold their own labels in the red channel."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        labels = rng.choice([0, 1, 4, 5, 17, 255], (8, 10)).astype(np.uint8)
        made.append(Sample(f"{i}.png", np.dstack([labels] * 3), labels))
    return made


def wrong(share: float) -> Predict:
    """Says the truth but for a share of pixels, which it calls skin."""

    def predict(sample: Sample) -> Labels:
        image = sample.image
        rng = np.random.default_rng(int(image.sum()))
        labels = np.where(image[..., 0] == 255, 0, image[..., 0])
        return np.where(rng.random(labels.shape) < share, 1, labels).astype(np.uint8)

    return predict


def report(share: float) -> Report:
    return evaluate(wrong(share), samples(), CELEB, CELEB)


def test_agrees_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    made, predict = samples(), wrong(0.3)
    true = np.concatenate([s.labels.ravel() for s in made])
    predicted = np.concatenate([predict(s).ravel() for s in made])
    counted = true != 255
    ids = [1, 4, 5, 17]
    expected = metrics.f1_score(true[counted], predicted[counted], labels=ids, average=None)
    got = report(0.3)
    assert [got.f1[CELEB.classes[i]] for i in ids] == pytest.approx(100 * expected)
    assert got.mean_f1 == pytest.approx(100 * expected.mean())
    jaccard = metrics.jaccard_score(true[counted], predicted[counted], labels=ids, average="macro")
    assert got.mean_iou == pytest.approx(100 * jaccard)
    accuracy = metrics.accuracy_score(true[counted], predicted[counted])
    assert got.pixel_accuracy == pytest.approx(100 * accuracy)


def test_counts_add_up_to_the_matrix() -> None:
    got = report(0.3)
    sums = got.counts.sum(0)
    assert (sums[:, 0] == np.diagonal(got.matrix)).all()
    assert (sums[:, 1] == got.matrix.sum(0)).all()
    assert (sums[:, 2] == got.matrix.sum(1)).all()
    assert got.pictures == 12


def test_an_interval_holds_its_value_and_is_the_same_again() -> None:
    first, again = intervals(report(0.3), 400, 7), intervals(report(0.3), 400, 7)
    assert repr(first) == repr(again)  # NaN, of absent classes, is not equal to itself
    for name in ("skin", "hair", "mean"):
        assert first[name].low < first[name].value < first[name].high
    assert np.isnan(first["hat"].value)


@given(st.integers(1, 6), st.integers(0, 99))
def test_equal_pictures_leave_no_doubt(pictures: int, seed: int) -> None:
    counts = np.repeat(np.array([[[8, 10, 12], [0, 0, 0]]]), pictures, axis=0)
    drawn = bootstrap(counts, 20, seed)
    assert drawn[:, 0] == pytest.approx(16 / 22)
    assert np.isnan(drawn[:, 1]).all()


def test_a_better_model_is_shown_to_be_better() -> None:
    apart = differences(report(0.1), report(0.4), 400)
    assert apart["mean"].low > 0
    back = differences(report(0.4), report(0.1), 400)
    assert back["mean"].high == pytest.approx(-apart["mean"].low)
    same = differences(report(0.1), report(0.1), 400)["mean"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_other_pictures_do_not_compare() -> None:
    with pytest.raises(DataError, match="same pictures"):
        differences(report(0.1), evaluate(wrong(0.1), samples(5), CELEB, CELEB))


def test_worst_pictures_come_first() -> None:
    got = report(0.3)
    worst = got.worst("hair", 12)
    for name, score in worst.items():
        overlap, predicted, true = got.counts[got.names.index(name), CELEB.id("hair")]
        assert score == pytest.approx(200 * overlap / (predicted + true))
    assert list(worst.values()) == sorted(worst.values())
    assert got.worst("hat") == {}


def test_the_mirror_tells_sides() -> None:
    """A model that knows sides agrees with its mirror image; one that goes by the picture's half does not."""
    labels = np.zeros((6, 8), np.uint8)
    labels[2, 1], labels[2, 6] = CELEB.id("r_eye"), CELEB.id("l_eye")
    eyes = [Sample("a", np.dstack([(labels > 0).astype(np.uint8)] * 3), labels)]

    def knows(sample: Sample) -> Labels:
        image = sample.image
        found = np.zeros(image.shape[:2], np.uint8)
        rows, columns = np.nonzero(image[..., 0])
        found[rows, columns] = np.where(columns < 4, CELEB.id("r_eye"), CELEB.id("l_eye"))
        return found

    def mixes(sample: Sample) -> Labels:
        return np.where(sample.image[..., 0] > 0, CELEB.id("l_eye"), 0).astype(np.uint8)

    assert mirror_agreement(knows, eyes, CELEB) == {"l_eye": 100, "r_eye": 100}
    assert mirror_agreement(mixes, eyes, CELEB) == {"l_eye": 0, "r_eye": 0}


def test_input_protocol_brings_labels_to_the_input() -> None:
    sample = samples(1)[0]
    resized = at_input(sample, np.zeros((4, 5, 3), np.uint8))
    assert resized.labels.shape == (4, 5)
    assert set(np.unique(resized.labels)) <= set(np.unique(sample.labels))


def test_table_rows_are_as_long_as_the_header(tmp_path: Path) -> None:
    one, other = report(0.1), report(0.4)
    made = Score(
        one,
        intervals(one, 50),
        mirrored={"l_eye": 97.0, "r_eye": 96.0},
        against=other,
        differences=differences(one, other, 50),
    )
    header, rows = scores_table(made)
    assert {len(r) for r in rows} == {len(header)}
    assert [r[0] for r in rows[-3:]] == ["mean F1", "mean IoU", "pixel accuracy"]


def test_numbers_are_a_column_each(tmp_path: Path) -> None:
    one, other = report(0.1), report(0.4)
    spans, apart = intervals(one, 50), differences(one, other, 50)
    header, rows = numbers_table(
        Score(one, spans, mirrored={"l_eye": 97.0}, against=other, differences=apart), overall=True
    )
    assert len(set(header)) == len(header)
    assert {len(r) for r in rows} == {len(header)}
    skin, eye, hat = (dict(zip(header, r, strict=True)) for r in rows if r[0] in ("skin", "l_eye", "hat"))
    assert (skin["f1"], skin["f1_low"], skin["f1_high"]) == (
        one.f1["skin"],
        spans["skin"].low,
        spans["skin"].high,
    )
    assert (skin["against_f1"], skin["difference"]) == (other.f1["skin"], apart["skin"].value)
    assert (skin["mirrored"], eye["mirrored"]) == (None, 97.0)
    assert [v for k, v in hat.items() if k != "class"] == [None] * (len(header) - 1)
    assert [r[0] for r in rows[-4:]] == ["mean F1", "overall F1", "mean IoU", "pixel accuracy"]


def test_without_draws_a_difference_has_no_range() -> None:
    apart = differences(report(0.1), report(0.4), 0)["mean"]
    assert apart.value > 0
    assert np.isnan([apart.low, apart.high]).all()


@pytest.mark.filterwarnings("error")
def test_pictures_without_a_class_make_no_noise() -> None:
    """A draw that misses the one picture with a class has no mean."""
    empty = Sample("a", np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    full = Sample("b", np.ones((4, 4, 3), np.uint8), np.ones((4, 4), np.uint8))
    span = intervals(evaluate(lambda s: s.labels, [empty, full], CELEB, CELEB), 50)["mean"]
    assert (span.value, span.low, span.high) == (100, 100, 100)


def test_nothing_to_count_is_said() -> None:
    ignored = Sample("a", np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 255, np.uint8))
    with pytest.raises(DataError, match="every label of 1 pictures is 255"):
        evaluate(lambda s: np.zeros((4, 4), np.uint8), [ignored], CELEB, CELEB)
