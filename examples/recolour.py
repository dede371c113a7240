"""Virtual make-up: lips and hair in another colour, light and shade kept, edges as soft as the masks.

python examples/recolour.py examples/collins.jpg made-up.png lips=b0103a hair=6a1fb0
"""

import sys

import cv2
import numpy as np
from PIL import Image

import faceparse
from faceparse.pictures import read_picture

STRENGTH = 0.75
"""How far hue and saturation go towards the new colour, 0 to 1."""


def recoloured(image: np.ndarray, amount: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """RGB uint8 `image` tinted with `colour` where `amount` (H × W, 0 to 1) says; its lightness stays."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    aim = cv2.cvtColor(np.float32([[colour]]) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    lab[..., 1:] += amount[..., None] * (aim[1:] - lab[..., 1:])
    return np.rint(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1)).astype(np.uint8)


image = read_picture(sys.argv[1])
parsing = faceparse.parse(image)
for word in sys.argv[3:]:
    part, _, digits = word.partition("=")
    red, green, blue = bytes.fromhex(digits)
    image = recoloured(image, STRENGTH * parsing.mask(part, soft=True), (red, green, blue))
    print(f"{part}: {100 * parsing.mask(part).mean():.1f} % of the picture")
Image.fromarray(image).save(sys.argv[2])
