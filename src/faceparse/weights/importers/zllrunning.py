"""BiSeNet checkpoints of github.com/zllrunning/face-parsing.PyTorch: `79999_iter.pth`."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

ZLLRUNNING = Renaming(
    "zllrunning/face-parsing.PyTorch",
    {
        "cp.resnet.": "trunk.",
        "cp.conv_avg.conv.": "context.conv.",
        "cp.conv_avg.bn.": "context.norm.",
        "cp.arm16.conv.conv.": "refine16.block.conv.",
        "cp.arm16.conv.bn.": "refine16.block.norm.",
        "cp.arm16.conv_atten.": "refine16.gate.conv.",
        "cp.arm16.bn_atten.": "refine16.gate.norm.",
        "cp.arm32.conv.conv.": "refine32.block.conv.",
        "cp.arm32.conv.bn.": "refine32.block.norm.",
        "cp.arm32.conv_atten.": "refine32.gate.conv.",
        "cp.arm32.bn_atten.": "refine32.gate.norm.",
        "cp.conv_head16.conv.": "smooth16.conv.",
        "cp.conv_head16.bn.": "smooth16.norm.",
        "cp.conv_head32.conv.": "smooth32.conv.",
        "cp.conv_head32.bn.": "smooth32.norm.",
        "ffm.convblk.conv.": "fuse.block.conv.",
        "ffm.convblk.bn.": "fuse.block.norm.",
        "ffm.conv1.": "fuse.squeeze.",
        "ffm.conv2.": "fuse.excite.",
        "conv_out.conv.conv.": "head.block.conv.",
        "conv_out.conv.bn.": "head.block.norm.",
        "conv_out.conv_out.": "head.classify.",
        "conv_out16.conv.conv.": "head16.block.conv.",
        "conv_out16.conv.bn.": "head16.block.norm.",
        "conv_out16.conv_out.": "head16.classify.",
        "conv_out32.conv.conv.": "head32.block.conv.",
        "conv_out32.conv.bn.": "head32.block.norm.",
        "conv_out32.conv_out.": "head32.classify.",
    },
)
