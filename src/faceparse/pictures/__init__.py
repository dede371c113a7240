"""Pictures: whatever a user hands in becomes RGB uint8, upright."""

from faceparse.pictures.reader import read_picture

__all__ = ["read_picture"]
