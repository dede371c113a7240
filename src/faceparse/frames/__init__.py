"""Video: frames in, their parsings, frames out.

>>> with Writer("out.mp4", like=Reader("clip.mp4")) as writer:  # doctest: +SKIP
...     for frame in video("clip.mp4"):
...         writer.write(frame.parsing.overlay(), frame.time)
"""

from faceparse.frames.cover import cover
from faceparse.frames.folder import FolderWriter
from faceparse.frames.frame import Frame
from faceparse.frames.lines import LineWriter
from faceparse.frames.pipeline import ahead, video
from faceparse.frames.raw import RawReader, RawWriter
from faceparse.frames.reader import Picture, Reader
from faceparse.frames.steady import Steady
from faceparse.frames.stream import Stream
from faceparse.frames.writer import Writer

__all__ = [
    "FolderWriter",
    "Frame",
    "LineWriter",
    "Picture",
    "RawReader",
    "RawWriter",
    "Reader",
    "Steady",
    "Stream",
    "Writer",
    "ahead",
    "cover",
    "video",
]
