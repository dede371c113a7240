"""Left and right: whether a model says the same of a picture and of its mirror image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from faceparse.data import Sample
from faceparse.data.landmarks import five_points, mirror
from faceparse.evaluate.confusion import Confusion
from faceparse.evaluate.report import Predict
from faceparse.labels import Scheme


def mirror_agreement(predict: Predict, samples: Iterable[Sample], scheme: Scheme) -> dict[str, float]:
    """How well a model tells left from right: F1 between its labels of a picture and of the mirrored picture.

    >>> mirror_agreement(predict, dataset, scheme("celebamask19"))["l_eye"]  # doctest: +SKIP
    97.4

    Args:
        predict: A sample → labels H × W uint8 in `scheme`; a mirrored sample has five landmarks or none.
        samples: A data set, or any part of it; its labels are not looked at.
        scheme: Scheme of the predictions.

    Returns:
        F1, 0 to 100, of each left and right class that occurs. A model that tells left and right by chance gets 50.
    """
    confusion = Confusion(scheme)
    for sample in samples:
        confusion.update(scheme.flip(predict(_mirrored(sample))), predict(sample))
    scores = 100 * confusion.f1
    sided = sorted({i for pair in scheme.pairs for i in pair})
    return {scheme.classes[i]: float(scores[i]) for i in sided if not np.isnan(scores[i])}


def _mirrored(sample: Sample) -> Sample:
    points = sample.landmarks
    if points is not None:
        points = mirror(five_points(points), sample.image.shape[1])
    return replace(sample, image=np.ascontiguousarray(sample.image[:, ::-1]), landmarks=points)
