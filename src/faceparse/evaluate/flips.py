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
    """F1 between a model's labels of pictures and its labels of their mirror images, mirrored back.

    >>> mirror_agreement(predict, dataset, scheme("celebamask19"))["l_eye"]  # doctest: +SKIP
    97.4

    Args:
        predict: A sample → labels H × W uint8 in `scheme`; mirrored ones have five landmarks at most.
        samples: A data set, or any part of it; its labels are not looked at.
        scheme: Scheme of the predictions.

    Returns:
        Class → 0 to 100, of every class that has a side and occurs; a model that takes sides at random gets 50.
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
