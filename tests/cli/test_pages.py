"""Every command on the pages for users runs in a shell, on made data and small settings, each page's in order.

`test_system_pages` has the pages of the published systems, whose weights are made too. Left out are commands that
download, and those of a model that must be downloaded first.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("onnxscript")

from faceparse import models  # noqa: E402
from faceparse.weights import card, cards, write_safetensors  # noqa: E402
from faceparse.weights.modelfile import packaged  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.data import made  # noqa: E402
from tests.models.conftest import published_state  # noqa: E402
from tests.train.conftest import make_faces, make_hair  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

PAGES = (
    "data",
    "default-model",
    "evaluate",
    "export",
    "labels",
    "models",
    "outputs",
    "parse",
    "quickstart",
    "scale",
    "train",
    "video",
    "weights",
)
COMMAND = f"""#!{sys.executable}
import sys
from faceparse.cli.main import main
small = ["--epochs", "1", "--sizes", "[[0,64]]", "--batch_size", "2", "--data.workers", "0", "--tensorboard", "false"]
main(sys.argv[1:] + (small if sys.argv[1] == "train" else []))
"""


def commands(page: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [
        line for block in re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    elsewhere = [name for name in cards() if name not in packaged()]
    return [
        line
        for line in lines
        if re.search(r"^faceparse|\| faceparse", line)
        and not re.search(rf"weights get|--model ({'|'.join(map(re.escape, elsewhere))})\b", line)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages' file names stand for."""
    shutil.copy(ROOT / "examples" / "collins.jpg", tmp_path / "photo.jpg")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with Image.open(tmp_path / "photo.jpg") as photo:
        for name in ("a.jpg", "sub/b.jpg"):
            (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
            photo.resize((96, 80)).save(tmp_path / "photos" / name)
    for name in ("DIR", "faces", "celeb", "celebamask5k"):
        (make_faces(tmp_path / name, 10) / "test.txt").write_text("4\n5\n")
    make_hair(tmp_path / "figaro", 16)
    made.lapa(tmp_path / "LaPa")
    made.celebamask_hq(tmp_path / "CelebAMask-HQ")
    torch.save(published_state("bisenet-zllrunning"), tmp_path / "79999_iter.pth")
    teacher = models.build("bisenet-zllrunning").state_dict()
    write_safetensors(tmp_path / "teacher.safetensors", teacher, card("bisenet-resnet18-zllrunning"))
    network = models.build("fpn-efficientnet_lite0")
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    about = {
        "network": "fpn-efficientnet_lite0",
        "scheme": "celebamask19",
        "size": 64,
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
    }
    torch.save({"state_dict": state, "faceparse": about}, tmp_path / "best.ckpt")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "faceparse").write_text(COMMAND)
    (tmp_path / "bin" / "faceparse").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def make_clip(photo: Path, path: Path) -> None:
    pytest.importorskip("av")
    from faceparse.frames import Writer

    with Writer(path, rate=5) as writer, Image.open(photo) as image:
        for shift in range(3):
            writer.write(np.asarray(image.convert("RGB").resize((640, 480)).rotate(shift)))


@pytest.mark.parametrize("page", PAGES)
def test_commands_run(page: str, folder: Path, tiny_path: Path) -> None:
    if page == "evaluate":
        shutil.copy(tiny_path, folder / "mine.onnx")
    if page == "scale":
        pytest.importorskip("ray")
    if page == "video":
        if not shutil.which("ffmpeg"):
            pytest.skip("ffmpeg is not installed")
        make_clip(folder / "photo.jpg", folder / "clip.mp4")
    if page == "data":
        shutil.rmtree(folder / "celeb")  # which the page prepares
    assert commands(page)
    for command in commands(page):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        found = ran.stdout.endswith("something is wrong\n")  # in made data, by `data check`
        assert ran.returncode == int(found), f"{command}\n{ran.stdout}\n{ran.stderr}"
