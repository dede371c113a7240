"""The page at `/`: the files of the folder `page`, which load nothing from another host."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import Response

from faceparse.registry import mend
from faceparse.serve.problems import Problem

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Suffix of a file → its media type: what the system says of `.js` may keep a browser from running it."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self)",
    "Cache-Control": "no-cache",  # kept, and asked for again: a new version's files must fit together
}


def page_file(name: str, request: Request) -> Response:
    """Return a file of the page, or 304 without content if the browser has it.

    Raises:
        Problem: the page has no such file.
    """
    if name not in _files():
        raise Problem(404, f"the page has no file {name!r:.100}{mend(name, _files())}")
    content, tag = _files()[name]
    headers = {**HEADERS, "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=TYPES[PurePath(name).suffix])


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Return name → content and entity tag of every file."""
    contents = {file.name: file.read_bytes() for file in files(__package__).joinpath("page").iterdir()}
    return {name: (content, f'"{sha256(content).hexdigest()[:16]}"') for name, content in contents.items()}
