"""A worker process: one application on the supervisor's socket, with a heartbeat."""

from __future__ import annotations

import logging
import shutil
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
    from uvicorn import Server

BEAT = 1
"""Seconds between beats."""


class Listener(socket.socket):
    """The supervisor's socket, with the longest queue that the system allows.

    asyncio accepts as many connections at a time as it asks the queue to hold. It asks for one, so that the workers share
    connections that come at the same moment.
    """

    def listen(self, backlog: int = 0) -> None:
        super().listen(socket.SOMAXCONN)


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
        folder: Folder for temporary files, which is removed at the end.
        prepare: Function that the worker calls first.
    """
    tempfile.tempdir = folder
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("faceparse.serve").setLevel(logging.INFO)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which ends the workers
    try:
        prepare()
        server = new_server(settings, pipe)
    except Exception as error:
        with suppress(OSError):
            pipe.send(in_words(error))
        return
    with suppress(KeyboardInterrupt):
        server.run(sockets=[Listener(fileno=listener.detach())])
    shutil.rmtree(folder, ignore_errors=True)  # the supervisor may be gone
    signal.raise_signal(signal.SIGTERM)  # a thread that is stuck does not hold the process


def new_server(settings: Settings, pipe: Connection) -> Server:
    """Load the model, and return uvicorn's server, which sends its beats into `pipe`."""
    # Imported by the worker alone: the supervisor stays small.
    from uvicorn import Config, Server

    from faceparse.serve.app import new_app
    from faceparse.serve.connection import allow_connections, connection_class
    from faceparse.serve.work import Work

    work, connections = Work(settings), allow_connections()

    async def beat() -> None:
        try:
            if not work.is_stuck:
                pipe.send(None)
        except OSError:  # the supervisor was killed
            server.should_exit = True

    server = Server(
        Config(
            new_app(settings, work),
            http=connection_class(settings, connections),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            loop="asyncio",  # as Listener needs it
            backlog=1,
            timeout_graceful_shutdown=max(1, round(settings.grace)),
            callback_notify=beat,
            timeout_notify=BEAT,
        )
    )
    return server
