"""The routes of the server; each hands its request to the file that has the duty."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response

from faceparse.draw.record import record
from faceparse.errors import display_name
from faceparse.files import json_bytes
from faceparse.labels import schemes
from faceparse.registry import mend
from faceparse.serve import answers, apidocs
from faceparse.serve.guard import Guard
from faceparse.serve.page import page_file
from faceparse.serve.problems import Problem, full
from faceparse.serve.queries import EditQuery, ParseQuery, parameters, read_query
from faceparse.serve.settings import Settings
from faceparse.serve.uploads import Uploads
from faceparse.serve.work import Work
from faceparse.version import __version__


def new_app(settings: Settings, work: Work) -> FastAPI:
    """Return the web application; `work` parses the pictures of its requests."""
    app = FastAPI(
        title="faceparse",
        version=__version__,
        description="Label every pixel of a face. Errors are application/problem+json with one line in `detail`.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Guard, settings=settings)
    uploads = Uploads(settings)
    # The guard compares the token; this describes it on the page.
    token = [Depends(HTTPBearer(auto_error=False))] if settings.token else []

    @app.post("/v1/parse", dependencies=token, openapi_extra=_picture_route(parameters(ParseQuery)))
    async def parse(request: Request) -> Response:
        """Label every pixel of a picture: PNG mask, JSON, or a ZIP archive of the forms in `save`."""
        query = read_query(ParseQuery, request.query_params.multi_items())
        return await answer(request, partial(answers.parse_answer, query=query))

    @app.post("/v1/edit", dependencies=token, openapi_extra=_picture_route(parameters(EditQuery)))
    async def edit(request: Request) -> Response:
        """Change a picture by its masks; `edit` is as `faceparse edit --edit` takes it, and may be repeated."""
        query = read_query(EditQuery, request.query_params.multi_items())
        return await answer(request, partial(answers.edit_answer, query=query))

    async def answer(request: Request, job: Any) -> Response:
        if work.is_full:
            raise full()
        async with uploads.picture(request) as picture:
            accept = ", ".join(request.headers.getlist("accept"))
            result = await work.run(partial(job, work, picture, accept=accept))
        return Response(result.content, media_type=result.media_type, headers={"Vary": "Accept"})

    @app.get("/v1/models", dependencies=token)
    async def models() -> Response:
        """Return the model that answers, with its classes and terms."""
        return _json(answers.models_record(work))

    @app.get("/v1/labels", dependencies=token)
    async def labels() -> Response:
        """Return the label schemes, the model's own among them, with their classes and colours."""
        model = work.card.label_scheme
        return _json([record(scheme) for scheme in {**schemes(), model.name: model}.values()])

    @app.get("/health/live")
    async def live() -> Response:
        """Answer: the process runs."""
        return _json({"status": "live"})

    @app.get("/health/ready")
    async def ready() -> Response:
        """Answer whether the next picture would be taken."""
        if work.is_full:
            raise full()
        return _json({"status": "ready"})

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        return page_file("index.html", request)

    @app.api_route("/page/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def file_of_page(request: Request, name: str) -> Response:
        return page_file(name, request)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return apidocs.page()

    @app.get("/docs/{name}", include_in_schema=False)
    async def docs_file(name: str) -> Response:
        return apidocs.script(name)

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        path = display_name(request.url.path[:200])
        words = str(error.detail)
        if error.status_code == 404:
            words = f"no {path} here{mend(path, [getattr(route, 'path', '') for route in app.routes])}"
        elif error.status_code == 405:
            words = f"{request.method} does not fit {path}"
        raise Problem(error.status_code, words, error.headers)

    return app


def _json(content: object) -> Response:
    return Response(json_bytes(content), media_type="application/json")


def _picture_route(query: list[Mapping[str, object]]) -> dict[str, Any]:
    """Describe a route that takes a picture, for OpenAPI."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {"type": "object", "required": ["file"], "properties": {"file": binary["schema"]}}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": binary}
    return {"parameters": query, "requestBody": {"required": True, "content": content}}
