"""BiSeNet checkpoints of github.com/yakhyo/face-parsing: `resnet18.pt`, `resnet34.pt`, `.ckpt`."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

YAKHYO = Renaming(
    {
        "fpn.backbone.": "trunk.",
        "fpn.conv_avg.": "context.",
        "fpn.arm16.conv_block.": "refine16.block.",
        "fpn.arm16.attention.0.": "refine16.gate.conv.",
        "fpn.arm16.attention.1.": "refine16.gate.norm.",
        "fpn.arm32.conv_block.": "refine32.block.",
        "fpn.arm32.attention.0.": "refine32.gate.conv.",
        "fpn.arm32.attention.1.": "refine32.gate.norm.",
        "fpn.conv_head16.": "smooth16.",
        "fpn.conv_head32.": "smooth32.",
        "ffm.conv_block.": "fuse.block.",
        "ffm.conv1.": "fuse.squeeze.",
        "ffm.conv2.": "fuse.excite.",
        "conv_out.conv_block.": "head.block.",
        "conv_out.conv.": "head.classify.",
        "conv_out16.conv_block.": "head16.block.",
        "conv_out16.conv.": "head16.classify.",
        "conv_out32.conv_block.": "head32.block.",
        "conv_out32.conv.": "head32.classify.",
    },
    unused=("fpn.backbone.fc.",),  # the ImageNet classifier came along
)
