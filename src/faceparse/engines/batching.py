"""Batching of several pictures' views into one run of the network.

On a GPU a run of eight costs little more than a run of one. Requests that threads make during a run share the
next run. So a batch may hold views of any pictures, and no request waits for a batch to fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from threading import Condition
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.engines.engine import Engine, image_of

Floats = NDArray[np.float32]


class _Request(NamedTuple):
    """One caller's input image and the future of its logits."""

    image: Floats
    logits: Future[Floats]


class Batched:
    """An engine that gathers the requests of several threads into batches for another engine.

    >>> engine = Batched(open_engine("default", device="cuda"), batch=8)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # from any thread  # doctest: +SKIP

    Args:
        engine: Engine that runs one batch at a time.
        batch: Largest number of views in a run, unless one caller requests more.
    """

    def __init__(self, engine: Engine, batch: int) -> None:
        self._engine, self._batch = engine, batch
        self.card, self.description = engine.card, engine.description
        self.fixed_size = getattr(engine, "fixed_size", None)
        self._changed = Condition()
        self._waiting: list[_Request] = []
        self._busy = False

    def run(self, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """See `Engine.run`."""
        request = _Request(image_of(inputs), Future())
        with self._changed:
            self._waiting.append(request)
            while not request.logits.done():
                if self._busy:
                    self._changed.wait()
                else:
                    self._run_next()
        return {"logits": request.logits.result()}

    def _run_next(self) -> None:
        """Run the next batch of waiting requests; the lock is released only during the run."""
        batch = self._next_batch()
        self._waiting = self._waiting[len(batch) :]
        self._busy = True
        self._changed.release()
        try:
            _answer(self._engine, batch)
        finally:
            self._changed.acquire()
            self._busy = False
            self._changed.notify_all()

    def _next_batch(self) -> list[_Request]:
        batch = self._waiting[:1]
        for request in self._waiting[1:]:
            looks = sum(len(one.image) for one in batch) + len(request.image)
            if looks > self._batch or request.image.shape[1:] != batch[0].image.shape[1:]:
                break
            batch.append(request)
        return batch


def _answer(engine: Engine, batch: list[_Request]) -> None:
    try:
        images = [request.image for request in batch]
        logits = engine.run({"image": images[0] if len(images) == 1 else np.concatenate(images)})["logits"]
    except BaseException as error:
        for request in batch:
            request.logits.set_exception(error)
        return
    start = 0
    for request in batch:
        part = logits[start : start + len(request.image)]
        # Copies, so that a result does not keep the whole batch's logits in memory.
        request.logits.set_result(part if len(batch) == 1 else part.copy())
        start += len(request.image)
