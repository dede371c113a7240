"""Every loss against a plain computation in NumPy."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.errors import ConfigError  # noqa: E402
from faceparse.train.losses import Loss, LossSettings  # noqa: E402

pytestmark = pytest.mark.torch
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(2, 4, 5, 6))
LABELS = RNG.choice([0, 1, 3, 255], (2, 5, 6))  # class 2 absent, some ignored
P = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
COUNTED = LABELS != 255
B, Y, X = np.nonzero(COUNTED)
RIGHT = P[B, LABELS[COUNTED], Y, X]


def loss(**settings: Any) -> float:
    settings = {"cross_entropy": 0, **settings}
    return float(Loss(LossSettings(**settings))(torch.tensor(LOGITS), torch.tensor(LABELS)))


def test_cross_entropy() -> None:
    assert loss(cross_entropy=2) == pytest.approx(2 * -np.log(RIGHT).mean(), rel=1e-5)


def test_class_weights() -> None:
    weights = np.array([1.0, 3.0, 5.0, 0.5])
    each = weights[LABELS[COUNTED]]
    expected = (each * -np.log(RIGHT)).sum() / each.sum()
    assert loss(cross_entropy=1, class_weights=weights.tolist()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("score", "least"), [(0.3, 0), (0.05, 0.25), (0.01, 0.5), (0.9, 1 / 16)])
def test_ohem(score: float, least: float) -> None:
    each = np.sort(-np.log(RIGHT))[::-1]
    hard = each[each > -np.log(score)]
    fewest = int(LABELS.size * least)
    if len(hard) < fewest:
        hard = each[:fewest]
    assert loss(cross_entropy=1, ohem=score, ohem_least=least) == pytest.approx(hard.mean(), rel=1e-5)


def test_dice() -> None:
    each = []
    for c in (0, 1, 3):
        t = np.equal(LABELS, c)
        each.append(1 - 2 * P[:, c][t].sum() / (P[:, c][COUNTED].sum() + t.sum()))
    assert loss(dice=0.5) == pytest.approx(0.5 * np.mean(each), rel=1e-5)


def test_lovasz() -> None:
    """The Lovász extension by its definition: errors in descending order, times the rise of the Jaccard loss."""
    each = []
    for c in (0, 1, 3):
        truth = np.equal(LABELS[COUNTED], c)
        errors = np.abs(truth - P[:, c][COUNTED])
        order = np.argsort(-errors)
        value, before, wrong = 0.0, 0.0, np.zeros(len(truth), bool)
        for i in order:
            wrong[i] = True
            predicted = truth ^ wrong
            jaccard = 1 - (truth & predicted).sum() / (truth | predicted).sum()
            value += errors[i] * (jaccard - before)
            before = jaccard
        each.append(value)
    assert loss(lovasz=1) == pytest.approx(np.mean(each), rel=1e-5)


def test_focal() -> None:
    expected = (-((1 - RIGHT) ** 1.5) * np.log(RIGHT)).mean()
    assert loss(focal=1, focal_gamma=1.5) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "dice", "lovasz", "focal"])
def test_a_sure_right_answer_costs_nothing(name: str) -> None:
    labels = torch.randint(0, 19, (1, 8, 8), generator=torch.Generator().manual_seed(0))
    logits = 100 * torch.nn.functional.one_hot(labels, 19).permute(0, 3, 1, 2).float()
    weights: dict[str, Any] = {"cross_entropy": 0.0, name: 1.0}
    of = LossSettings(**weights)
    assert float(Loss(of)(logits, labels)) == pytest.approx(0, abs=1e-6)


def test_nothing_counted_costs_nothing_and_has_a_gradient() -> None:
    logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
    value = Loss(LossSettings(dice=1, lovasz=1, focal=1))(logits, torch.full((1, 4, 4), 255))
    torch.autograd.backward(value)
    assert float(value.detach()) == 0
    assert logits.grad is not None


def test_automatic_precision_does_not_touch_the_loss() -> None:
    logits, labels = torch.tensor(LOGITS).float(), torch.tensor(LABELS)
    of = Loss(LossSettings(dice=1, lovasz=1, focal=1))
    with torch.autocast("cpu", torch.bfloat16):
        found = of(logits, labels)
    assert found.dtype == torch.float32
    assert float(found) == float(of(logits, labels))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_gradient_is_the_definitions(layout: Any) -> None:
    logits = torch.tensor(LOGITS).to(memory_format=layout).requires_grad_()
    of = Loss(LossSettings(dice=0.5, focal=0.1, class_weights=[1, 2, 3, 4]))

    def value(x: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.Tensor, "float", torch.Tensor.double)  # finite differences want more digits
            return of(x, torch.tensor(LABELS))

    assert torch.autograd.gradcheck(value, logits)


@pytest.mark.parametrize("wrong", [{"dice": -1}, {"cross_entropy": 0}, {"ohem": 1.5}])
def test_bad_settings_are_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="loss"):
        LossSettings(**wrong)


OPEN = [(0, 1, 3), (1, 2)]
"""What the labels 4 and 5 may be."""


def open_loss(labels: Any, **settings: Any) -> float:
    of = LossSettings(**{"cross_entropy": 0, **settings})
    return float(Loss(of, OPEN)(torch.tensor(LOGITS), torch.tensor(labels)))


def test_an_open_pixel_costs_the_log_of_its_classes_probabilities_together() -> None:
    labels = np.full((2, 5, 6), 4)
    labels[1] = 5
    expected = np.concatenate([-np.log(P[:1, list(OPEN[0])].sum(1)), -np.log(P[1:, list(OPEN[1])].sum(1))])
    assert open_loss(labels, cross_entropy=1) == pytest.approx(expected.mean(), rel=1e-5)
    focal = ((1 - np.exp(-expected)) ** 2 * expected).mean()
    assert open_loss(labels, focal=1) == pytest.approx(focal, rel=1e-5)
    weights = np.array([1.0, 3.0, 5.0, 0.5])
    each = np.repeat([weights[list(c)].mean() for c in OPEN], 30)
    weighted = (each * expected.ravel()).sum() / each.sum()
    assert open_loss(labels, cross_entropy=1, class_weights=weights.tolist()) == pytest.approx(
        weighted, rel=1e-5
    )


@pytest.mark.parametrize("term", ["dice", "lovasz"])
def test_losses_of_whole_classes_leave_open_pixels_out(term: str) -> None:
    labels = LABELS.copy()
    labels[:, :2] = 255
    opened = np.where(labels == 255, 5, labels)
    assert open_loss(opened, **{term: 1}) == pytest.approx(open_loss(labels, **{term: 1}), rel=1e-6)
    assert open_loss(np.full_like(labels, 4), **{term: 1}) == 0


def test_open_pixels_have_a_gradient_towards_their_classes() -> None:
    logits = torch.zeros(1, 4, 1, 1, requires_grad=True)
    torch.autograd.backward(Loss(LossSettings(), OPEN)(logits, torch.full((1, 1, 1), 5)))
    assert logits.grad is not None
    assert (logits.grad.flatten() < 0).tolist() == [False, True, True, False]
