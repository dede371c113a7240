"""Comparison of models on the same photos, to look at: masks, times and disagreement.

>>> import faceparse
>>> comparison = faceparse.compare(["a.jpg", "b.jpg"], ["default", "mine.onnx"])  # doctest: +SKIP
>>> comparison.differ[1].round(1)  # per cent of each photo's pixels  # doctest: +SKIP
array([3.2, 2.7])
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faceparse.data import Sample
from faceparse.draw.legend import colour_strip
from faceparse.draw.overlay import overlay
from faceparse.draw.sheet import contact_sheet
from faceparse.draw.tints import tints
from faceparse.errors import ConfigError, display_name
from faceparse.evaluate.report import evaluate
from faceparse.labels import Scheme
from faceparse.labels import scheme as find_scheme
from faceparse.parser import AUTO, Parser
from faceparse.pictures.reader import PictureSource, read_picture

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`; arrays have a row for each model and a column for each photo.

    Attributes:
        models: The models' names.
        scheme: The scheme in which the models are compared.
        seconds: Time from the decoded picture to its label map, one picture at a time.
        differ: Percentage of pixels, 0 to 100, whose label differs from the first model's.
        f1: Mean F1 against the true label map, 0 to 100, over the classes in the picture; NaN without a label
            map.
        sheet: The photos, with each model's overlays below, RGB uint8.
    """

    models: tuple[str, ...]
    scheme: Scheme
    seconds: NDArray[np.float64]
    differ: NDArray[np.float64]
    f1: NDArray[np.float64]
    sheet: NDArray[np.uint8]


def compare(
    photos: Sequence[PictureSource],
    models: Sequence[str | Path | Parser],
    *,
    labels: Sequence[Labels | None] | None = None,
    labels_scheme: str | Scheme = "celebamask19",
    scheme: str | Scheme | None = AUTO,
    faces: str = "auto",
    device: str = "auto",
    side: int = 256,
    progress: Callable[[str, int, int], None] | None = None,
) -> Comparison:
    """Parse photos with several models, and draw a row for each model and a column for each photo.

    Args:
        photos: Pictures, in any form that `Parser.parse` takes.
        models: Ids or files of models, or parsers of one scheme.
        labels: True label map of each photo, H × W, or None; it is resized to the photo's size.
        labels_scheme: Scheme of these label maps.
        scheme: Scheme of the results, as for `Parser`; the default is chosen for the first model.
        faces: As for `Parser`.
        device: As for `Parser`.
        side: Maximal longer side of a picture in the sheet, px.
        progress: Function that takes `comparing`, the number of photos done, and the number of all photos.

    Raises:
        ConfigError: no photo, no model, or not as many label maps as photos.
        LabelError: a model's scheme or the label maps' scheme does not convert to the scheme of the results.
        WeightsError, EngineError, ImageError, NoFaceError: as for `Parser`.
    """
    maps = [None] * len(photos) if labels is None else labels
    if not photos or not models or len(maps) != len(photos):
        raise ConfigError(
            f"compare needs photos, models, and no label maps or one for each photo; got {len(photos)}, {len(models)}, {len(maps)}"
        )
    parsers: list[Parser] = []
    for model in models:
        target = parsers[0].scheme if parsers else scheme
        if not isinstance(model, Parser):
            model = Parser(model, scheme=target, faces=faces, device=device)
        parsers.append(model)
    common, source = parsers[0].scheme, find_scheme(labels_scheme)
    seconds, differ, f1 = (np.full((len(parsers), len(photos)), np.nan) for _ in range(3))
    rows: list[list[tuple[NDArray[np.uint8], str]]] = [[] for _ in range(len(parsers) + 1)]
    for column, (photo, truth) in enumerate(zip(photos, maps, strict=True)):
        image = read_picture(photo)
        name = Path(photo).name if isinstance(photo, str | Path) else f"photo {column + 1}"
        rows[0].append((image, display_name(name)))
        first: Labels | None = None
        for row, parser in enumerate(parsers):
            if column == 0:
                _ = parser.parse(image).labels  # a network's first run is slower than all others
            began = time.perf_counter()
            answer = parser.parse(image).labels
            seconds[row, column] = time.perf_counter() - began
            first = answer if first is None else first
            differ[row, column] = 100 * float((answer != first).mean())
            words = [f"{1000 * seconds[row, column]:.0f} ms"]
            words += [f"{differ[row, column]:.1f} % differ"] if row else []
            if truth is not None:
                fitted = cv2.resize(truth, image.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
                sample = Sample(name, image, np.asarray(fitted, np.uint8))
                f1[row, column] = evaluate(partial(_answer, answer), [sample], source, common).mean_f1
                words.append(f"F1 {f1[row, column]:.1f}")
            rows[row + 1].append((overlay(image, answer, common), f"{parser.card.name}\n{', '.join(words)}"))
        if progress is not None:
            progress("comparing", column + 1, len(photos))
    sheet = contact_sheet([tile for row in rows for tile in row], len(photos), side)
    strip = colour_strip(tints(common), max(sheet.shape[1], side))
    sheet = np.pad(sheet, ((0, 0), (0, strip.shape[1] - sheet.shape[1]), (0, 0)), constant_values=255)
    names = tuple(parser.card.name for parser in parsers)
    return Comparison(names, common, seconds, differ, f1, np.vstack([sheet, strip]))


def _answer(answer: Labels, sample: Sample) -> Labels:
    return answer
