"""The lines on docs/serve.md do what the page says."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.serve.test_processes import Server, answers, serving, until

PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def block(mark: str) -> str:
    match = re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)^```", PAGE, re.M | re.S)
    assert match
    return match[1]


def needs(command: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(command), reason=f"{command} is not installed")


def run_lines(lines: list[str], address: str) -> None:
    for line in lines:
        command = line.replace(ADDRESS, address) + " -sS --fail-with-body"
        subprocess.run(["bash", "-c", command], check=True, capture_output=True)


@pytest.fixture(scope="module")
def server(tiny_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tiny_path, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(autouse=True)
def folder(collins_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(collins_path, "photo.jpg")


@needs("curl")
def test_curl(server: Server) -> None:
    run_lines(block("curl").splitlines(), server.address)
    assert Path("mask.png").read_bytes() == Path("same.png").read_bytes()
    sizes = {"mask.png": "P", "hair.png": "RGBA", "edited.jpg": "RGB"}
    for name, mode in sizes.items():
        with Image.open(name) as image:
            assert (image.size, image.mode) == ((512, 512), mode)
    assert json.loads(Path("photo.json").read_text())["masks"]
    with ZipFile("photo.zip") as archive:
        assert sorted(archive.namelist()) == ["picture_cutout.png", "picture_mask.png", "picture_overlay.jpg"]


def test_python(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python").replace(ADDRESS, server.address), "serve.md", "exec"), {})
    assert "background" in capsys.readouterr().out


@needs("node")
def test_javascript(server: Server) -> None:
    program = f"""
        import {{readFileSync, writeFileSync}} from "node:fs"
        import {{resolveObjectURL}} from "node:buffer"
        const input = {{files: [new Blob([readFileSync("photo.jpg")])]}}, image = {{}}
        {block("javascript").replace('"/v1', f'"{server.address}/v1')}
        writeFileSync("hair.png", Buffer.from(await resolveObjectURL(image.src).arrayBuffer()))
    """
    Path("program.mjs").write_text(program, encoding="utf-8")
    subprocess.run(["node", "program.mjs"], check=True, capture_output=True)
    with Image.open("hair.png") as image:
        assert (image.size, image.mode) == ((512, 512), "RGBA")


@needs("nginx")
def test_nginx(server: Server, photo: bytes, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    lines = re.sub(r"^ +ssl_.*\n", "", block("nginx"), flags=re.M).replace(ADDRESS, server.address)
    places = "".join(
        f"{kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    lines = lines.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
    Path("nginx.conf").write_text(
        f"pid pid; error_log stderr; events {{}} http {{ access_log off; {places}\n{lines} }}"
    )
    command = ["nginx", "-p", str(tmp_path), "-c", "nginx.conf", "-g", "daemon off; user root;"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as proxy:
        try:
            until(lambda: proxy.poll() is not None or answers(f"http://127.0.0.1:{port}"))
            assert proxy.poll() is None, proxy.communicate()
            assert (
                Server(server.process, f"http://127.0.0.1:{port}").post(photo).content
                == server.post(photo).content
            )
        finally:
            proxy.terminate()


@pytest.mark.slow
@needs("curl")
def test_the_token(tiny_path: Path, tmp_path: Path) -> None:
    Path("token").write_text("s3cret\n")
    start, upload = block("token").splitlines()
    assert start.startswith("FACEPARSE_TOKEN=$(cat token) faceparse serve ")
    with serving(tiny_path, tmp_path, FACEPARSE_TOKEN="s3cret") as server:
        run_lines([upload], server.address)
    with Image.open("mask.png") as image:
        assert image.mode == "P"
