"""Stages of work on a video that run at the same time, each in its own thread, one item after the other.

>>> list(ahead(map(str, ahead(range(3)))))
['0', '1', '2']
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

from faceparse.errors import NoFaceError
from faceparse.frames.frame import Frame
from faceparse.frames.raw import RawReader
from faceparse.frames.reader import Reader
from faceparse.frames.stream import Stream
from faceparse.parser import Parser

T = TypeVar("T")

DEPTH = 3
"""Items that wait between two stages."""

_WAIT = 0.1
"""Seconds after which a stage that cannot pass on its item looks whether anybody still wants it."""


def ahead(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """Yield items in order while a thread fetches the next ones.

    An exception of the thread is raised where its item is due. When the generator is closed (`contextlib.closing`
    does it without delay), the thread ends after its item, and closes a generator that it fetches from.

    Args:
        items: The items, fetched in the thread alone.
        depth: Most items fetched but not yet taken.
    """
    queue: Queue[tuple[str, Any]] = Queue(depth)
    left = Event()

    def put(kind: str, value: object) -> bool:
        while not left.is_set():
            try:
                queue.put((kind, value), timeout=_WAIT)
                return True
            except Full:
                continue
        return False

    def fetch() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                if not put("item", item):
                    break
            else:
                put("end", None)
        except BaseException as error:  # any, or the consumer would wait for ever
            put("error", error)
        finally:
            if close := getattr(iterator, "close", None):
                close()

    thread = Thread(target=fetch, name="faceparse-ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = queue.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        left.set()
        while thread.is_alive():  # a place in the queue lets a waiting thread go on at once
            try:
                queue.get(timeout=_WAIT)
            except Empty:
                thread.join(_WAIT)


def video(
    source: str | os.PathLike[str] | Reader | RawReader, parser: Parser | None = None, *, smooth: float = 0.5
) -> Iterator[Frame]:
    """Parse a video frame by frame, in order; the next frames are decoded meanwhile.

    >>> for frame in faceparse.video("clip.mp4"):  # doctest: +SKIP
    ...     print(frame.time, frame.parsing.areas, [face.id for face in frame.faces])

    Args:
        source: Path of a video, or a reader.
        parser: The parser; by default one with the default model.
        smooth: How much the past counts, 0 (every frame by itself) to 1.

    Raises:
        MissingExtraError: PyAV is not installed.
        DataError: no such file, not a video, no video stream, an unknown codec, or no frames.
        ConfigError: `smooth` out of range.
    """
    reader = Reader(source) if isinstance(source, str | os.PathLike) else source
    stream = Stream(parser or Parser(), smooth)
    return _frames(stream, reader)


def _frames(stream: Stream, reader: Reader | RawReader) -> Iterator[Frame]:
    with closing(ahead(reader)) as pictures:
        for image, time in pictures:
            try:
                yield stream(image, time)
            except NoFaceError as error:
                raise NoFaceError(f"at {time:.2f} s: {error}") from None
