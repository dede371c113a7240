"""Foreign checkpoint formats: one file each, pure dict → dict, no torch."""

from faceparse.weights.importers.form import Form, Shapes
from faceparse.weights.importers.renaming import OWN, Renaming

__all__ = ["OWN", "Form", "Renaming", "Shapes"]
