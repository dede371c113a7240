"""Pictures: convert every accepted input to upright RGB uint8."""

from faceparse.pictures.reader import SUFFIXES, PictureSource, read_picture, read_values

__all__ = ["SUFFIXES", "PictureSource", "read_picture", "read_values"]
