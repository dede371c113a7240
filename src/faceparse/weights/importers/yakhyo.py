"""BiSeNet checkpoints of github.com/yakhyo/face-parsing: `resnet18.pt`, `resnet34.pt`, `.ckpt`."""

from __future__ import annotations

from faceparse.weights.importers.renaming import Renaming

YAKHYO = Renaming(
    {
        "fpn.backbone.": "trunk.",
        "fpn.conv_avg.": "context.",
        **{f"fpn.arm{stride}.conv_block.": f"refine{stride}.block." for stride in (16, 32)},
        **{f"fpn.arm{stride}.attention.0.": f"refine{stride}.gate.conv." for stride in (16, 32)},
        **{f"fpn.arm{stride}.attention.1.": f"refine{stride}.gate.norm." for stride in (16, 32)},
        **{f"fpn.conv_head{stride}.": f"smooth{stride}." for stride in (16, 32)},
        "ffm.conv_block.": "fuse.block.",
        "ffm.conv1.": "fuse.squeeze.",
        "ffm.conv2.": "fuse.excite.",
        **{f"conv_out{stride}.conv_block.": f"head{stride}.block." for stride in ("", 16, 32)},
        **{f"conv_out{stride}.conv.": f"head{stride}.classify." for stride in ("", 16, 32)},
    },
    unused=("fpn.backbone.fc.",),  # the ImageNet classifier
)
