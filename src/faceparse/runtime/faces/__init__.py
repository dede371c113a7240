"""Faces in an ordinary photo: find them, align them, and decide what the network looks at."""

from faceparse.runtime.faces.align import Square, crop
from faceparse.runtime.faces.detector import Detection, Detector
from faceparse.runtime.faces.plan import MODES, Look, Plan, plan
from faceparse.runtime.faces.yunet import YuNet

__all__ = ["MODES", "Detection", "Detector", "Look", "Plan", "Square", "YuNet", "crop", "plan"]
