"""Run the steps of work on a video at the same time, each step in its own thread.

>>> list(ahead(map(str, ahead(range(3)))))
['0', '1', '2']
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from faceparse.errors import NoFaceError
from faceparse.frames.finder import Step
from faceparse.frames.frame import Frame
from faceparse.frames.reader import Reader
from faceparse.frames.stream import Stream, Task
from faceparse.parser import Parser

T = TypeVar("T")

DEPTH = 3
"""Most items that wait between two steps."""

_WAIT = 0.1
"""Seconds after which a step with a full queue checks whether its consumer is still there."""


def ahead(items: Iterable[T], depth: int = DEPTH) -> Generator[T, None, None]:
    """Yield items in order while a thread fetches the next ones.

    If fetching an item raises, the exception is raised here in the item's place. When this generator is closed
    (`contextlib.closing` closes it at once), the thread finishes its item, and closes `items` if that is a generator.

    Args:
        items: The items; only the thread iterates over them.
        depth: Most items that wait, fetched but not yet taken.
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
    source: str | os.PathLike[str] | Iterable[tuple[NDArray[np.uint8], float]],
    parser: Parser | None = None,
    *,
    smooth: float = 0.5,
) -> Generator[Frame, None, None]:
    """Parse a video frame by frame, in order.

    Threads decode and find the faces of the next frames, and parse as many frames at a time as the parser has `workers`;
    on the CPU a parser with `threads=1` then loses no time between its threads.

    >>> for frame in faceparse.video("clip.mp4"):  # doctest: +SKIP
    ...     print(frame.time, frame.parsing.areas, [face.id for face in frame.faces])

    Args:
        source: Path of a video, a reader, or other frames: each an RGB uint8 picture and its time in seconds.
        parser: The parser; by default one with the default model and one thread for each run.
        smooth: Weight of the frames before, 0 (each frame is parsed by itself) to 1.

    Raises:
        MissingExtraError: PyAV is not installed.
        DataError: the file does not exist, is no video, has an unknown codec, or has no frames.
        ConfigError: `smooth` out of range.
    """
    frames = Reader(source) if isinstance(source, str | os.PathLike) else source
    stream = Stream(parser or Parser(threads=1), smooth)
    return _frames(stream, frames)


def _frames(
    stream: Stream, frames: Iterable[tuple[NDArray[np.uint8], float]]
) -> Generator[Frame, None, None]:
    workers = stream.parser.workers
    tasks: deque[Task] = deque()
    with closing(ahead(_steps(stream, frames))) as steps, ThreadPoolExecutor(workers) as pool:
        try:
            for step in steps:
                with _at(step):
                    tasks.append(stream.begin(step, pool.submit))
                if len(tasks) > workers + 1:
                    yield _finished(stream, tasks.popleft())
            while tasks:
                yield _finished(stream, tasks.popleft())
        finally:
            for task in tasks:
                task.parsing.cancel()


def _steps(stream: Stream, frames: Iterable[tuple[NDArray[np.uint8], float]]) -> Iterator[Step]:
    with closing(ahead(frames)) as pictures:
        for image, time in pictures:
            yield stream.find(image, time)


def _finished(stream: Stream, task: Task) -> Frame:
    with _at(task.step):
        return stream.finish(task)


@contextmanager
def _at(step: Step) -> Iterator[None]:
    """Name the time of a frame in which no face is found."""
    try:
        yield
    except NoFaceError as error:
        raise NoFaceError(f"at {step.time:.2f} s: {error}") from None
