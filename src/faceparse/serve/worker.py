"""A worker process: one application on the supervisor's socket, with a heartbeat."""

from __future__ import annotations

import logging
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from faceparse.errors import in_words
from faceparse.serve.settings import Settings

BEAT = 1
"""Seconds between beats."""
CONNECTIONS, BACKLOG = 900, 2048
"""Most connections of a worker, and most that wait to be taken."""


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
        server = _server(settings, pipe)
    except Exception as error:
        with suppress(OSError):
            pipe.send(in_words(error))
        return
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _server(settings: Settings, pipe: Connection) -> Any:
    from uvicorn import Config, Server

    from faceparse.serve.app import new_app
    from faceparse.serve.connection import connection_class
    from faceparse.serve.work import Work

    work = Work(settings)

    async def beat() -> None:
        try:
            if not work.is_stuck:
                pipe.send(None)
        except OSError:  # the supervisor was killed
            server.should_exit = True

    config = Config(
        new_app(settings, work),
        http=connection_class(settings.timeout + 2 * settings.upload),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(settings.grace)),
        callback_notify=beat,
        timeout_notify=BEAT,
    )
    server = Server(config)
    return server
