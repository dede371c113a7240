"""Ctrl-C handling: the first press stops a run between two steps, the second stops it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class StopBetweenSteps(Callback):
    """On Ctrl-C, finishes the current step before it stops, so that a resumed run gives the same result.

    An interrupted step would have changed batch-norm statistics or some weights already. With several
    processes Ctrl-C stops at once, because they would stop at different steps and wait for each other.
    """

    def __init__(self) -> None:
        self._pressed = False
        self._before: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace the Ctrl-C handler, after Lightning has stored the old one, which Lightning restores, too."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True
        # Not `print`: the handler may interrupt another print.
        text = b"\nstopping after this step; once more to stop at once\n"
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text)

    def _stop(self) -> None:
        if self._pressed:
            raise KeyboardInterrupt

    def on_train_batch_start(self, *_: Any) -> None:
        self._stop()

    def on_validation_start(self, *_: Any) -> None:
        self._stop()

    def on_validation_batch_start(self, *_: Any) -> None:
        self._stop()  # a resumed run repeats the validation

    def _give_back(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def on_exception(self, *_: Any) -> None:
        self._give_back()

    def teardown(self, *_: Any, **__: Any) -> None:
        self._give_back()
