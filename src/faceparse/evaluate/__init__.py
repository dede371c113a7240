"""Evaluation of predicted label maps against ground truth."""

from faceparse.evaluate.confusion import Confusion
from faceparse.evaluate.degrade import degradation
from faceparse.evaluate.intervals import Interval, differences, intervals
from faceparse.evaluate.report import Predict, Report, evaluate, mirror_agreement
from faceparse.evaluate.scoring import Score, score

__all__ = [
    "Confusion",
    "Interval",
    "Predict",
    "Report",
    "Score",
    "degradation",
    "differences",
    "evaluate",
    "intervals",
    "mirror_agreement",
    "score",
]
