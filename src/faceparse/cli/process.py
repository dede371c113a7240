"""Settings of the whole process for parsing many pictures, which a command may change but the library must not.

>>> tune_process()  # before the threads begin  # doctest: +SKIP
"""

from __future__ import annotations

from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_ARRAY = 32 << 20
"""Largest array in bytes whose memory is kept; memory of larger arrays is returned, so that peaks stay low."""
_KEPT = 128 << 20
"""Bytes of freed memory that each thread keeps."""


def tune_process() -> None:
    """Turn off OpenCV's threads, and keep a picture's memory for the next picture.

    Each thread of a run parses its own picture, so OpenCV's threads would only spin. glibc would return a
    picture's memory to the system and request it again, page by page. On systems without glibc, memory
    handling is not changed.
    """
    import ctypes

    import cv2

    cv2.setNumThreads(1)
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _ARRAY)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
