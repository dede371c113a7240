"""Settings of the whole process for many pictures at a time: a command may change them, the library must not.

>>> tune_process()  # before the threads begin  # doctest: +SKIP
"""

from __future__ import annotations

from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_ARRAY = 32 << 20
"""Bytes of the largest array whose memory is kept; larger ones go back to the system, so that peaks stay low."""
_KEPT = 128 << 20
"""Bytes that each thread keeps of what it has freed."""


def tune_process() -> None:
    """Give OpenCV no threads, and keep a picture's memory for the next one.

    Each of our threads takes a picture; OpenCV's threads would only spin beside them. glibc would return a
    picture's memory to the system and ask for it again, page by page. Without glibc the memory is left as it
    is.
    """
    import ctypes

    import cv2

    cv2.setNumThreads(1)
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _ARRAY)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
