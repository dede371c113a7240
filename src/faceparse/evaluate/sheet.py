"""A contact sheet of the worst pictures of each class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparse.data import Dataset
from faceparse.draw.colours import colours
from faceparse.draw.legend import colour_strip
from faceparse.draw.sheet import contact_sheet
from faceparse.evaluate.report import Predict, Report
from faceparse.labels import conversion

SIDE = 192


def worst_sheet(
    report: Report, dataset: Dataset, predict: Predict, each: int = 3, sides: str = "subject"
) -> NDArray[np.uint8]:
    """Draw picture, true labels and prediction of the worst pictures of each counted class, one row per class.

    A legend of the colours is at the bottom.

    >>> worst_sheet(report, dataset, predict).shape[2]  # doctest: +SKIP
    3

    Args:
        report: The report on this data set.
        dataset: The data set.
        predict: Function from a sample to labels, H × W uint8 in the report's scheme.
        each: Number of pictures per class, side by side in a row. A class in fewer pictures leaves places
            empty; a class in no picture has no row.
        sides: The `sides` with which the report was made; see `evaluate`.

    Returns:
        The sheet, RGB uint8.
    """
    places = {str(name): i for i, name in enumerate(dataset.names)}
    convert = conversion(dataset.scheme, report.scheme, sides)

    worst = {name: pictures for name in report.f1 if (pictures := report.worst(name, each))}
    columns = max((len(pictures) for pictures in worst.values()), default=1)

    def tiles() -> Iterator[tuple[NDArray[np.uint8], str] | None]:
        for name, pictures in worst.items():
            for picture, score in pictures.items():
                sample = dataset[places[picture]]
                maps = [colours(m, report.scheme) for m in (convert(sample.labels), predict(sample))]
                shown = np.hstack([sample.image, *maps])
                yield shown, f"{name} {score:.0f}: {Path(picture).name}, labels, prediction"
            yield from [None] * (columns - len(pictures))

    sheet = contact_sheet(tiles(), columns, side=3 * SIDE)
    return np.vstack([sheet, colour_strip(report.scheme, sheet.shape[1])])
