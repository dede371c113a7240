"""`/v1/parse` and `/v1/edit` answer with what the command line writes."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from faceparse.cli.main import main
from faceparse.serve.answers import choose
from faceparse.serve.problems import Problem
from tests.serve.conftest import Connect


def run(*words: object) -> None:
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--quiet"])
    assert not left.value.code


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("accept", [None, "*/*", "image/png", "image/*, application/json;q=0.5"])
def test_the_mask_is_the_command_lines(
    client: TestClient, photo: bytes, collins_path: Path, tiny_path: Path, tmp_path: Path, accept: str | None
) -> None:
    run("parse", collins_path, "--model", tiny_path, "--save", "mask", "-o", tmp_path / "mask.png")
    headers = {"Accept": accept} if accept else {}
    raw = client.post("/v1/parse", content=photo, headers=headers)
    form = client.post("/v1/parse", files={"file": ("a.jpg", photo)}, headers=headers)
    for answer in (raw, form):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text[:300]
        assert answer.content == (tmp_path / "mask.png").read_bytes()


def test_options_are_the_command_lines(
    client: TestClient, photo: bytes, collins_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    options = {
        "save": "soft",
        "classes": "hair",
        "scheme": "lapa11",
        "no-face": "whole",
        "option": "edges=no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    run("parse", collins_path, "--model", tiny_path, *words, "-o", tmp_path / "hair.png")
    answer = client.post("/v1/parse", params=options, content=photo)
    assert answer.content == (tmp_path / "hair.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # in pycocotools
def test_json_has_faces_areas_and_masks(client: TestClient, photo: bytes) -> None:
    pycocotools = pytest.importorskip("pycocotools.mask")
    answer = client.post("/v1/parse", content=photo, headers={"Accept": "application/json"}).json()
    mask = Image.open(io.BytesIO(client.post("/v1/parse", content=photo).content))
    labels = np.asarray(mask)
    assert {"faces", "classes", "scheme"} <= answer.keys()
    for face in answer["faces"]:
        assert {"box", "landmarks", "score"} <= face.keys()
    assert answer["masks"]
    for name, run_lengths in answer["masks"].items():
        about = answer["classes"][name]
        decoded = pycocotools.decode(run_lengths)
        np.testing.assert_array_equal(decoded, labels == about["label"])
        assert decoded.sum() == about["pixels"]


def test_several_forms_come_as_a_zip(client: TestClient, photo: bytes) -> None:
    answer = client.post("/v1/parse?save=mask,overlay,cutout", content=photo)
    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["picture_cutout.png", "picture_mask.png", "picture_overlay.jpg"]
        assert archive.read("picture_mask.png") == client.post("/v1/parse", content=photo).content
    usual = client.post("/v1/parse", content=photo, headers={"Accept": "application/zip"})
    with ZipFile(io.BytesIO(usual.content)) as archive:
        assert sorted(archive.namelist()) == ["picture_mask.png", "picture_overlay.jpg"]


def test_one_form_comes_as_its_file(client: TestClient, photo: bytes) -> None:
    overlay = client.post("/v1/parse?save=overlay&alpha=0.3", content=photo)
    assert overlay.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(overlay.content)).size == (512, 512)
    record = client.post("/v1/parse?save=rle", content=photo, headers={"Accept": "application/json"})
    assert record.json()["annotations"]


def test_the_edit_is_the_command_lines(
    client: TestClient, photo: bytes, collins_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    words = ["--edit", "hair=#a0522d", "--edit", "lips=crimson,strength=0.4"]
    run("edit", collins_path, "--model", tiny_path, *words, "-o", tmp_path / "a.jpg")
    edits = {"edit": ["hair=#a0522d", "lips=crimson,strength=0.4"]}
    answer = client.post("/v1/edit", params=edits, content=photo)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == (tmp_path / "a.jpg").read_bytes()
    png = client.post("/v1/edit", params=edits, content=photo, headers={"Accept": "image/png"})
    assert Image.open(io.BytesIO(png.content)).format == "PNG"


def test_edits_keep_depth_and_make_transparency(
    client: TestClient, photo: bytes, collins_path: Path, tiny_path: Path, tmp_path: Path
) -> None:
    clear = client.post("/v1/edit?edit=background=transparent", content=photo)
    assert Image.open(io.BytesIO(clear.content)).mode == "RGBA"
    with Image.open(collins_path) as image:
        image.putalpha(128)
        (tmp_path / "a.png").write_bytes(encoded(image, "PNG"))
    run("edit", tmp_path / "a.png", "--model", tiny_path, "--edit", "hair=red", "-o", tmp_path / "b.png")
    answer = client.post("/v1/edit?edit=hair=red", content=(tmp_path / "a.png").read_bytes())
    assert answer.content == (tmp_path / "b.png").read_bytes()


def test_clients_get_their_own_answers(client: TestClient, photo: bytes) -> None:
    with Image.open(io.BytesIO(photo)) as image:
        pictures = [encoded(image.rotate(angle).resize((96 + angle, 90)), "PNG") for angle in range(6)]
    alone = [client.post("/v1/parse", content=picture).content for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: client.post("/v1/parse", content=p).content, pictures * 3))
    assert together == alone * 3
    assert len({*alone}) == 6


def test_batches_across_requests_change_nothing(connect: Connect, photo: bytes) -> None:
    batched, alone = connect(batch=4), connect(batch=1)
    expected = alone.post("/v1/parse", content=photo).content
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: batched.post("/v1/parse", content=photo).content, range(8)))
    assert {*answers} == {expected}


def test_models_labels_and_health(client: TestClient, tiny_path: Path) -> None:
    (model,) = client.get("/v1/models").json()
    assert model["classes"][0] == "background"
    assert str(tiny_path.parent) not in json.dumps(model)
    schemes = {scheme["name"]: scheme for scheme in client.get("/v1/labels").json()}
    assert schemes["celebamask19"]["classes"][17]["name"] == "hair"
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}


def test_docs_ask_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js"):
        assert name in page.text
        assert client.get(f"/docs/{name}").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/parse", "/v1/edit", "/v1/models", "/v1/labels"} <= paths.keys()
    assert {"save", "classes", "no_face"} <= {p["name"] for p in paths["/v1/parse"]["post"]["parameters"]}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "image/png"),
        ("text/html, */*;q=0.1", "image/png"),
        ("application/json", "application/json"),
        ("image/png;q=0, */*", "application/json"),
        ("image/*;q=0.2, application/*", "application/json"),
        ("image/png;q=x, application/json;q=0.1", "application/json"),
        ("*/*;q=nan, application/json;q=0.001", "application/json"),
        ("image/png;q=0.5, */*;q=0.9", "application/json"),
        ("image/*;q=0, application/json;level=1;q=0.3", "application/json"),
        ("Image/PNG; q=0.7, application/json; q=0.6", "image/png"),
    ],
)
def test_accept(accept: str, expected: str) -> None:
    assert choose(accept, ["image/png", "application/json"]) == expected


def test_nothing_that_is_accepted() -> None:
    with pytest.raises(Problem) as raised:
        choose("text/html", ["image/png"])
    assert raised.value.status == 406
