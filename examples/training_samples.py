"""Look at what training shows a network of one photo: a hundred random samples, by a recipe.

python examples/training_samples.py photo.jpg samples.jpg default-tune

The labels that the samples need are the default model's. Things pasted from other portraits are left out. Needs the extra
`train`.
"""

import sys

import numpy as np
from PIL import Image

import faceparse
from faceparse.train.augment import augment
from faceparse.train.settings import read_settings

ROWS, SIDE = 10, 100

photo, out, recipe = sys.argv[1:4]
settings = read_settings(["--recipe", recipe, "--data.root", "."])
parsing = faceparse.parse(photo)
labels = parsing.to(settings.scheme)
samples = [
    augment(
        labels.image,
        labels.labels,
        4 * SIDE,
        settings.augmentation,
        labels.scheme,
        np.random.default_rng([0, i]),
    ).image
    for i in range(ROWS * ROWS)
]
tiles = [np.asarray(Image.fromarray(s).resize((SIDE, SIDE), Image.Resampling.BOX)) for s in samples]
sheet = np.vstack([np.hstack(tiles[i : i + ROWS]) for i in range(0, len(tiles), ROWS)])
Image.fromarray(sheet).save(out, quality=55)
print(f"{out}: {len(tiles)} samples of {photo} by {recipe}")
