"""DINOv3 files of github.com/facebookresearch/dinov3, such as `dinov3_vitl16_pretrain_lvd1689m-8aa4cbdd.pth`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faceparse.weights.importers.renaming import Renaming, Shapes

_DEEPEST = 24
"""Number of blocks of a ViT-L."""

_BIAS, _QUERY, _VALUE = "attn.qkv.bias", "attn.q_bias", "attn.v_bias"


def dinov3_rules(published: str, local: str) -> dict[str, str]:
    """Return rules that rename Meta's tensors to timm's; Meta's names begin with `published`, timm's with `local`."""
    return {
        published: local,
        f"{published}storage_tokens": f"{local}reg_token",
        f"{published}rope_embed.": f"{local}rope.",
        **{
            f"{published}blocks.{block}.ls{n}.gamma": f"{local}blocks.{block}.gamma_{n}"
            for block in range(_DEEPEST)
            for n in (1, 2)
        },
    }


class SplitBias(Renaming):
    """A format with one joint bias for queries, keys and values, where faceparse has one for queries and one for values.

    DINOv3 masks the keys' bias to zero, so the file's values for it are dropped. The renaming rules handle
    `attn.qkv.bias` like any other key.
    """

    def uses(self, key: str) -> bool:
        """Return whether a published key is needed: not the masks, nor keys that only pretraining needs."""
        return super().uses(key) and not key.endswith(("mask_token", "attn.qkv.bias_mask"))

    def expects(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Return names and shapes that a published file must have, from the shapes of faceparse's state dict."""
        joined = {
            key.replace(_QUERY, _BIAS): (3 * shape[0],) if key.endswith(_QUERY) else shape
            for key, shape in shapes.items()
            if not key.endswith(_VALUE)
        }
        return super().expects(joined)

    def __call__(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Convert a published state dict to faceparse's."""
        split = {}
        for key, value in super().__call__(state).items():
            if key.endswith(_BIAS):
                width = len(value) // 3
                split[key.replace(_BIAS, _QUERY)] = value[:width]
                split[key.replace(_BIAS, _VALUE)] = value[2 * width :]
            else:
                split[key] = value
        return split


DINOV3 = SplitBias(dinov3_rules("", "dinov3."))
"""Rules from Meta's file to the part of a network that is named `dinov3`."""
