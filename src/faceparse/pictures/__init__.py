"""Pictures: whatever a user hands in becomes RGB uint8, upright."""

from faceparse.pictures.reader import SUFFIXES, PictureSource, read_picture, read_values

__all__ = ["SUFFIXES", "PictureSource", "read_picture", "read_values"]
