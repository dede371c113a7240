"""Some depthwise convolutions of a bf16 run on a CPU compute in float32, and nothing else changes."""

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from torch import nn  # noqa: E402

from faceparse.train.depthwise import float32_depthwise  # noqa: E402

pytestmark = pytest.mark.torch

SLOW = [{"kernel_size": 5}, {"kernel_size": 3, "stride": 2}, {"kernel_size": (1, 7)}]
FAST = [
    {"kernel_size": 3},
    {"kernel_size": 5, "groups": 2},
    {"kernel_size": 5, "groups": 1},
    {"kernel_size": 1},
]


def layer(**how: Any) -> Any:
    torch.manual_seed(0)
    return nn.Conv2d(8, 8, **{"groups": 8, **how})


def treated(like: Any) -> Any:
    network = nn.Sequential(copy.deepcopy(like))
    float32_depthwise(network)
    return copy.deepcopy(network)[0]  # the moving average copies what it follows


@pytest.mark.parametrize("how", SLOW)
def test_bf16_on_a_cpu_rounds_result_and_gradient_alone(how: dict[str, Any]) -> None:
    plain = layer(**how)
    ours, x = treated(plain), torch.randn(2, 8, 12, 9)
    with torch.autocast("cpu", torch.bfloat16):
        found = ours(x)
    expected = plain(x)
    assert torch.equal(found, expected.bfloat16())
    towards = torch.randn_like(expected).bfloat16()
    found.backward(towards)
    expected.backward(towards.float())
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)


@pytest.mark.parametrize("how", FAST)
def test_others_stay_in_bf16(how: dict[str, Any]) -> None:
    plain = layer(**how)
    ours, x = treated(plain), torch.randn(2, 8, 12, 9)
    assert type(ours) is nn.Conv2d
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ours(x), plain(x))


@pytest.mark.parametrize("how", SLOW + FAST)
def test_a_float32_run_and_the_weights_names_are_as_before(how: dict[str, Any]) -> None:
    plain = layer(**how)
    ours, x = treated(plain), torch.randn(2, 8, 12, 9)
    plain.load_state_dict(ours.state_dict())
    assert torch.equal(ours(x), plain(x))
