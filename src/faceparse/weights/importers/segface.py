"""SegFace checkpoints (github.com/Kartik-3004/SegFace): `model_299.pt`, or the bare state dict inside."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

_TOKENS = {
    "celeb": (
        "background", "neck", "face", "cloth", "rightear", "leftear", "rightbro", "leftbro", "righteye", "lefteye",
        "nose", "innermouth", "lowerlip", "upperlip", "hair", "glass", "hat", "earring", "necklace",
    ),
    "lapa": (
        "background", "face", "leftbro", "rightbro", "lefteye", "righteye", "nose", "upperlip", "innermouth",
        "lowerlip", "hair",
    ),
}  # fmt: skip
"""Names of the class embeddings in the file's order, which is the order of the logits. Left and right in
these names are unreliable: in the first list they are swapped."""
_TOKENS["helen"] = _TOKENS["lapa"]

_ATTENTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}
_BLOCK = {
    **{f"self_attn.{published}": f"among.{local}" for published, local in _ATTENTION.items()},
    **{f"cross_attn_token_to_image.{published}": f"look.{local}" for published, local in _ATTENTION.items()},
    **{f"cross_attn_image_to_token.{published}": f"tell.{local}" for published, local in _ATTENTION.items()},
    "mlp.lin1": "widen",
    "mlp.lin2": "narrow",
    "norm1": "norm_among",
    "norm2": "norm_look",
    "norm3": "norm_mlp",
    "norm4": "norm_tell",
}
_DECODER = {
    **{
        f"transformer.layers.{i}.{published}": f"blocks.{i}.{local}"
        for i in range(2)
        for published, local in _BLOCK.items()
    },
    **{
        f"transformer.final_attn_token_to_image.{published}": f"last_look.{local}"
        for published, local in _ATTENTION.items()
    },
    "transformer.norm_final_attn": "norm_last",
    "output_upscaling.0": "upscale.0",
    "output_upscaling.1": "norm_upscale",
    "output_upscaling.3": "upscale.1",
    **{f"output_hypernetwork_mlps.layers.{i}": f"classify.{i}" for i in range(3)},
}


def segface(data: str, backbone: str, unused: tuple[str, ...] = ()) -> Renaming:
    """Return the renaming rules of a SegFace checkpoint.

    Args:
        data: `celeb`, `lapa` or `helen`.
        backbone: Prefix of the backbone's layers in the published file.
        unused: Published prefixes that the network does not need.
    """
    tokens = {f"{name}_token": f"tokens.{i}" for i, name in enumerate(_TOKENS[data])}
    return Renaming(
        {
            backbone: "trunk.",
            "pe_layer.positional_encoding_gaussian_matrix": "decoder.frequencies",
            **{f"linear_c.{i}.proj.": f"adapt.{i}." for i in range(4)},
            "linear_fuse.": "fuse.",
            **{f"face_decoder.{k}.": f"decoder.{v}." for k, v in {**_DECODER, **tokens}.items()},
        },
        unused,
    )
