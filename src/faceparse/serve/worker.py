"""A worker process: one application on the supervisor's socket, with a heartbeat."""

from __future__ import annotations

import logging
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from faceparse.errors import in_words
from faceparse.serve.settings import Settings

if TYPE_CHECKING:
    from uvicorn import Config

BEAT = 1
"""Seconds between beats."""


def run_worker(
    settings: Settings, listener: socket.socket, pipe: Connection, folder: str, prepare: Callable[[], object]
) -> None:
    """Serve until a signal, or until the supervisor is gone.

    The worker sends None to the supervisor when it is ready for requests, and then at each beat unless its work is stuck.
    If it fails before it is ready, it sends the error's line.

    Args:
        settings: The server's `Settings`.
        listener: The socket on which all workers take connections.
        pipe: Connection to the supervisor.
        folder: Folder for temporary files, which the supervisor removes.
        prepare: Function that the worker calls first.
    """
    tempfile.tempdir = folder
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("faceparse.serve").setLevel(logging.INFO)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which ends the workers
    try:
        prepare()
        from uvicorn import Server

        server = Server(server_config(settings, pipe))
    except Exception as error:
        with suppress(OSError):
            pipe.send(in_words(error))
        return
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def server_config(settings: Settings, pipe: Connection) -> Config:
    """Load the model, and return the configuration of uvicorn's server, which sends its beats into `pipe`."""
    # Imported by the worker alone: the supervisor stays small.
    from uvicorn import Config

    from faceparse.serve.app import new_app
    from faceparse.serve.connection import allow_connections, connection_class
    from faceparse.serve.work import Work

    work, connections = Work(settings), allow_connections()

    async def beat() -> None:
        try:
            if not work.is_stuck:
                pipe.send(None)
        except OSError:  # the supervisor was killed
            signal.raise_signal(signal.SIGTERM)

    return Config(
        new_app(settings, work),
        http=connection_class(settings, connections),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=connections,
        timeout_graceful_shutdown=max(1, round(settings.grace)),
        callback_notify=beat,
        timeout_notify=BEAT,
    )
