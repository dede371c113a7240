"""Schedules and parameter groups."""

from typing import Any, get_args

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from faceparse.errors import ConfigError  # noqa: E402
from faceparse.models.bisenet import BiSeNet  # noqa: E402
from faceparse.train.optimise import (  # noqa: E402
    OptimizerSettings,
    Schedule,
    ScheduleSettings,
    freeze,
    keep_frozen,
    optimiser,
    rates,
)

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", get_args(Schedule))
@pytest.mark.parametrize("warmup", [0, 0.5, 3, 50])
def test_the_rate_rises_once_falls_once_and_never_is_zero(name: Any, warmup: float) -> None:
    steps = 10 * 7
    rate = rates(ScheduleSettings(name, warmup=warmup, milestones=[4, 8]), 0.01, steps, 7)
    values = [rate(s) for s in range(steps)]
    peak = values.index(max(values))
    assert all(v > 0 for v in values), "the last epoch learns"
    assert max(values) <= 0.01 * (1 + 1e-9)
    assert values[: peak + 1] == sorted(values[: peak + 1]), "the warm-up really runs"
    assert values[peak:] == sorted(values[peak:], reverse=True)


def test_one_cycle_is_torch_s() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1))]
    theirs = torch.optim.AdamW(weights)
    schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.01, total_steps=100, pct_start=0.15)
    ours = rates(
        ScheduleSettings("one-cycle", warmup=1.4), 0.01, 100, 10
    )  # torch's peak is at step 0.15 · 100 − 1
    for step in range(99):
        assert ours(step) == pytest.approx(schedule.get_last_lr()[0], rel=1e-6), step
        theirs.step()
        schedule.step()


def test_poly_is_the_published_formula() -> None:
    rate = rates(ScheduleSettings("poly", warmup=0, power=0.9), 0.01, 1000, 10)
    assert rate(250) == pytest.approx(0.01 * 0.75**0.9)


def test_a_schedule_may_end_before_the_run() -> None:
    rate = rates(ScheduleSettings("poly", warmup=0, steps=50), 0.01, 100, 10)
    assert rate(49) == pytest.approx(rate(99))


def test_groups_cover_every_weight_once() -> None:
    network = BiSeNet(3)
    made = optimiser(network, OptimizerSettings("sgd", learning_rate=0.1, weight_decay=0.5, backbone=0.1))
    grouped = [id(p) for g in made.param_groups for p in g["params"]]
    assert sorted(grouped) == sorted(id(p) for p in network.parameters())
    backbone = {id(p) for p in network.trunk.parameters()}
    for group in made.param_groups:
        inside = {id(p) in backbone for p in group["params"]}
        assert group["lr"] == pytest.approx(0.01 if inside == {True} else 0.1)
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}


def test_a_frozen_backbone_does_not_change() -> None:
    network, settings = BiSeNet(3).train(), OptimizerSettings(backbone=0)
    freeze(network, settings)
    keep_frozen(network, settings)
    before = {k: v.clone() for k, v in network.trunk.state_dict().items()}
    made = optimiser(network, settings)
    torch.stack([o.sum() for o in network.training_logits(torch.randn(2, 3, 64, 64))]).sum().backward()
    made.step()
    for key, value in network.trunk.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_frozen_norms_keep_their_statistics() -> None:
    network, settings = BiSeNet(3).train(), OptimizerSettings(frozen_norm=True)
    keep_frozen(network, settings)
    before = {k: v.clone() for k, v in network.named_buffers()}
    network(torch.randn(2, 3, 64, 64))
    for key, value in network.named_buffers():
        assert torch.equal(value, before[key]), key


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (OptimizerSettings, {"name": "adam"}),
        (OptimizerSettings, {"learning_rate": 0.0}),
        (OptimizerSettings, {"backbone": -1.0}),
        (ScheduleSettings, {"name": "step"}),
        (ScheduleSettings, {"warmup": -1.0}),
        (ScheduleSettings, {"steps": 0}),
    ],
)
def test_bad_settings_are_one_line(kind: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="got"):
        kind(**wrong)
