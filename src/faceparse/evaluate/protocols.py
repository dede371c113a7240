"""At which resolution a prediction meets its label map.

`label`: logits are brought to the label map's size before they are compared (FaRL). `input`: the label map
is brought to the network's input size by nearest neighbour, and the prediction is made there (SegFace). Figures
of the two are not comparable, nor those of `input` across input sizes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data import Sample

PROTOCOLS = ("label", "input")


def at_input(sample: Sample, image: NDArray[np.uint8]) -> Sample:
    """A sample at the network's input size, landmarks included.

    Args:
        sample: As its data set gives it.
        image: Its picture, resized as the model's card says: RGB uint8 h × w × 3.
    """
    height, width = image.shape[:2]
    labels = cv2.resize(sample.labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    points = sample.landmarks
    if points is not None:
        points = points * np.array([width, height]) / np.array(sample.image.shape[1::-1])
    return Sample(sample.name, image, np.asarray(labels, np.uint8), points)
