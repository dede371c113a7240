"""Connections: not too many, and none that waits for ever."""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from faceparse.serve.guard import DRAIN, Guard
from faceparse.serve.problems import Problem, full
from faceparse.serve.settings import Settings

FILES = 4096
"""Files and connections that a process may have open, if the system allows so many."""


def allow_connections() -> int:
    """Let the process open up to `FILES` files, and return how many connections it may serve: a quarter.

    One more quarter is for connections that get 503, one for those that come at the same moment and are accepted before
    they can be cut, one for the files of the work.
    """
    if sys.platform == "win32":  # no limit in the way
        return FILES // 4
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files // 4


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    raise full()


def connection_class(settings: Settings, most: int) -> type[H11Protocol]:
    """Return a class of connections, of which `most` are served, and as many get 503; further ones are cut.

    A connection on which no answer has ended for `timeout` and twice `upload` is cut: the time covers a request's header,
    body, work and answer, the answer's way to the client included.
    """
    refuse = Guard(_refuse, settings)

    class Connection(H11Protocol):
        _seconds = settings.timeout + 2 * settings.upload
        _watch: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                self.app, self._seconds = refuse, 2 * DRAIN
            if len(self.connections) > 2 * most:
                transport.abort()
            else:
                self._restart()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._watch:
                self._watch.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._restart()
            super().on_response_complete()

        def send_400_response(self, msg: str) -> None:
            words = "this is no HTTP/1.1 request, or its header is longer than 64 KiB"
            answer = Problem(400, words).answer(uuid.uuid4().hex)
            head = h11.Response(status_code=400, headers=answer.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _restart(self) -> None:
            if self._watch:
                self._watch.cancel()
            self._watch = self.loop.call_later(self._seconds, self.transport.abort)

    return Connection
