"""What halving large pictures before they are resampled does to labels: mean F1 of both ways, and their agreement.

    python benchmarks/halving.py ROOT --scheme maskgan19 [--model default] [--split val] [--pictures 100] [--grain 6]

Labelled portraits are enlarged to 1024² and get grain, for enlarged pictures have no detail of their own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data import open_dataset
from faceparse.engines import open_engine
from faceparse.evaluate import Confusion
from faceparse.faces.views import whole_view
from faceparse.labels import conversion, scheme
from faceparse.results import render_labels
from faceparse.weights.preprocessing import RESAMPLING

SIDE = 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("root", type=Path)
    options.add_argument("--scheme", required=True)
    options.add_argument("--model", default="default")
    options.add_argument("--split", default="val")
    options.add_argument("--pictures", type=int, default=100)
    options.add_argument("--grain", type=float, default=6, help="standard deviation, of 255")
    chosen = options.parse_args()
    engine = open_engine(chosen.model)
    card, ask = engine.card, engine.card.input
    data = open_dataset("folder", chosen.root, chosen.split, chosen.scheme)
    table = conversion(scheme(chosen.scheme), card.label_scheme).table
    scores = {name: Confusion(card.label_scheme) for name in ("one step", "halved first")}
    rng = np.random.default_rng(0)
    equal = []
    for i in range(chosen.pictures):
        sample = data[i * len(data) // chosen.pictures]
        large = np.asarray(Image.fromarray(sample.image).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
        large = np.clip(large + rng.normal(0, chosen.grain, large.shape), 0, 255).astype(np.uint8)
        one_step = Image.fromarray(large).resize(ask.size[::-1], RESAMPLING[ask.interpolation])
        found = []
        for name, image in (("one step", np.asarray(one_step)), ("halved first", ask.resize(large))):
            logits = engine.run({"image": ask.normalise(image)})["logits"][0]
            size = sample.labels.shape
            found.append(render_labels([whole_view(logits, card, size, 0)], size))
            scores[name].update(found[-1], table[sample.labels])
        equal.append((found[0] == found[1]).mean())
    for name, score in scores.items():
        print(f"{name}: mean F1 {100 * score.mean_f1:.2f}")
    print(f"{100 * np.mean(equal):.2f} % of pixels have the same label ({chosen.pictures} pictures)")


if __name__ == "__main__":
    main()
