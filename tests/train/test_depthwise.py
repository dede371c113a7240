"""Depthwise convolutions of a bf16 run on a CPU compute in float32, and nothing else changes."""

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from torch import nn  # noqa: E402

from faceparse.train.depthwise import float32_depthwise  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(8, 8, 5, padding=2, groups=8), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 3, groups=2)
    )
    float32_depthwise(made)
    return made


def test_bf16_on_a_cpu_rounds_its_result_alone(network: nn.Sequential) -> None:
    x = torch.randn(2, 8, 12, 9)
    for layer in (network, copy.deepcopy(network)):
        with torch.autocast("cpu", torch.bfloat16):
            found = layer[0](x)
        assert found.dtype == torch.bfloat16
        assert torch.equal(
            found, nn.functional.conv2d(x, layer[0].weight, layer[0].bias, padding=2, groups=8).bfloat16()
        )


def test_the_gradient_is_float32s(network: nn.Sequential) -> None:
    x, weight = torch.randn(2, 8, 12, 9), network[0].weight
    towards = torch.randn(2, 8, 12, 9).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = network[0](x)
    found.backward(towards)
    plain = weight.detach().clone().requires_grad_()
    nn.functional.conv2d(x, plain, network[0].bias.detach(), padding=2, groups=8).backward(towards.float())
    torch.testing.assert_close(weight.grad, plain.grad)


def test_dense_and_grouped_layers_stay_in_bf16(network: nn.Sequential) -> None:
    assert [type(m) is nn.Conv2d for m in network] == [False, True, True]
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.randn(1, 8, 8, 8)).dtype == torch.bfloat16


def test_a_float32_run_and_the_weights_names_are_as_before(network: nn.Sequential) -> None:
    x = torch.randn(1, 8, 8, 8)
    plain = nn.Sequential(
        nn.Conv2d(8, 8, 5, padding=2, groups=8), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 3, groups=2)
    )
    plain.load_state_dict(network.state_dict())
    assert torch.equal(network(x), plain(x))
