"""Foreign checkpoint formats, one file each: plain functions from state dict to state dict, without torch."""

from faceparse.weights.importers.renaming import OWN, Renaming, Shapes

__all__ = ["OWN", "Renaming", "Shapes"]
