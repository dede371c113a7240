"""Video: frames in, their parsings, frames out."""

from faceparse.frames.frame import Frame

__all__ = ["Frame"]
