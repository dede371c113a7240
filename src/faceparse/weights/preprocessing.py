"""Convert an RGB picture to a network's input; all resizing and normalising is here.

>>> import numpy as np
>>> Preprocessing(size=(512, 512))(np.zeros((700, 500, 3), np.uint8)).shape
(1, 3, 512, 512)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.errors import WeightsError
from faceparse.tables import between, one_of

HALVING = 2.2
"""A picture at least this many times larger than the input is halved before resampling: averaging four pixels
costs a twentieth of resampling them. A factor of exactly 2, as from CelebA-HQ's 1024² to 512², is resampled
in one step, as in the published programs."""

RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

Side = Annotated[int, between(1, 1 << 15)]
Mean = Annotated[float, between(-1e6, 1e6)]
Factor = Annotated[float, between(1e-6, 1e6)]
Channels = Annotated[str, one_of(("RGB", "BGR"))]
Interpolation = Annotated[str, one_of(RESAMPLING)]


@dataclass(frozen=True)
class Preprocessing:
    """The preprocessing of a network's input, from the model's card.

    Attributes:
        size: Input height and width in pixels.
        mean: Mean of each channel, in the order of `channels`, on the range of `scale`.
        std: Standard deviation of each channel, in the order of `channels`, on the range of `scale`.
        interpolation: `bilinear` or `bicubic`, antialiased as in Pillow.
        channels: `RGB` or `BGR`, the channel order of the input.
        scale: Value that stands for 255 before mean and std: 1 for networks with input 0 to 1, 255 for 0 to
            255.
        multiple: Number that divides the sides of every input, for networks that support other sizes than
            `size`.
        warp: `lapa` for networks that take pictures warped by face landmarks, as SegFace on LaPa; else empty.
    """

    size: tuple[Side, Side]
    mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    std: tuple[Factor, Factor, Factor] = (0.229, 0.224, 0.225)
    interpolation: Interpolation = "bilinear"
    channels: Channels = "RGB"
    scale: Factor = 1.0
    multiple: Side = 1
    warp: Annotated[str, one_of(("lapa", ""))] = ""

    def __post_init__(self) -> None:
        if any(side % self.multiple for side in self.size):
            raise WeightsError(f"multiple must divide both sides of size {self.size}; got {self.multiple}")

    def resize(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize an RGB picture (H × W × 3 uint8) to `size`, antialiased; unchanged if it has that size."""
        if image.shape[:2] == tuple(self.size):
            return image
        height, width = self.size
        if image.shape[0] >= HALVING * height and image.shape[1] >= HALVING * width:
            image = _halved(image)
        return np.asarray(Image.fromarray(image).resize((width, height), RESAMPLING[self.interpolation]))

    def normalise(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Convert RGB uint8 H × W × 3 to float32 1 × 3 × H × W: (scale · v / 255 − mean) / std."""
        planes = np.empty((1, 3, *image.shape[:2]), np.float32)
        for i in range(3):
            source = image[..., i if self.channels == "RGB" else 2 - i]
            factor = self.scale / 255 / self.std[i]
            np.multiply(source, np.float32(factor), out=planes[0, i], casting="unsafe")
            planes[0, i] -= np.float32(self.mean[i] / self.std[i])
        return planes

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Resize, then normalise."""
        return self.normalise(self.resize(image))


def _halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    half = (image.shape[1] // 2, image.shape[0] // 2)
    return np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
