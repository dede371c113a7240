"""Ctrl-C: the first stops a run between two steps, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class StopBetweenSteps(Callback):
    """Lets a step that Ctrl-C meets end, so that what is kept is whole and a resumed run ends alike.

    A step broken off has moved batch-norm statistics, or some of the weights, already. Several processes would stop
    at different steps and wait for each other: there Ctrl-C stops at once.
    """

    def __init__(self) -> None:
        self._pressed = False
        self._before: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take Ctrl-C over, after Lightning has noted whose it was: it gives it back too."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True
        # Not print: a handler may interrupt one.
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
        self._stop()  # a resumed run begins the validation anew

    def _give_back(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def on_exception(self, *_: Any) -> None:
        self._give_back()

    def teardown(self, *_: Any, **__: Any) -> None:
        self._give_back()
