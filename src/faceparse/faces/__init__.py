"""Faces in a photo: detection, alignment, and the choice of the parts of the picture that the network gets."""

from faceparse.faces.detector import Detection, Detector
from faceparse.faces.looks import MODES, Look, Plan, plan
from faceparse.faces.yunet import YuNet
from faceparse.results.square import Square, crop

__all__ = ["MODES", "Detection", "Detector", "Look", "Plan", "Square", "YuNet", "crop", "plan"]
