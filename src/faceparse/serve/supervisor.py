"""The supervisor: it keeps the worker processes alive, and replaces those that die, hang or grow too large."""

from __future__ import annotations

import logging
import multiprocessing
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

import psutil

from faceparse.errors import ConfigError, EngineError
from faceparse.serve.settings import MIB, Settings
from faceparse.serve.worker import run_worker

LOG = logging.getLogger("faceparse.serve")

TICK = 0.5
"""Longest time between two looks at the workers, in seconds."""
SILENT = 15.0
"""Seconds without a beat after which a worker hangs."""
STARTING = 120.0
"""Seconds without the first beat after which a worker hangs: a large model loads long."""
PAUSE = 1.0
"""Seconds before a worker that did not start is started again."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket on which the workers take connections; port 0 means any free one.

    Raises:
        ConfigError: an address that cannot be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot listen on {host}:{port}: {words}; choose another --host or --port"
        ) from None


class _Worker:
    """A worker process as the supervisor sees it."""

    def __init__(self, settings: Settings, listener: socket.socket, prepare: Callable[[], object]) -> None:
        context: Any = multiprocessing.get_context("spawn")  # threads and fork do not go together
        self.pipe, theirs = context.Pipe(duplex=False)
        self._folder = tempfile.mkdtemp(prefix="faceparse-serve-")
        arguments = (settings, listener, theirs, self._folder, prepare)
        self.process = context.Process(target=run_worker, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.is_ready, self.fault = False, ""
        self._beat = time.monotonic()

    def hear(self) -> None:
        """Take the messages that have come."""
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                message = self.pipe.recv()
                if message is None:
                    self.is_ready, self._beat = True, time.monotonic()
                else:
                    self.fault = str(message)

    def illness(self, max_memory: int) -> str:
        """Return why the worker must be replaced; empty if it is well."""
        if not self.process.is_alive():
            return self.fault or f"ended with {self.process.exitcode}"
        if time.monotonic() - self._beat > (SILENT if self.is_ready else STARTING):
            return "hangs"
        with suppress(psutil.Error):
            used = psutil.Process(self.process.pid).memory_info().rss // MIB
            if used > max_memory:
                return f"has {used} MiB of memory, more than the {max_memory} of --max-memory"
        return ""

    def end(self, grace: float) -> None:
        """Stop the process, at once or within `grace` seconds, and remove its temporary files."""
        if grace and self.process.is_alive():
            self.process.terminate()
            self.process.join(grace)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Supervisor:
    """Starts the workers, which share one socket, and replaces those that end.

    >>> Supervisor(Settings(), listen("127.0.0.1", 8000), tune_process).run(print)  # doctest: +SKIP

    Args:
        settings: The server's settings.
        listener: The socket on which all workers take connections.
        prepare: Function that each worker calls first, `cli.process.tune_process`; processes share it by its module and name.
    """

    def __init__(self, settings: Settings, listener: socket.socket, prepare: Callable[[], object]) -> None:
        self._settings, self._listener, self._prepare = settings, listener, prepare
        self._workers: list[_Worker] = []
        self._stop = threading.Event()
        self._was_ready = False

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM; call `ready` when the first worker takes requests.

        Raises:
            EngineError: no worker could start; the message is the worker's.
        """
        before = {
            number: signal.signal(number, lambda *_: self.stop())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            self._workers = [self._start() for _ in range(self._settings.workers)]
            while not self._stop.is_set():
                self._look(ready)
        finally:
            self._end(self._workers, self._settings.grace)
            self._listener.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._stop.set()

    def _start(self) -> _Worker:
        return _Worker(self._settings, self._listener, self._prepare)

    def _look(self, ready: Callable[[], None]) -> None:
        """Wait for news of the workers, and replace those that are ill."""
        pipes = [worker.pipe for worker in self._workers if worker.process.is_alive()]
        wait([*pipes, *(worker.process.sentinel for worker in self._workers)], TICK)
        for index, worker in enumerate(self._workers):
            worker.hear()
            if worker.is_ready and not self._was_ready:
                self._was_ready = True
                ready()
            illness = worker.illness(self._settings.max_memory)
            if not illness or self._stop.is_set():
                continue
            if not self._was_ready:
                raise EngineError(worker.fault or f"the first worker {illness}")
            LOG.warning("worker %s %s: it is replaced", worker.process.pid, illness)
            if not worker.is_ready:  # what keeps it from starting may last
                self._stop.wait(PAUSE)
            self._workers[index] = self._start()
            # A process that only has too much memory may finish its requests meanwhile.
            grace = 0 if illness == "hangs" else self._settings.grace
            threading.Thread(target=worker.end, args=(grace,)).start()

    @staticmethod
    def _end(workers: list[_Worker], grace: float) -> None:
        """End all workers at the same time."""
        threads = [threading.Thread(target=worker.end, args=(grace + 1,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
