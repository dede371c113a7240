"""The work of a process: one model, a few threads, a bounded queue, a time limit.

Pictures in work at the same time share runs of the network (`engines.batching`) where batches gain something.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import TypeVar

import numpy as np

from faceparse.engines import Engine, open_engine
from faceparse.engines.batching import Batched
from faceparse.errors import NoFaceError
from faceparse.parser import Parser
from faceparse.pictures.reader import read_size
from faceparse.results import Parsing
from faceparse.serve.problems import Problem, full
from faceparse.serve.queries import ParserOptions
from faceparse.serve.settings import Settings

T = TypeVar("T")


class Work:
    """Parses pictures in threads, with one model for all options.

    Args:
        settings: Model and limits.
        engine: In place of the settings' model.

    Raises:
        FaceparseError: as `Parser`.
    """

    def __init__(self, settings: Settings, engine: Engine | None = None) -> None:
        self._settings = settings
        engine = engine or open_engine(
            settings.model,
            engine=settings.engine,
            device=settings.device,
            card=settings.card,
            threads=1,  # each picture has its thread
        )
        first = Parser(
            engine, batch=settings.batch, input_size=settings.input_size, max_pixels=settings.max_pixels
        )
        self.card, self.description = first.card, engine.description
        shared = engine if first.batch == 1 else Batched(engine, first.batch)

        @lru_cache(maxsize=64)
        def parser(options: ParserOptions) -> Parser:
            return Parser(
                shared,
                batch=first.batch,
                input_size=settings.input_size,
                max_pixels=settings.max_pixels,
                detector=first.detector,
                **options._asdict(),
            )

        self.parser = parser
        self.threads = max(1, first.workers // settings.workers)
        self._pool = ThreadPoolExecutor(self.threads, "faceparse")
        self._numbers = count()
        self._begun: dict[int, float] = {}
        self._jobs = 0
        with suppress(NoFaceError):  # from a model that takes faces alone
            first.parse(np.zeros((64, 64, 3), np.uint8))  # the first run of a network is slow

    @property
    def is_full(self) -> bool:
        """Whether the next picture would be refused."""
        return self._jobs >= self.threads + self._settings.queue

    @property
    def is_stuck(self) -> bool:
        """Whether a picture has been in work for twice the time limit: its thread may never end."""
        late = time.monotonic() - 2 * self._settings.timeout
        return any(begun < late for begun in list(self._begun.values()))

    def parse(self, picture: bytes, options: ParserOptions) -> Parsing:
        """Parse an encoded picture, in the thread of a job.

        Raises:
            Problem: more pixels than a picture may have.
            FaceparseError: as `Parser` and `Parser.parse`.
        """
        height, width = read_size(picture)
        if height * width > self._settings.max_pixels:
            words = f"a picture has up to {self._settings.max_pixels:,} pixels here; got {width}×{height}"
            raise Problem(413, words)
        return self.parser(options).parse(picture)

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job in a thread; it keeps its place until it ends, even if nobody waits for it any more.

        Raises:
            Problem: the queue is full, or the time is over.
        """
        if self.is_full:
            raise full()
        self._jobs += 1
        loop = asyncio.get_running_loop()
        future = self._pool.submit(self._timed, job)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._settings.timeout)
        except TimeoutError:
            words = f"the picture took longer than {self._settings.timeout:g} s: send a smaller one, or try again later"
            raise Problem(504, words) from None

    def _leave(self) -> None:
        self._jobs -= 1

    def _timed(self, job: Callable[[], T]) -> T:
        number = next(self._numbers)
        self._begun[number] = time.monotonic()
        try:
            return job()
        finally:
            del self._begun[number]
