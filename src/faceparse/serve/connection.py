"""Connections that do not wait for ever: a client that sends or reads too slowly is cut off."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def connection_class(seconds: float) -> type[H11Protocol]:
    """Return a class of connections, each cut off when no answer has ended for that many seconds.

    The time covers a request's header, body, work and answer, the answer's way to the client included.
    """

    class Connection(H11Protocol):
        _watch: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._restart()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._watch:
                self._watch.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._restart()
            super().on_response_complete()

        def _restart(self) -> None:
            if self._watch:
                self._watch.cancel()
            self._watch = self.loop.call_later(seconds, self.transport.abort)

    return Connection
