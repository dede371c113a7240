"""Every refusal has its status and its one line; every limit holds."""

import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from faceparse.cli.commands import edit, parse
from faceparse.engines import FakeEngine
from faceparse.serve.queries import EditQuery, ParseQuery
from faceparse.tables import hints
from faceparse.weights import card
from tests.serve.conftest import Connect


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "gray").save(file, "PNG")
    return file.getvalue()


def refused(answer: Any, status: int, *words: str) -> None:
    """Check a refusal: its status, media type, and one line with these words."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "\n" not in problem["detail"]
    for word in words:
        assert word in problem["detail"]


def test_queries_have_the_command_lines_names() -> None:
    assert set(hints(ParseQuery)) <= set(signature(parse.command).parameters)
    assert set(hints(EditQuery)) <= set(signature(edit.command).parameters)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("shceme=lapa11", ["shceme", "scheme"]),
        ("model=other", ["model", "save"]),
        ("scheme=lapa1", ["lapa11"]),
        ("scheme=/etc/scheme.yaml", ["no scheme", "lapa11"]),
        ("save=msak", ["msak", "mask"]),
        ("save=mask&save=overlay", ["save", "twice"]),
        ("alpha=0.5", ["alpha", "overlay"]),
        ("save=overlay&alpha=5", ["alpha", "0 to 1"]),
        ("save=overlay&option=qualty=9", ["quality"]),
        ("save=soft&classes=hiar", ["hair"]),
        ("faces=many", ["faces", "largest"]),
        ("no-face=never", ["no_face", "background"]),
        ("threshold=0.5", ["threshold"]),
        ("threshold=x", ["threshold", "number"]),
    ],
)
def test_bad_queries(client: TestClient, photo: bytes, query: str, words: list[str]) -> None:
    refused(client.post(f"/v1/parse?{query}", content=photo), 400, *words)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", ["edit=hair"]),
        ("edit=hiar=red", ["hair"]),
        ("edit=hair=rde", ["colour"]),
        ("edit=hair=red,strenght=1", ["strength"]),
        ("edit=background=/etc/passwd", ["no file of the server"]),
        ("edit=background=photo.jpg", ["no file of the server"]),
        ("save=mask&edit=soften", ["save"]),
    ],
)
def test_bad_edits(client: TestClient, photo: bytes, query: str, words: list[str]) -> None:
    refused(client.post(f"/v1/edit?{query}", content=photo), 400, *words)


def test_what_is_no_picture(client: TestClient) -> None:
    refused(client.post("/v1/parse"), 400, "nothing")
    refused(client.post("/v1/parse", content=b"no picture"), 415, "not a picture", "JPEG")
    refused(client.post("/v1/parse", content=b"http://example.com/a.jpg"), 415, "not fetched")
    refused(client.post("/v1/parse", content=png(64, 64)[:90]), 422)
    refused(client.post("/v1/parse", content=png(8, 8)), 422, "16 px")
    compressed = client.post("/v1/parse", content=png(64, 64), headers={"Content-Encoding": "gzip"})
    refused(compressed, 415, "Content-Encoding")


def test_forms(client: TestClient) -> None:
    refused(client.post("/v1/parse", files={"image": ("a.png", png(64, 64))}), 400, "'file'", "'image'")
    refused(client.post("/v1/parse", files=[("file", png(64, 64)), ("file", png(64, 64))]), 400, "one file")
    fields = client.post("/v1/parse", files={"file": png(64, 64)}, data={"save": "mask"})
    refused(fields, 400, "query")
    broken = client.post(
        "/v1/parse", content=b"x", headers={"Content-Type": "Multipart/Form-Data; boundary=a"}
    )
    refused(broken, 400, "form")
    lacking = client.post("/v1/parse", content=b"x", headers={"Content-Type": "multipart/form-data"})
    refused(lacking, 400, "form")


def test_a_picture_without_a_face(client: TestClient, connect: Connect) -> None:
    of_faces = connect(FakeEngine(card("segface-lapa-swin_base-224")))
    refused(of_faces.post("/v1/parse", content=png(64, 64)), 422, "landmarks")
    refused(client.post("/v1/parse?faces=each", content=png(64, 64)), 422, "no face")
    refused(client.post("/v1/edit?edit=anonymise", content=png(64, 64)), 422, "no face")


def test_answers_that_are_not_accepted(client: TestClient) -> None:
    page = client.post("/v1/parse", content=png(64, 64), headers={"Accept": "text/html"})
    refused(page, 406, "image/png", "application/json")
    many = client.post("/v1/parse?save=soft", content=png(64, 64), headers={"Accept": "image/png"})
    refused(many, 406, "application/zip")
    clear = client.post(
        "/v1/edit?edit=background=transparent", content=png(64, 64), headers={"Accept": "image/jpeg"}
    )
    refused(clear, 406, "image/png")


def test_paths_and_methods(client: TestClient) -> None:
    refused(client.post("/v1/parse/"), 404, "/v1/parse")
    refused(client.post("/v1/prase"), 404, "/v1/parse")
    refused(client.get("/docs/other.js"), 404)
    wrong = client.get("/v1/parse")
    refused(wrong, 405, "GET")
    assert wrong.headers["allow"] == "POST"


def test_long_bodies(connect: Connect, photo: bytes) -> None:
    client = connect(max_bytes=1000)
    refused(client.post("/v1/parse", content=photo), 413, "1,000 bytes")
    refused(client.post("/v1/parse", files={"file": photo}), 413, "1,000 bytes")
    sent: list[int] = []

    def without_length() -> Iterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield b"\xff\xd8\xff" + bytes(197)

    refused(client.post("/v1/parse", content=without_length()), 413, "1,000 bytes")
    assert client.post("/v1/parse", content=png(64, 64)).status_code == 200


def test_many_bytes_in_memory(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceparse.serve.uploads.BODIES", 0)
    full = client.post("/v1/parse", content=png(64, 64))
    refused(full, 503, "try again")
    assert full.headers["retry-after"]


def test_many_pixels(connect: Connect) -> None:
    client = connect(max_pixels=64 * 64)
    refused(client.post("/v1/parse", content=png(65, 64)), 413, "65×64", "4,096 pixels")
    refused(client.post("/v1/edit?edit=soften", content=png(65, 64)), 413, "65×64")
    assert client.post("/v1/parse", content=png(64, 64)).status_code == 200


def test_the_token(connect: Connect) -> None:
    client = connect(token="s3cret")
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "Basic s3cret"}):
        answer = client.post("/v1/parse", content=png(64, 64), headers=headers)
        refused(answer, 401, "Bearer TOKEN")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "s3cret" not in answer.text
        refused(client.get("/v1/models", headers=headers), 401)
    bearer = {"Authorization": "Bearer s3cret"}
    assert client.post("/v1/parse", content=png(64, 64), headers=bearer).status_code == 200
    assert client.get("/health/live").status_code == 200
    assert "securitySchemes" in client.get("/openapi.json").json()["components"]


@pytest.fixture
def held(connect: Connect) -> Iterator[Callable[..., tuple[TestClient, Event]]]:
    """A client of a server whose network waits for the event."""
    go = Event()

    def waiting(**settings: Any) -> tuple[TestClient, Event]:
        about = card("bisenet-resnet18-zllrunning")
        first: list[int] = []

        def logits(image: Any) -> Any:
            if first:  # the server's own first run does not wait
                go.wait(60)
            first.append(1)
            return np.zeros((len(image), 19, 8, 8), np.float32)

        return connect(FakeEngine(about, logits), batch=1, **settings), go

    yield waiting
    go.set()


def test_a_slow_picture(held: Any) -> None:
    client, go = held(timeout=0.2)
    refused(client.post("/v1/parse?faces=whole", content=png(64, 64)), 504, "0.2 s")
    go.set()


def test_a_full_server(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    client, go = held(queue=0)
    with client:  # one event loop for both requests
        answers: list[Any] = []
        slow = Thread(
            target=lambda: answers.append(client.post("/v1/parse?faces=whole", content=png(64, 64)))
        )
        slow.start()
        while client.get("/health/ready").status_code == 200:
            pass
        full = client.post("/v1/parse?faces=whole", content=png(64, 64))
        refused(full, 503, "try again")
        assert int(full.headers["retry-after"]) > 0
        assert client.get("/health/live").status_code == 200
        go.set()
        slow.join()
        assert answers[0].status_code == 200
        assert client.get("/health/ready").status_code == 200


def test_request_ids(client: TestClient) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": "a-1"}).headers["x-request-id"] == "a-1"
    ids = {client.get("/health/live").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    odd = client.get("/health/live", headers={"X-Request-ID": "a b\tc"})
    assert odd.headers["x-request-id"] not in ("a b\tc", "")


def test_logs_hold_nothing_of_the_picture(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "faceparse.serve"):
        client.post("/v1/parse?save=overlay", files={"file": ("anna.png", png(64, 64))})
        client.post("/v1/parse", content=b"secret words")
    lines = [record.getMessage() for record in caplog.records if record.name == "faceparse.serve"]
    assert len(lines) == 2
    assert "POST /v1/parse 200" in lines[0]
    assert not any(word in line for line in lines for word in ("anna", "secret", "overlay"))


def test_a_path_makes_no_second_line(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    client = connect(token="s3cret")
    with caplog.at_level(logging.INFO, "faceparse.serve"):
        refused(client.post("/v1/a%0Ab"), 401)
        refused(client.post("/docs/a%0Ab"), 405)
        refused(client.post("/a%0Ab"), 404)
    lines = [record.getMessage() for record in caplog.records if record.name == "faceparse.serve"]
    assert len(lines) == 3
    assert not any("\n" in line for line in lines)


def test_nothing_stays_on_disk(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    noise = np.random.default_rng(0).integers(0, 255, (800, 800, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    assert len(file.getvalue()) > 1 << 20  # which forms would put on disk
    assert client.post("/v1/parse?save=mask,overlay", files={"file": file.getvalue()}).status_code == 200
    assert not list(tmp_path.iterdir())


def test_an_unforeseen_fault_shows_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> None:
        raise KeyError("pixels of anna")

    monkeypatch.setattr("faceparse.serve.answers.encode_files", fail)
    answer = client.post("/v1/parse", content=png(64, 64))
    refused(answer, 500, "report")
    assert "anna" not in answer.text + caplog.text
    assert "KeyError" in caplog.text


def test_no_other_site_may_read(client: TestClient) -> None:
    answer = client.get("/v1/labels", headers={"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
