"""Ctrl-C for long commands: the first press stops cleanly within a time limit, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit code of an interrupted command."""


@contextmanager
def stop_on_signals(grace: float) -> Iterator[threading.Event]:
    """Set the yielded event on the first Ctrl-C or SIGTERM; end the process on a second, or after `grace` seconds.

    The block must be safe to kill at any moment: its `finally` clauses do not run then.
    """
    stop, ended = threading.Event(), threading.Event()

    def watch() -> None:
        stop.wait()
        if not ended.wait(grace):
            os._exit(INTERRUPTED)

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()
        # Not `print`: the handler may interrupt another print.
        text = f"stopping in {grace:g} s at most; once more to stop at once\n"
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())

    threading.Thread(target=watch, daemon=True).start()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield stop
    finally:
        ended.set()
        stop.set()
        for number, handler in before.items():
            signal.signal(number, handler)
