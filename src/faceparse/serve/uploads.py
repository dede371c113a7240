"""The picture of a request: its body, or the file of its form, read in memory within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from faceparse.pictures.formats import FORMATS, HEAD, format_of
from faceparse.serve.problems import Problem, full
from faceparse.serve.settings import Settings

BODIES = 8
"""Longest bodies that are in memory together; shorter ones are more."""

ENVELOPE = 1 << 14
"""Bytes that a form may have around its file."""


class Uploads:
    """Reads the pictures of requests, and counts the bytes that are in memory."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._bytes = settings, 0

    @asynccontextmanager
    async def picture(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the bytes of a request's picture.

        Raises:
            Problem: a body that is empty, too long, too slow or no picture, or a server that is full.
        """
        taken = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal taken
            async for chunk in request.stream():
                taken += len(chunk)
                self._bytes += len(chunk)
                self._check(taken, request)
                yield chunk

        try:
            self._check(int(request.headers.get("content-length", "0")), request)
            try:
                async with asyncio.timeout(self._settings.upload):
                    data = await self._read(request, chunks())
            except TimeoutError:
                words = f"the body took longer than {self._settings.upload:g} s to arrive"
                raise Problem(408, words) from None
            check_picture(data)
            yield data
        finally:
            self._bytes -= taken

    def _check(self, size: int, request: Request) -> None:
        if size > self._settings.max_bytes + ENVELOPE * _is_form(request):
            raise Problem(
                413, f"a picture has up to {self._settings.max_bytes:,} bytes here, and this one has more"
            )
        if self._bytes > BODIES * self._settings.max_bytes:
            raise full()

    async def _read(self, request: Request, chunks: AsyncIterator[bytes]) -> bytes:
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "send the picture as it is, without Content-Encoding")
        if not _is_form(request):
            return b"".join([chunk async for chunk in chunks])
        parser = MultiPartParser(request.headers, chunks, max_files=1, max_fields=0)  # type: ignore[arg-type]
        parser.spool_max_size = self._settings.max_bytes + ENVELOPE + 1  # in memory, never on disk
        try:
            form = await parser.parse()
        except MultiPartException as error:
            words = "send one file in the form's field file, and options in the query"
            raise Problem(400, f"{words}: {error.message}") from None
        try:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                names = ", ".join(map(repr, form)) or "no field"
                raise Problem(
                    400,
                    f"the form needs a file in its field 'file', as curl -F file=@photo.jpg sends it; got {names:.200}",
                )
            return await file.read()
        finally:
            await form.close()


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/")


def check_picture(data: bytes) -> None:
    """Refuse what does not begin as a picture does.

    Raises:
        Problem: no bytes, or bytes of something else.
    """
    if not data:
        raise Problem(400, "send a picture, as the body or in the field 'file' of a form; got nothing")
    if format_of(data[:HEAD]) is None:
        kinds = ", ".join(format_.name for format_ in FORMATS)
        raise Problem(415, f"the body is not a picture ({kinds}); addresses are not fetched")
