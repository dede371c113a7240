"""Raw frames through pipes: RGB, 8 bits per channel, row by row, like FFmpeg's `rgb24`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import ConfigError, DataError
from faceparse.frames.reader import Picture, Pixels

_log = logging.getLogger(__name__)


class RawReader:
    """Reads raw RGB frames (FFmpeg's `rgb24`) from a stream, such as stdin; for use in place of a `Reader`, without sound.

    Args:
        stream: Binary stream.
        size: Height and width in pixels.
        rate: Frames per second.

    Raises:
        ConfigError: a size or rate that is not positive.
        DataError: the stream holds less than one frame.
    """

    path: Path | None = None
    aspect = Fraction(1)
    count = 0
    start = 0.0

    def __init__(self, stream: IO[bytes], size: tuple[int, int], rate: Fraction) -> None:
        if min(size) < 1 or rate <= 0:
            raise ConfigError(f"raw frames have a size and a rate above 0, got {size} and {rate}")
        self.size, self.rate, self.time_base = size, rate, 1 / rate
        self._stream = stream
        self._first = self._read()
        if self._first is None:
            raise DataError(f"no whole frame of {size[1]}x{size[0]} × 3 bytes came from the stream")

    def _read(self) -> Pixels | None:
        height, width = self.size
        data = bytearray()
        while len(data) < height * width * 3:
            part = self._stream.read(height * width * 3 - len(data))
            if not part:
                break
            data += part
        if len(data) == height * width * 3:
            return np.frombuffer(bytes(data), np.uint8).reshape(height, width, 3)
        if data:
            _log.warning("warning: the last frame of the stream is cut short (%d bytes): left out", len(data))
        return None

    def __iter__(self) -> Iterator[Picture]:
        image, number = self._first, 0
        while image is not None:
            yield Picture(image, float(number / self.rate))
            image, number = self._read(), number + 1

    def close(self) -> None:
        """Do nothing: the stream stays open."""


class RawWriter:
    """Writes raw frames to a stream, such as stdout: the bytes of each array, without times.

    Args:
        stream: Binary stream.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __enter__(self) -> RawWriter:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def write(self, frame: NDArray[np.uint8], time: float | None = None) -> None:
        """Write a frame's bytes at once; `time` has no effect."""
        self._stream.write(np.ascontiguousarray(frame).data)
        self._stream.flush()
