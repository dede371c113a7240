"""What is wrong with a request, as `application/problem+json` (RFC 9457) with one clear line.

>>> Problem(413, "the picture is too large").body("7f3a")["title"]
'Content Too Large'
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

from faceparse.errors import ConfigError, FaceparseError, ImageError, LabelError, NoFaceError

RETRY = 2
"""Seconds after which a client may try a full server again."""

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Problem(Exception):  # noqa: N818 (the standard's word)
    """An answer that says what is wrong.

    Attributes:
        status: The HTTP status.
        detail: One line: what was expected, what came, how to mend it.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})

    def body(self, request_id: str) -> dict[str, object]:
        """Return the answer's JSON values."""
        return {
            "type": "about:blank",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }

    def answer(self, request_id: str) -> Response:
        """Return the answer, after which the connection ends, since the rest of the body would be read as the next request."""
        text = json.dumps(self.body(request_id), ensure_ascii=False)
        return Response(
            text, self.status, {**self.headers, "Connection": "close"}, "application/problem+json"
        )


def full() -> Problem:
    """Return the answer of a server that has no place for another request."""
    return Problem(503, f"the server is full: try again in {RETRY} s", {"Retry-After": str(RETRY)})


def problem_of(error: BaseException) -> Problem:
    """Return the answer to a request that failed with this error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ConfigError | LabelError):
        return Problem(400, str(error))
    if isinstance(error, ImageError | NoFaceError):
        return Problem(422, str(error))
    if isinstance(error, FaceparseError):
        return Problem(500, "the model or the server's disk failed: ask whoever runs the server")
    return Problem(500, "the server failed, unforeseen: please report it with the request's id")
