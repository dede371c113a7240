"""Looks of several pictures in one run of the network.

On a GPU a run of eight costs little more than a run of one. Threads that ask while a run is under way wait and
share the next one, so batches form by themselves, of any pictures, and nothing waits for a batch to fill.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from faceparse.engines.engine import Engine, image_of
from faceparse.weights import Card

Floats = NDArray[np.float32]


class Batched:
    """An engine whose runs, asked for by several threads at a time, are gathered; itself an engine.

    >>> engine = Batched(open_engine("default", device="cuda"), batch=8)  # doctest: +SKIP
    >>> engine.run({"image": image})["logits"]  # from any thread  # doctest: +SKIP

    Args:
        engine: Runs one batch at a time.
        batch: Looks in a run, at most, where each caller asks for no more.
    """

    def __init__(self, engine: Engine, batch: int) -> None:
        self._engine, self._batch = engine, batch
        self._changed = Condition()
        self._waiting: list[_Asked] = []
        self._busy = False

    @property
    def card(self) -> Card:
        """The network's card."""
        return self._engine.card

    @property
    def description(self) -> str:
        """What the engine runs on."""
        return self._engine.description

    def run(self, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """See `Engine.run`."""
        asked = _Asked(image_of(inputs))
        with self._changed:
            self._waiting.append(asked)
            while not asked.done:
                if self._busy:
                    self._changed.wait()
                else:
                    self._run_next()
        if asked.error is not None:
            raise asked.error
        return {"logits": asked.logits}

    def _run_next(self) -> None:
        """Run what waits, as much as goes together; the lock is held but for the run itself."""
        together = self._together()
        self._waiting = self._waiting[len(together) :]
        self._busy = True
        self._changed.release()
        try:
            _answer(self._engine, together)
        finally:
            self._changed.acquire()
            self._busy = False
            self._changed.notify_all()

    def _together(self) -> list[_Asked]:
        chosen = self._waiting[:1]
        for asked in self._waiting[1:]:
            looks = sum(len(one.image) for one in chosen) + len(asked.image)
            if looks > self._batch or asked.image.shape[1:] != chosen[0].image.shape[1:]:
                break
            chosen.append(asked)
        return chosen


class _Asked:
    """What one caller asked for, and the answer."""

    def __init__(self, image: Floats) -> None:
        self.image = image
        self.logits: Floats = image[:0]
        self.error: BaseException | None = None
        self.done = False


def _answer(engine: Engine, together: list[_Asked]) -> None:
    try:
        images = [asked.image for asked in together]
        logits = engine.run({"image": images[0] if len(images) == 1 else np.concatenate(images)})["logits"]
        start = 0
        for asked in together:
            part = logits[start : start + len(asked.image)]
            # A copy: a result must not keep its neighbours' logits in memory.
            asked.logits = part if len(together) == 1 else part.copy()
            start += len(asked.image)
    except BaseException as error:
        for asked in together:
            asked.error = error
    finally:
        for asked in together:
            asked.done = True
