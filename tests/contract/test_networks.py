"""What every registered network holds to."""

from functools import cache
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402

from faceparse.errors import FaceparseError  # noqa: E402
from faceparse.labels import scheme  # noqa: E402
from faceparse.models import Network, fits, network, networks  # noqa: E402
from tests.models.families import members  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

LARGE = 30_000_000
"""Networks of more parameters are held to their shapes only; their values are their family's tests' business."""

SIZES = ((64, 64), (61, 67))
every_network = pytest.mark.parametrize("name", members(networks()))


@cache
def built(name: str) -> Network:
    with torch.device("meta"):
        parameters = sum(p.numel() for p in network(name).build().parameters())
    if parameters > LARGE:
        pytest.skip(f"more than {LARGE:,} parameters: shapes alone")
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
def test_shapes(name: str) -> None:
    with torch.device("meta"):
        net = network(name).build().eval()
        classes = len(scheme(network(name).scheme))
        for size in ((64, 96), (97, 131)):
            x = torch.zeros(2, 3, *size)
            if any(side % net.multiple for side in size):
                with pytest.raises(FaceparseError, match=f"multiples of {net.multiple}"):
                    net(x)
                continue
            stride = net.grid.stride
            assert net.grid_logits(x).shape == (2, classes, -(-size[0] // stride), -(-size[1] // stride))
            if not net.needs_landmarks:  # whose values are looked at
                assert net(x).shape == (2, classes, *size)
            assert all(o.shape == (2, classes, *size) for o in net.training_logits(x))


@every_network
def test_grid_logits_upsample_to_logits_and_the_input_is_left_alone(name: str) -> None:
    net = built(name)
    for size in SIZES:
        x = image(1, 3, *size)
        before = x.clone()
        with torch.inference_mode():
            # Where forward() warps, training_logits() takes pictures that are warped already.
            grid, logits = net.grid_logits(x), net.training_logits(x)[0] if net.needs_landmarks else net(x)
            forward = net(*inputs(net, x))
        full = F.interpolate(grid, size=size, mode="bilinear", align_corners=net.grid.align_corners)
        torch.testing.assert_close(full, logits)
        assert forward.shape == logits.shape
        assert forward.dtype == torch.float32
        assert torch.isfinite(forward).all()
        assert forward.std() > 0
        assert torch.equal(x, before)


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
    built(name)
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
