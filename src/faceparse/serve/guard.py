"""What surrounds every request: its id, the token, headers of safety, one line of log, and problems as answers."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
import traceback
import uuid
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceparse.errors import FaceparseError, display_name
from faceparse.serve.problems import Problem, problem_of
from faceparse.serve.settings import Settings

LOG = logging.getLogger("faceparse.serve")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every answer, unless the answer has its own."""

DRAIN = 5.0
"""Seconds for which the rest of a refused body is read: a client that still sends would not see the answer."""


class Guard:
    """ASGI middleware around an application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, began = Headers(scope=scope), time.monotonic()
        wish = headers.get("x-request-id", "")
        request_id = wish if re.fullmatch(r"[\w.-]{1,64}", wish, re.ASCII) else uuid.uuid4().hex
        exchange = _Exchange(receive, send, request_id, headers)
        try:
            self._check_token(scope, headers)
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = 499
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                self._log_fault(request_id, error)
            if exchange.status:
                raise ConnectionAbortedError from None  # the answer has begun
            if problem.status != 408:  # else the client is too slow for that, too
                await exchange.drain(4 * self._settings.max_bytes)
            await problem.answer(request_id)(scope, exchange.receive, exchange.send)
        finally:
            seconds = time.monotonic() - began
            path = display_name(scope["path"][:200]) if exchange.status != 404 else "-"
            LOG.info("%s %s %s %d %.3f s", request_id, scope["method"], path, exchange.status, seconds)

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        token = self._settings.token.encode()
        if not token or not scope["path"].startswith("/v1/"):
            return
        kind, _, credentials = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(credentials.strip().encode("latin-1"), token):
            words = "wrong token" if credentials else "a token is needed"
            raise Problem(
                401,
                f"{words}: send the header Authorization: Bearer TOKEN, with the server's FACEPARSE_TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )

    @staticmethod
    def _log_fault(request_id: str, error: BaseException) -> None:
        """Log where an error arose; its own words may quote the picture, unless they are faceparse's."""
        words = str(error) if isinstance(error, FaceparseError) else ""
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
        LOG.error("%s %s %s (%s)", request_id, type(error).__name__, words, " ".join(places))


class _Exchange:
    """The messages of one request and its answer."""

    def __init__(self, receive: Receive, send: Send, request_id: str, headers: Headers) -> None:
        self._receive, self._send, self._id = receive, send, request_id
        # A client that asks first has sent nothing yet.
        self._ended = headers.get("expect", "").lower() == "100-continue"
        self.status = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-ID"] = self._id
        await self._send(message)

    async def drain(self, most: int) -> None:
        """Read up to `most` bytes of the rest of the body, and forget them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                while not self._ended and most > 0:
                    most -= len((await self.receive()).get("body", b""))
