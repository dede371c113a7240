"""Swin's attention as torchvision gives it, by another way."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torchvision.models.swin_transformer import (  # noqa: E402
    ShiftedWindowAttention,
    ShiftedWindowAttentionV2,
    SwinTransformer,
)

from faceparse.models.backbones.swin import (  # noqa: E402
    WindowAttention,
    WindowAttentionV2,
    replace_attention,
    windows,
)

pytestmark = pytest.mark.torch

KINDS = [(ShiftedWindowAttention, WindowAttention), (ShiftedWindowAttentionV2, WindowAttentionV2)]
SIDES = st.integers(1, 17)


def pair(published: Any, ours: Any, window: tuple[int, int], shift: tuple[int, int], **options: Any) -> Any:
    """Torchvision's layer and ours with the same weights."""
    torch.manual_seed(0)
    made = published(12, list(window), list(shift), 3, **options).double().eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    other = ours(12, list(window), list(shift), 3, **options).double().eval()
    other.load_state_dict(made.state_dict())
    return made, other


@pytest.mark.parametrize(("published", "ours"), KINDS)
@given(size=st.tuples(SIDES, SIDES), shifted=st.booleans(), window=st.sampled_from([(4, 4), (3, 5), (7, 7)]))
def test_as_torchvision(
    published: Any, ours: Any, size: tuple[int, int], shifted: bool, window: tuple[int, int]
) -> None:
    shift = (window[0] // 2, window[1] // 2) if shifted else (0, 0)
    wanted, found = pair(published, ours, window, shift)
    x = torch.randn(2, *size, 12, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(found(x), wanted(x), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("published", "ours"), KINDS)
@pytest.mark.parametrize("biased", ["qkv_bias", "proj_bias", None])
def test_without_biases(published: Any, ours: Any, biased: str | None) -> None:
    options = {name: name == biased for name in ("qkv_bias", "proj_bias")}
    wanted, found = pair(published, ours, (4, 4), (2, 2), **options)
    x = torch.randn(1, 9, 10, 12, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(found(x), wanted(x), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("published", "ours"), KINDS)
def test_training_is_torchvisions(published: Any, ours: Any) -> None:
    wanted, found = pair(published, ours, (4, 4), (2, 2))
    x = torch.randn(1, 9, 10, 12, dtype=torch.float64)
    assert torch.equal(found.train()(x), wanted.train()(x))
    found(x).sum().backward()
    assert all(p.grad is not None for p in found.parameters())


def test_what_inference_keeps_serves_gradients() -> None:
    _, layer = pair(*KINDS[0], (4, 4), (2, 2))
    x = torch.randn(1, 11, 13, 12, dtype=torch.float64)
    with torch.inference_mode():
        layer(x)
    x.requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None


def test_only_torchvisions_blocks_are_changed() -> None:
    backbone = SwinTransformer([4, 4], 16, [1, 1], [1, 2], [4, 4])
    keys = list(backbone.state_dict())
    replace_attention(backbone)
    assert {type(m) for m in backbone.modules() if isinstance(m, ShiftedWindowAttention)} == {WindowAttention}
    assert list(backbone.state_dict()) == keys
    replace_attention(backbone)


@given(size=st.tuples(SIDES, SIDES), window=st.tuples(SIDES, SIDES))
def test_every_cell_has_one_place(size: tuple[int, int], window: tuple[int, int]) -> None:
    count = size[0] * size[1]
    cells, _ = windows(size, window, (window[0] // 2, window[1] // 2))
    assert np.array_equal(np.sort(cells[cells < count]), np.arange(count))
