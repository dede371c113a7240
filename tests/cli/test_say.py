"""Names on a terminal and in a pipe: they may hold whatever a file system takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from faceparse.cli.console import print_table

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names and terminals of Unix")
TINY = Path(__file__).parents[1] / "engines" / "tiny.onnx"
NAME = os.fsdecode("name \x1b[31m two\nlines \u202ewards \x9b31m caf".encode() + b"\xe9")


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """A picture's path without its ending, `.png`."""
    Image.new("RGB", (20, 20)).save(tmp_path / "plain.png")
    stem = tmp_path / NAME
    try:
        (tmp_path / "plain.png").rename(f"{stem}.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    return stem


def run(
    *words: object,
    out: int = subprocess.DEVNULL,
    err: int = subprocess.DEVNULL,
    encoding: str = "utf-8:strict",  # as where the locale is UTF-8's
) -> bytes:
    """What a command prints into a pipe."""
    line = [sys.executable, "-m", "faceparse", *map(str, words)]
    environment = dict(os.environ, PYTHONIOENCODING=encoding)
    return subprocess.run(line, stdout=out, stderr=err, env=environment, check=False).stdout


def words(stem: Path) -> list[object]:
    return ["parse", f"{stem}.png", "-o", stem.parent, "--model", TINY, "--save", "mask"]


def test_a_name_in_a_pipe_is_exact(stem: Path) -> None:
    printed = run(*words(stem), out=subprocess.PIPE)
    assert printed.startswith(os.fsencode(f"{stem}_mask.png\n"))
    assert Path(f"{stem}_mask.png").exists()


@pytest.mark.parametrize("case", ["written", "failed", "a wrong command"])
def test_a_name_on_a_terminal_does_nothing_there(stem: Path, case: str) -> None:
    terminal, slave = os.openpty()
    if case == "written":
        run(*words(stem), out=slave)
    elif case == "failed":
        Path(f"{stem}.png").write_bytes(b"")
        run(*words(stem), "--quiet", err=slave)
    else:
        run(*words(stem), "--card", stem, err=slave)
    os.close(slave)
    printed = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert all(line.isprintable() for line in printed.split("\r\n"))
    assert r"\x1b[31m two\nlines \u202ewards" in printed


def test_what_an_encoding_lacks_is_escaped() -> None:
    words = ["weights", "show", "default"]
    whole = run(*words, out=subprocess.PIPE).decode()
    assert not whole.isascii()
    for errors in ("strict", "surrogateescape"):  # the second is the C locale's
        text = run(*words, out=subprocess.PIPE, encoding=f"ascii:{errors}")
        assert text == whole.encode("ascii", "backslashreplace")


def test_a_name_in_a_table_does_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(NAME, [NAME], [["plain"], [NAME]])
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))
