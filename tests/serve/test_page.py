"""The lines on docs/serve.md do what the page says."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.serve.test_processes import serving

PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    match = re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)^```", PAGE, re.M | re.S)
    assert match
    return match[1]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_lines_run(
    tiny_path: Path, collins_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(collins_path, "photo.jpg")
    with serving(tiny_path, tmp_path) as server:
        for line in block("curl").splitlines():
            command = line.replace("http://127.0.0.1:8000", server.address) + " -sS --fail-with-body"
            subprocess.run(["bash", "-c", command], check=True, capture_output=True)
        program = block("python").replace("http://127.0.0.1:8000", server.address)
        exec(compile(program, "serve.md", "exec"), {})
    assert Path("mask.png").read_bytes() == Path("same.png").read_bytes()
    sizes = {"mask.png": "P", "hair.png": "RGBA", "edited.jpg": "RGB"}
    for name, mode in sizes.items():
        with Image.open(name) as image:
            assert (image.size, image.mode) == ((512, 512), mode)
    assert json.loads(Path("photo.json").read_text())["masks"]
    with ZipFile("photo.zip") as archive:
        assert sorted(archive.namelist()) == ["picture_cutout.png", "picture_mask.png", "picture_overlay.jpg"]
