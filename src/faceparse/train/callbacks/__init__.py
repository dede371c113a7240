"""What happens around the steps of a training run: one file each."""

from faceparse.train.callbacks.average import Average
from faceparse.train.callbacks.epochs import Epochs
from faceparse.train.callbacks.keep import KeepBest, KeepLast, WholeFiles
from faceparse.train.callbacks.pictures import Pictures
from faceparse.train.callbacks.profile import StepProfile
from faceparse.train.callbacks.stop import StopBetweenSteps

__all__ = [
    "Average",
    "Epochs",
    "KeepBest",
    "KeepLast",
    "Pictures",
    "StepProfile",
    "StopBetweenSteps",
    "WholeFiles",
]
