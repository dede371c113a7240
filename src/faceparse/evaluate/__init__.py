"""Figures of label maps against ground truth."""

from faceparse.evaluate.confusion import Confusion
from faceparse.evaluate.flips import mirror_agreement
from faceparse.evaluate.intervals import Interval, differences, intervals
from faceparse.evaluate.report import Predict, Report, evaluate

__all__ = [
    "Confusion",
    "Interval",
    "Predict",
    "Report",
    "differences",
    "evaluate",
    "intervals",
    "mirror_agreement",
]
