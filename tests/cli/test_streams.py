"""Standard streams that are closed, names that are too long, faults that nobody foresaw: one line and an exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceparse.cli.main import main
from tests.cli.conftest import Ran
from tests.pictures.kinds import IMAGE

Command = Callable[..., Ran]
TINY = Path(__file__).parents[1] / "engines" / "tiny.onnx"
WORDS = ("parse", "--model", str(TINY), "--faces", "whole", "--save", "mask", "--quiet")
unix = pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    IMAGE.save(tmp_path / "a.png")
    return tmp_path / "a.png"


def shell(closed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with standard streams closed as the shell's words say."""
    line = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *words]
    return subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@unix
@pytest.mark.parametrize(
    ("closed", "words", "code", "message"),
    [
        (">&-", ["a.png", "-o", "OUT"], 0, ""),
        (">&-", ["a.png", "-o", "-"], 2, "stdout is a terminal or closed"),
        (">&-", ["a.png", "-o", "OUT", "--log", "-"], 70, "unforeseen"),
        ("<&-", ["-", "-o", "OUT"], 1, "stdin: it is empty"),
        ("<&-", ["--list", "-", "-o", "OUT"], 2, "no picture"),
        ("2>&-", ["none.png", "-o", "OUT"], 2, ""),
        ("<&- >&- 2>&-", ["a.png", "-o", "OUT"], 0, ""),
    ],
)
def test_closed_streams(closed: str, words: list[str], code: int, message: str, photo: Path) -> None:
    paths = {"a.png": str(photo), "OUT": str(photo.parent / "out")}
    ran = shell(closed, "-m", "faceparse", *WORDS, *(paths.get(word, word) for word in words))
    assert ran.returncode == code, ran.stderr
    assert message in ran.stderr
    assert ran.stderr.count("\n") == bool(message)
    assert Path(paths["OUT"], "a_mask.png").exists() == (code in (0, 70))


@unix
def test_no_file_is_opened_in_the_place_of_a_closed_stream(photo: Path) -> None:
    """What C libraries print would be written into it."""
    code = (
        "import contextlib, os, sys; from faceparse.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--version'])\n"
        "os._exit(os.open(sys.argv[1], os.O_RDONLY))"
    )
    assert shell("<&- >&- 2>&-", "-c", code, str(photo)).returncode > 2


@unix
@pytest.mark.parametrize("words", [["--log", "-", "-o", "OUT"], ["-o", "-"]])
def test_a_pipe_that_is_closed_at_the_other_end(words: list[str], photo: Path) -> None:
    words = [str(photo.parent / "out") if word == "OUT" else word for word in words]
    line = [sys.executable, "-m", "faceparse", *WORDS, str(photo), *words]
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(line, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert ran.returncode == 1
    assert ran.stderr.count("\n") <= 1
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-o", ""],
        ["--output="],
        ["-o", "out", "--log", ""],
        ["-o", "out", "--root="],
        ["-o", "out", "--save", ""],
        ["", "-o", "out"],
    ],
)
def test_empty_words_are_refused(
    words: list[str], photo: Path, faceparse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    ran = faceparse(*WORDS, photo, *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "empty" in ran.err
    assert list(photo.parent.iterdir()) == [photo]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.png", ["-o", "n" * 300]),
        ("a.png", ["-o", "n" * 300 + ".png"]),
        ("a.png", ["-o", "out", "--model", "n" * 5000]),
        ("n" * 247 + ".png", ["-o", "out", "--save", "parts"]),
        ("n" * 251 + ".png", ["-o", "out"]),
        ("n" * 300 + ".png", ["-o", "out"]),
        ("n" * 300 + "*.png", ["-o", "out"]),
    ],
    ids=range(7),
)
def test_long_names_are_one_line(
    name: str, words: list[str], photo: Path, faceparse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    if 10 < len(name) < 256:
        photo.rename(name)
    ran = faceparse(*WORDS, name, *words)
    assert ran.code in (1, 2)
    assert (ran.out, ran.err.count("\n")) == ("", 1)
    assert "Errno" not in ran.err


@pytest.mark.parametrize(
    ("stem", "output", "result"),
    [
        ("n" * 240, "out", Path("out", "n" * 240 + "_mask.png")),
        ("名" * 80, "out", Path("out", "名" * 80 + "_mask.png")),
        ("a", "n" * 251 + ".png", Path("n" * 251 + ".png")),
    ],
)
def test_a_result_whose_name_fits_is_written(
    stem: str, output: str, result: Path, photo: Path, faceparse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    photo.rename(f"{stem}.png")
    ran = faceparse(*WORDS, f"{stem}.png", "-o", output)
    assert (ran.code, result.is_file()) == (0, True), ran.err


def test_a_name_as_long_as_a_file_is_not_repeated(photo: Path, faceparse: Command) -> None:
    (photo.parent / "list").write_text("n" * 100_000)
    ran = faceparse(*WORDS, "--list", photo.parent / "list", "-o", photo.parent / "out")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert len(ran.err) < 5000


@unix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("words", [["labels"], ["--help"], ["--version"], ["weights", "list"]])
def test_a_full_disk_behind_stdout_is_named(words: list[str]) -> None:
    ran = shell(">/dev/full", "-m", "faceparse", *words)
    assert (ran.returncode, ran.stderr) == (
        1,
        "faceparse: No space left on device (standard input or output)\n",
    )


@unix
def test_a_working_folder_that_was_removed_is_named(photo: Path) -> None:
    code = (
        "import os, sys; from faceparse.cli.main import main\n"
        "folder = sys.argv.pop(); os.mkdir(folder); os.chdir(folder); os.rmdir(folder); main()"
    )
    ran = shell("", "-c", code, *WORDS, str(photo), "-o", "out", str(photo.parent / "gone"))
    assert (ran.returncode, ran.stderr) == (1, "faceparse: No such file or directory (the working folder)\n")


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("of\ntwo lines"), MemoryError(), RecursionError("x" * 9999)]
)
def test_an_unforeseen_fault_is_one_line(
    fault: Exception, photo: Path, faceparse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("faceparse.folder.find.find_jobs", fail)
    ran = faceparse("parse", photo, "-o", "out")
    assert ran.code == 70
    assert (ran.out, ran.err.count("\n"), len(ran.err) < 500) == ("", 1, True)
    assert type(fault).__name__ in ran.err
    assert "--debug" in ran.err
    for words in (["--debug", "parse", photo, "-o", "out"], ["parse", photo, "-o", "out", "--debug"]):
        with pytest.raises(SystemExit, match="70"):
            main([str(word) for word in words])
        assert "Traceback" in faceparse(*words).err


def test_debug_shows_where_our_own_errors_come_from(faceparse: Command) -> None:
    ran = faceparse("parse", "none.png", "-o", "out", "--debug")
    assert ran.code == 2
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("faceparse: no such file")
