"""Foreign checkpoint formats: one file each, pure dict → dict, no torch."""

from faceparse.weights.importers.renaming import OWN, Renaming, Shapes

__all__ = ["OWN", "Renaming", "Shapes"]
