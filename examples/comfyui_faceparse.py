"""ComfyUI nodes: the soft mask of parts of a face, and edits by masks.

Install faceparse into ComfyUI's Python and copy this file to ComfyUI's folder `custom_nodes`.
"""

from functools import cache

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


class FaceparseMask:
    CATEGORY = "faceparse"
    DESCRIPTION = "The soft mask of classes and groups: face, hair, skin, lips, eyes, brows, glasses, ears, neck, hat, cloth …"
    FUNCTION = "mask"
    RETURN_TYPES = ("MASK",)

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        pixels = {"default": 0, "min": 0, "max": 1000}
        return {
            "required": {
                "image": ("IMAGE",),
                "names": ("STRING", {"default": "face, hair"}),
                "grow": ("INT", pixels),
                "shrink": ("INT", pixels),
                "feather": ("INT", pixels),
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, names):  # noqa: N802
        return fault_of(lambda text: [parser().scheme.ids(name) for name in names_of(text)], names)

    def mask(self, image, names, grow=0, shrink=0, feather=0):
        """From B × H × W × 3 or 4, 0 to 1, to B × H × W, 0 to 1."""
        masks = [
            parsing.mask(names_of(names), soft=True, grow=grow, shrink=shrink, feather=feather)
            for parsing in parser().map(list(image[..., :3]))
        ]
        return (torch.from_numpy(np.stack(masks)),)


class FaceparseEdit:
    CATEGORY = "faceparse"
    DESCRIPTION = "Edits by masks, one a line, as `faceparse edit --list` names them."
    FUNCTION = "edit"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):  # noqa: N802
        lines = "hair=#a0522d,strength=0.8\nsoften"
        return {"required": {"image": ("IMAGE",), "edits": ("STRING", {"default": lines, "multiline": True})}}

    @classmethod
    def VALIDATE_INPUTS(cls, edits):  # noqa: N802
        return fault_of(edits_of, edits)

    def edit(self, image, edits):
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
