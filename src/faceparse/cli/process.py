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
    """Leave the cores to the threads that take a picture each, and their memory to the next picture.

    OpenCV's own threads would wait beside them for work, spinning. And glibc gives what a picture took back to the
    system, only to ask for it again, page by page. Where there is no glibc, memory is handled as before.
    """
    import ctypes

    import cv2

    cv2.setNumThreads(1)
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _ARRAY)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
