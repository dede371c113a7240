"""What every registered network holds to."""

from functools import cache
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from faceparse.errors import FaceparseError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.models import Network, fits, network, networks  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

LARGE = 30_000_000
"""Networks of more parameters are held to their shapes only; their values are their family's tests' business."""


def _sizes() -> dict[str, int]:
    """Parameters of each registered network."""
    with torch.device("meta"):
        return {
            name: sum(p.numel() for p in entry.build().parameters()) for name, entry in networks().items()
        }


SIZES = _sizes()
every_network = pytest.mark.parametrize("name", [n for n, size in SIZES.items() if size <= LARGE])
large_network = pytest.mark.parametrize("name", [n for n, size in SIZES.items() if size > LARGE])
every_size = pytest.mark.parametrize("size", [(64, 96), (97, 131)], ids=str)


@cache
def built(name: str) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network(name).build().eval()


def image(*shape: int) -> "Tensor":
    noise: Tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return noise


def inputs(net: Network, x: "Tensor") -> "tuple[Tensor, ...]":
    """What `forward` takes: the picture, and landmarks where they are needed."""
    if not net.needs_landmarks:
        return (x,)
    points = torch.tensor([[0.3, 0.4], [0.7, 0.45], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    points = points * torch.tensor([float(x.shape[-1]), float(x.shape[-2])])
    return x, points.expand(len(x), 5, 2).to(x.device)


@every_network
@every_size
def test_logits_at_the_inputs_size(name: str, size: tuple[int, int]) -> None:
    net, x = built(name), image(2, 3, *size)
    before = x.clone()
    with torch.inference_mode():
        logits = net(*inputs(net, x))
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
        # Where forward() warps, training_logits() takes pictures that are warped already.
        grid, logits = net.grid_logits(x), net.training_logits(x)[0] if net.needs_landmarks else net(x)
    stride = net.grid.stride
    assert grid.shape[-2:] == (-(-size[0] // stride), -(-size[1] // stride))
    full = F.interpolate(grid, size=size, mode="bilinear", align_corners=net.grid.align_corners)
    torch.testing.assert_close(full, logits)


@every_network
def test_pictures_of_a_batch_do_not_meet(name: str) -> None:
    net, x = built(name), image(3, 3, 64, 64)
    with torch.inference_mode():
        together, alone = net(*inputs(net, x)), torch.cat([net(*inputs(net, one[None])) for one in x])
    assert (together - alone).abs().max() < 1e-4 * together.std()


@every_network
def test_training_logits_begin_with_the_logits(name: str) -> None:
    net = built(name)
    given = inputs(net, image(1, 3, 64, 64))
    with torch.inference_mode():
        logits, outputs = net(*given), net.training_logits(*given)
    torch.testing.assert_close(outputs[0], logits)
    assert all(o.shape == logits.shape for o in outputs)


@every_network
def test_it_trains(name: str) -> None:
    net = network(name).build(num_classes=3).train()
    outputs = net.training_logits(image(2, 3, 64, 64))
    torch.stack([o.square().mean() for o in outputs]).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


@large_network
def test_shapes_of_large_networks(name: str) -> None:
    with torch.device("meta"):
        net = network(name).build().eval()
        classes = len(scheme(network(name).scheme))
        for size in ((64, 96), (97, 131)):
            if any(side % net.multiple for side in size):
                with pytest.raises(FaceparseError, match=f"multiples of {net.multiple}"):
                    net(torch.zeros(2, 3, *size))
                continue
            x = torch.zeros(2, 3, *size)
            stride = net.grid.stride
            assert net.grid_logits(x).shape == (2, classes, -(-size[0] // stride), -(-size[1] // stride))
            if not net.needs_landmarks:  # whose values are looked at
                assert net(x).shape == (2, classes, *size)
            assert all(o.shape == (2, classes, *size) for o in net.training_logits(x))


@pytest.mark.parametrize("name", networks())
def test_classes_are_as_asked_and_weights_fit_their_network(name: str) -> None:
    with torch.device("meta"):
        state = network(name).build(num_classes=7).state_dict()
    assert name in fits(state, num_classes=7)
    assert name not in fits(state)
