"""The command line as a whole: help, version, and the contract of every command."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from faceparse import __version__
from faceparse.data import kinds
from faceparse.engines import engines
from tests.cli.conftest import Ran

COMMANDS = ["data", "evaluate", "export", "import", "labels", "parse", "train"]


def test_commands_are_found_by_their_files(faceparse: Callable[..., Ran]) -> None:
    ran = faceparse("--help")
    assert ran.code == 0
    for name in COMMANDS:
        assert f" {name} " in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, faceparse: Callable[..., Ran]) -> None:
    if command == "train":
        pytest.importorskip("pytorch_lightning")
    ran = faceparse(command, "--help")
    assert ran.code == 0, ran.err
    assert len(ran.out) > 300


def test_the_help_names_every_engine_and_kind_of_data(faceparse: Callable[..., Ran]) -> None:
    """These lists are written by hand, for a help that loads no registry."""
    for command in ("parse", "evaluate"):
        for name in (*engines(), *(kinds() if command == "evaluate" else ())):
            assert name in faceparse(command, "--help").out


def test_version(faceparse: Callable[..., Ran]) -> None:
    assert faceparse("--version").out == f"faceparse {__version__}\n"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["pars"], ["'pars'", "'parse'"]),
        (["weights", "shw"], ["'shw'", "'show'"]),
        (["inference", "--model", "x"], ["'inference'", "parse"]),
        (["weights", "gett", "--model", "x"], ["'gett'", "'get'"]),
        (["--vers"], ["--vers", "--version"]),
        (["parse", "x.jpg", "--sav=mask"], ["--sav", "--save"]),
        (["parse", "-save", "mask"], ["-save", "--save"]),
        (["parse", "x.jpg", "-m", "default"], ["-m", "--model"]),
        (["parse", "--nope"], ["--nope", "faceparse parse --help"]),
        (["parse", "x.jpg", "--jobs", "0"], ["--jobs", "1"]),
        (["parse", "x.jpg", "--batch", "abc"], ["--batch", "integer"]),
        (["parse", "x.jpg", "--scheme"], ["--scheme", "argument"]),
        (["evaluate"], ["--data.root"]),
        (["parse", "x.jpg"], ["-o FOLDER"]),
    ],
)
def test_a_bad_word_is_one_line_with_the_nearest(
    words: list[str], names: list[str], faceparse: Callable[..., Ran]
) -> None:
    ran = faceparse(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("faceparse: ")
    assert ran.err.count("\n") == 1
    for name in names:
        assert name in ran.err


@pytest.mark.parametrize("words", [[], ["weights"], ["data"]])
def test_no_words_are_the_help(words: list[str], faceparse: Callable[..., Ran]) -> None:
    ran = faceparse(*words)
    assert "Usage" in ran.out
    assert ran.err == ""


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["train", "--recipe", "default"], "train"),
        (["export", "--model", "x.ckpt", "-o", "y.onnx"], "export"),
    ],
)
def test_missing_extras_name_the_install_command(words: list[str], extra: str) -> None:
    blocked = "; ".join(f"sys.modules[{m!r}] = None" for m in ("torch", "pytorch_lightning", "onnx"))
    code = f"import sys; {blocked}; from faceparse.cli.main import main; main({words!r})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert f"pip install 'faceparse[{extra}]'" in ran.stderr or "pip install 'faceparse[torch]'" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
