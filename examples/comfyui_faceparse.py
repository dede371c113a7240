"""ComfyUI nodes: the soft mask of parts of a face, and edits by masks.

Install faceparse into ComfyUI's Python and copy this file to ComfyUI's folder `custom_nodes`.
"""

from functools import cache
from typing import ClassVar

import numpy as np
import torch

import faceparse
from faceparse.edits import read_edit
from faceparse.errors import NoFaceError


@cache
def parser():
    return faceparse.Parser()


def names_of(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def edits_of(text):
    return [read_edit(line.strip()) for line in text.splitlines() if line.strip()]


def fault_of(read, text):
    """Return what ComfyUI's VALIDATE_INPUTS returns: True, or the fault, which it shows at the node."""
    try:
        return True if read(text) else "name one at least"
    except faceparse.FaceparseError as error:
        return str(error)


class Node:
    CATEGORY = "faceparse"
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        return {"required": {"image": ("IMAGE",), **cls.INPUTS}}


class FaceparseMask(Node):
    DESCRIPTION = "The soft mask of classes and groups: face, hair, skin, lips, eyes, brows, glasses, ears, neck, hat, cloth …"
    RETURN_TYPES = ("MASK",)
    INPUTS: ClassVar = {
        "names": ("STRING", {"default": "face, hair"}),
        **dict.fromkeys(("grow", "shrink", "feather"), ("INT", {"default": 0, "min": 0, "max": 1000})),
    }

    @classmethod
    def VALIDATE_INPUTS(cls, names):  # noqa: N802
        return fault_of(lambda text: [parser().scheme.ids(name) for name in names_of(text)], names)

    def run(self, image, names, **margins):
        """From B × H × W × 3 or 4, 0 to 1, to B × H × W, 0 to 1."""
        parsings = parser().map(list(image[..., :3]))
        masks = [parsing.mask(names_of(names), soft=True, **margins) for parsing in parsings]
        return (torch.from_numpy(np.stack(masks)),)


class FaceparseEdit(Node):
    DESCRIPTION = "Edits by masks, one a line, as `faceparse edit --list` names them."
    RETURN_TYPES = ("IMAGE",)
    INPUTS: ClassVar = {
        "edits": ("STRING", {"default": "hair=#a0522d,strength=0.8\nsoften", "multiline": True})
    }

    @classmethod
    def VALIDATE_INPUTS(cls, edits):  # noqa: N802
        return fault_of(edits_of, edits)

    def run(self, image, edits):
        """From B × H × W × 3 or 4, 0 to 1, to the same; with 4 channels where an edit makes something transparent."""
        steps, pictures = edits_of(edits), []
        for picture, parsing in zip(image, parser().map(list(image[..., :3])), strict=True):
            if not parsing.faces and any(step.private for step in steps):
                raise NoFaceError("no face found to hide: take the picture out of the batch")
            sixteen_bits = np.rint(picture.cpu().numpy().clip(0, 1) * 65535).astype(np.uint16)
            pictures.append(faceparse.edit(parsing, steps, sixteen_bits) / np.float32(65535))
        return (torch.from_numpy(np.stack(pictures)),)


NODE_CLASS_MAPPINGS = {"FaceparseMask": FaceparseMask, "FaceparseEdit": FaceparseEdit}
NODE_DISPLAY_NAME_MAPPINGS = {
    "FaceparseMask": "Face mask (faceparse)",
    "FaceparseEdit": "Face edit (faceparse)",
}
