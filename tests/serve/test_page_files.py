"""The files of the page at `/`: what a browser gets, without a browser."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "src" / "faceparse" / "serve" / "page"
FILES = sorted(FOLDER.iterdir())
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def policy(answer: Any) -> dict[str, list[str]]:
    """Return the directives of an answer's Content-Security-Policy."""
    directives = answer.headers["content-security-policy"].split(";")
    return {name: sources for name, *sources in map(str.split, directives)}


def test_the_page(client: Any) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>faceparse" in answer.text
    rules = policy(answer)
    assert rules["default-src"] == ["'self'"]
    assert rules["img-src"] == ["'self'", "blob:", "data:"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert not {"script-src", "style-src"} & {*rules}  # so neither is inline
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_browser_asks_again_and_gets_nothing_new(client: Any) -> None:
    first = client.get("/page/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/page/main.js", headers={"If-None-Match": f'W/"x", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    head = client.head("/")
    assert head.status_code == 200
    assert head.headers["content-length"] == str((FOLDER / "index.html").stat().st_size)


def test_files(client: Any) -> None:
    for file in FILES:
        answer = client.get(f"/page/{file.name}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"].split(";")[0] == TYPES[file.suffix]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_names_no_other_host_and_runs_no_text(file: Path) -> None:
    text = file.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"\w+://|[\"'(]//", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", text)
    names = re.findall(r'(?:src|href)="page/([^"]+)"|from "\./([^"]+)"', text)
    assert {a or b for a, b in names} <= {one.name for one in FILES}


def test_no_other_file(client: Any) -> None:
    for name in ("mian.js", "..%2Fapp.py", "%2Fetc%2Fpasswd"):
        assert client.get(f"/page/{name}").status_code == 404
    assert "main.js" in client.get("/page/mian.js").json()["detail"]
    assert client.post("/").status_code == 405


def test_the_page_needs_no_token(connect: Any) -> None:
    client = connect(token="s3cret")
    assert client.get("/").status_code == 200
    assert client.get("/page/main.js").status_code == 200
    assert client.get("/v1/labels").status_code == 401


def test_colours_of_a_models_own_scheme(connect: Any) -> None:
    from dataclasses import replace

    import numpy as np

    from faceparse.engines import FakeEngine
    from faceparse.weights import card

    about = card("bisenet-resnet18-zllrunning")
    own = {"name": "spots", "classes": ["background", "spot"]}
    engine = FakeEngine(replace(about, scheme=own), lambda image: np.zeros((len(image), 2, 8, 8), np.float32))
    names = [scheme["name"] for scheme in connect(engine).get("/v1/labels").json()]
    assert {"spots", "celebamask19"} <= {*names}
