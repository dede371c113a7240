"""What every registered network holds to."""

from functools import cache
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from faceparse.labels import scheme  # noqa: E402
from faceparse.models import Network, fits, network, networks  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch
every_network = pytest.mark.parametrize("name", networks())
every_size = pytest.mark.parametrize("size", [(64, 96), (97, 131)], ids=str)


@cache
def built(name: str) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network(name).build().eval()


def image(*shape: int) -> "Tensor":
    noise: Tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return noise


@every_network
@every_size
def test_logits_at_the_inputs_size(name: str, size: tuple[int, int]) -> None:
    x = image(2, 3, *size)
    before = x.clone()
    with torch.inference_mode():
        logits = built(name)(x)
    assert logits.shape == (2, len(scheme(network(name).scheme)), *size)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    assert logits.std() > 0
    assert torch.equal(x, before)


@every_network
@every_size
def test_grid_logits_upsample_to_logits(name: str, size: tuple[int, int]) -> None:
    net, x = built(name), image(1, 3, *size)
    with torch.inference_mode():
        grid, logits = net.grid_logits(x), net(x)
    stride = net.grid.stride
    assert grid.shape[-2:] == (-(-size[0] // stride), -(-size[1] // stride))
    full = F.interpolate(grid, size=size, mode="bilinear", align_corners=net.grid.align_corners)
    torch.testing.assert_close(full, logits)


@every_network
def test_pictures_of_a_batch_do_not_meet(name: str) -> None:
    x = image(3, 3, 64, 64)
    with torch.inference_mode():
        together, alone = built(name)(x), torch.cat([built(name)(one[None]) for one in x])
    assert (together - alone).abs().max() < 1e-4 * together.std()


@every_network
def test_training_logits_begin_with_the_logits(name: str) -> None:
    x = image(1, 3, 64, 64)
    with torch.inference_mode():
        logits, outputs = built(name)(x), built(name).training_logits(x)
    torch.testing.assert_close(outputs[0], logits)
    assert all(o.shape == logits.shape for o in outputs)


@every_network
def test_it_trains(name: str) -> None:
    net = network(name).build(num_classes=3).train()
    outputs = net.training_logits(image(2, 3, 64, 64))
    torch.stack([o.square().mean() for o in outputs]).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


@every_network
def test_classes_are_as_asked_and_weights_fit_their_network(name: str) -> None:
    with torch.device("meta"):
        state = network(name).build(num_classes=7).state_dict()
    assert name in fits(state, num_classes=7)
    assert name not in fits(state)
