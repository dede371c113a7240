"""The page at `/docs`: Swagger UI from an installed package, so that a browser asks no other host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.responses import Response

from faceparse.serve.problems import Problem

PACKAGE = "fastapi_swagger"
SCRIPTS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
"""The package's files, and their media types."""

POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>faceparse: HTTP API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#api", deepLinking: true})\n'


def page() -> Response:
    """Return the page."""
    return Response(PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")


def script(name: str) -> Response:
    """Return a file that the page loads.

    Raises:
        Problem: the page has no such file.
    """
    if name == "start.js":
        return Response(START, media_type="text/javascript")
    if name not in SCRIPTS:
        raise Problem(404, f"the page has no file {name!r:.100}")
    return Response(_content(name), media_type=SCRIPTS[name])


@cache
def _content(name: str) -> bytes:
    return files(PACKAGE).joinpath("resources", name).read_bytes()
