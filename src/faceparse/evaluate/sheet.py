"""The worst pictures of each class, to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data import Dataset
from faceparse.draw.colours import coloured
from faceparse.draw.sheet import contact_sheet
from faceparse.evaluate.report import Predict, Report
from faceparse.labels import conversion

SIDE = 192


def worst_sheet(report: Report, dataset: Dataset, predict: Predict, each: int = 3) -> NDArray[np.uint8]:
    """Picture, true labels and prediction of the worst pictures of every counted class.

    >>> worst_sheet(report, dataset, predict).shape[2]  # doctest: +SKIP
    3

    Args:
        report: Of this data set.
        dataset: The pictures that were counted.
        predict: A sample → labels H × W uint8 in the report's scheme.
        each: Pictures a class; a row holds them side by side.

    Returns:
        RGB uint8.
    """
    places = {str(name): i for i, name in enumerate(dataset.names)}
    convert = conversion(dataset.scheme, report.scheme)

    def tiles() -> Iterator[tuple[NDArray[np.uint8], str]]:
        for name in report.f1:
            for picture in report.worst(name, each):
                sample = dataset[places[picture]]
                score = _score(report, name, picture)
                maps = [coloured(m, report.scheme) for m in (convert(sample.labels), predict(sample))]
                shown = np.hstack([sample.image, *maps])
                yield shown, f"{name} {score:.0f}: {Path(picture).name}, labels, prediction"

    return contact_sheet(tiles(), columns=each, side=3 * SIDE)


def _score(report: Report, name: str, picture: str) -> float:
    overlap, predicted, true = report.counts[report.names.index(picture), report.scheme.id(name)]
    return 200 * float(overlap) / float(predicted + true)
