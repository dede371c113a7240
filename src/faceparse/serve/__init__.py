"""The same parser behind HTTP: `faceparse serve`, and the application for other ASGI servers.

>>> app = create_app(Settings(queue=8))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceparse.errors import MissingExtraError
from faceparse.serve.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from faceparse.engines import Engine

__all__ = ["Settings", "create_app"]


def create_app(settings: Settings | None = None, engine: Engine | None = None) -> FastAPI:
    """Return the server's application, with its model loaded.

    >>> app = create_app(Settings(max_pixels=10_000_000))  # doctest: +SKIP

    Args:
        settings: Model and limits; the defaults if None. Number of processes, memory, grace and slow answers are
            the business of `faceparse serve`.
        engine: An engine in place of the settings' model.

    Raises:
        MissingExtraError: the extra `serve` is not installed.
        FaceparseError: as `Parser`.
    """
    try:
        from faceparse.serve.app import new_app
        from faceparse.serve.work import Work
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "serve", "the server") from None
    settings = settings or Settings()
    return new_app(settings, Work(settings, engine))
