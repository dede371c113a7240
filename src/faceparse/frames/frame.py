"""A frame of a video, parsed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparse.results import Face, Parsing


@dataclass(frozen=True)
class Frame:
    """A frame of a video, parsed.

    >>> for frame in faceparse.video("clip.mp4"):  # doctest: +SKIP
    ...     print(frame.time, [face.id for face in frame.faces])

    Args:
        parsing: The frame's parsing; its faces have their `Face.id`.
        time: Presentation time in seconds, from the beginning of the video.
    """

    parsing: Parsing
    time: float

    @property
    def image(self) -> NDArray[np.uint8]:
        """The frame, RGB uint8, H × W × 3, upright."""
        return self.parsing.image

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces, each with its `Face.id`."""
        return self.parsing.faces
