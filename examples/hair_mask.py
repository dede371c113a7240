"""A mask in three lines, and a soft one for blending.

python examples/hair_mask.py examples/collins.jpg hair.png
"""

import sys

import numpy as np
from PIL import Image

import faceparse

parsing = faceparse.parse(sys.argv[1])
hair = parsing.mask("hair", soft=True)
Image.fromarray((255 * hair).astype(np.uint8)).save(sys.argv[2])

for name, share in parsing.areas.items():
    print(f"{name:12} {100 * share:5.1f} %")
