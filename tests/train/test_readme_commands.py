"""A stranger trains on a folder of their own with two classes, exports and evaluates: the README's three commands."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("onnxscript")

from faceparse.cli.main import main  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
README = Path(__file__).parents[2] / "README.md"
SMALL = ["--epochs", "1", "--sizes", "[[0, 64]]", "--batch_size", "2", "--data.workers", "0"]


def test_the_three_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("classes: [background, spot]\n")
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        Path("mine", folder).mkdir(parents=True)
    for i in range(10):
        labels = np.zeros((64, 48), np.uint8)
        top, left = rng.integers(0, 30, 2)
        labels[top : top + 16, left : left + 16] = 1
        Image.fromarray(np.dstack([labels * 200] * 3)).save(f"mine/images/{i}.jpg")
        Image.fromarray(labels).save(f"mine/labels/{i}.png")
    block = re.search(r"<!-- own -->\n```bash\n(.+?)```", README.read_text(encoding="utf-8"), re.S)
    assert block
    commands = block[1].strip().splitlines()
    assert len(commands) == 3
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "faceparse"
        main_quietly(words[1:] + (SMALL if words[1] == "train" else []))
    shown = capsys.readouterr().out
    assert Path("mine.onnx").stat().st_size > 1e6
    assert "spot" in shown
    assert "2 pictures" in shown


def main_quietly(words: list[str]) -> None:
    code: object = 0
    try:
        main(words)
    except SystemExit as left:
        code = left.code
    assert not code, words
