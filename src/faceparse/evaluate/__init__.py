"""Figures of label maps against ground truth."""

from faceparse.evaluate.confusion import Confusion
from faceparse.evaluate.report import Report, evaluate

__all__ = ["Confusion", "Report", "evaluate"]
