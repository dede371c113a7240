"""BiSeNet checkpoints of github.com/zllrunning/face-parsing.PyTorch: `79999_iter.pth`."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

_BLOCKS = {
    "cp.conv_avg": "context",
    "cp.arm16.conv": "refine16.block",
    "cp.arm32.conv": "refine32.block",
    "cp.conv_head16": "smooth16",
    "cp.conv_head32": "smooth32",
    "ffm.convblk": "fuse.block",
    "conv_out.conv": "head.block",
    "conv_out16.conv": "head16.block",
    "conv_out32.conv": "head32.block",
}
"""Blocks of a convolution and its normalisation: published as `conv` and `bn`, in faceparse `conv` and `norm`."""

ZLLRUNNING = Renaming(
    {
        "cp.resnet.": "trunk.",
        **{f"{published}.conv.": f"{local}.conv." for published, local in _BLOCKS.items()},
        **{f"{published}.bn.": f"{local}.norm." for published, local in _BLOCKS.items()},
        **{f"cp.arm{stride}.conv_atten.": f"refine{stride}.gate.conv." for stride in (16, 32)},
        **{f"cp.arm{stride}.bn_atten.": f"refine{stride}.gate.norm." for stride in (16, 32)},
        "ffm.conv1.": "fuse.squeeze.",
        "ffm.conv2.": "fuse.excite.",
        **{f"conv_out{stride}.conv_out.": f"head{stride}.classify." for stride in ("", 16, 32)},
    }
)
