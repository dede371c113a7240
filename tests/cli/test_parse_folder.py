"""`faceparse parse` over many pictures: stopping, logs, lists, stdin and stdout."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Ran

Command = Callable[..., Ran]
TINY = Path(__file__).parents[1] / "engines" / "tiny.onnx"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for i in range(60):
        path = root / f"{i % 2}" / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 32, 3), 4 * i, np.uint8)).save(path)
    return root


def words(*more: object) -> list[str]:
    return [str(word) for word in ("parse", *more, "--model", TINY, "--faces", "whole", "--save", "mask")]


@pytest.fixture
def parse(faceparse: Command) -> Command:
    return lambda *more: faceparse(*words(*more))


def masks(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_once(photos: Path, tmp_path: Path, parse: Command, number: signal.Signals) -> None:
    out = tmp_path / "out"
    line = words(photos, "-o", out, "--recursive", "--log", "-", "--jobs", 1)
    running = subprocess.Popen(
        [sys.executable, "-m", "faceparse", *line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
    )
    assert running.stdout
    lines = [running.stdout.readline() for _ in range(5)]
    assert running.stderr
    running.send_signal(number)
    # Not communicate(): it passes over what readline() has in its buffer.
    printed, errors = running.stdout.read(), running.stderr.read()
    running.wait()
    running.communicate()
    reports = [json.loads(line) for line in [*lines, *printed.splitlines()]]
    *found, last = reports
    written = [r["path"] for r in found if r["status"] == "written"]
    assert len(written) == len(found) < 60
    assert running.returncode == 130
    assert last["summary"]["ended"] == "stopped"
    assert last["summary"]["written"] == len(written)
    assert f"stopped: {len(written)} written, {60 - len(written)} not begun" in errors
    assert len(masks(out)) == len(written)
    again = parse(photos, "-o", out, "--recursive")
    assert again.code == 0
    assert f"{60 - len(written)} written, {len(written)} skipped" in again.out


STUCK = """
import sys, threading
from faceparse.parser import Parser

def stuck(self, picture):
    print("here", flush=True)
    threading.Event().wait()

Parser.parse = stuck
from faceparse.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_stopping_at_once(photos: Path, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", STUCK, *words(photos, "-o", tmp_path / "out", "--recursive", "--jobs", 1)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    assert running.stderr
    try:
        assert running.stdout.readline() == "here\n"
        running.send_signal(signal.SIGINT)
        assert running.stderr.readline() == "stopping in 10 s at most; once more to stop at once\n"
        running.send_signal(signal.SIGINT)
        running.wait()
    finally:
        running.kill()
        running.communicate()
    assert running.returncode == 130


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model that never comes to an end, in code that no Python runs in."""
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    from tests.engines.make_tiny import tiny

    flag = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
    same = helper.make_tensor_value_info("same", TensorProto.FLOAT, None)
    turn = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in (("on", "still"), ("same", "again"))]
    results = [
        helper.make_tensor_value_info("still", TensorProto.BOOL, []),
        helper.make_tensor_value_info("again", TensorProto.FLOAT, None),
    ]
    body = helper.make_graph(nodes, "body", [turn, flag, same], results)
    model = tiny()
    loop = helper.make_node("Loop", ["", "", "image"], ["pictures"], body=body)
    model.graph.node[0].input[0] = "pictures"
    model.graph.node.insert(0, loop)
    (tmp_path / "endless.onnx").write_bytes(model.SerializeToString())
    return tmp_path / "endless.onnx"


IN_THE_NETWORK = """
import sys
from faceparse.engines.onnx import OnnxEngine

run = OnnxEngine.run

def said(self, inputs):
    print("here", flush=True)
    return run(self, inputs)

OnnxEngine.run = said
from faceparse.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_run_ends_in_time_whatever_the_network_does(
    photos: Path, tmp_path: Path, parse: Command, endless: Path
) -> None:
    out = tmp_path / "out"
    line = words(photos, "-o", out, "--recursive", "--jobs", 2, "--grace", 0.2)
    line[line.index(str(TINY))] = str(endless)
    running = subprocess.Popen([sys.executable, "-c", IN_THE_NETWORK, *line], stdout=subprocess.PIPE)
    assert running.stdout
    try:
        assert running.stdout.readline().startswith(b"here")
        running.terminate()
        assert running.wait(60) == 130
    finally:
        running.kill()
        running.communicate()
    assert parse(photos, "-o", out, "--recursive").code == 0
    assert len(masks(out)) == 60


BROKEN = """
import sys
from faceparse.writers.forms.mask import Mask

save = Mask.save

def breaks(self, parsing, path):
    if path.stem.startswith("02"):
        raise RuntimeError("a\\nbug")
    save(self, parsing, path)

Mask.save = breaks
from faceparse.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_that_nobody_foresaw_fails_one_picture(photos: Path, tmp_path: Path, debug: bool) -> None:
    line = words(photos, "-o", tmp_path / "out", "--recursive", *["--debug"] * debug)
    ran = subprocess.run([sys.executable, "-c", BROKEN, *line], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert f"failed: {photos / '0' / '02.png'}: RuntimeError: a bug\n" in ran.stderr
    assert ("Traceback" in ran.stderr) == debug
    assert "59 written, 1 failed in" in ran.stdout


def test_a_file_in_the_way_is_refused(photos: Path, tmp_path: Path, parse: Command) -> None:
    out = tmp_path / "out"
    (out / "0").mkdir(parents=True)
    mine = out / "0" / "02_mask.png"
    mine.write_text("painted by hand")
    for counts in ("59 written, 1 refused", "59 skipped, 1 refused"):
        ran = parse(photos, "-o", out, "--recursive")
        assert ran.code == 1
        assert ran.err == f"refused: mask not written: {mine} exists, and no run recorded it\n"
        assert f"{counts} (--overwrite redoes them) in" in ran.out
    assert mine.read_text() == "painted by hand"
    assert parse(photos, "-o", out, "--recursive", "--overwrite").code == 0
    assert mine.read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_is_said(photos: Path, tmp_path: Path, parse: Command) -> None:
    (photos / "0" / "02.png").rename(photos / "0" / "04_mask.png")
    lines = parse(photos, "-o", tmp_path / "out", "--recursive").out.splitlines()
    assert lines[0].startswith("1 left out as outputs of earlier runs")
    assert lines[1].startswith("59 written in")


def test_failures_are_grouped_and_counted(photos: Path, tmp_path: Path, parse: Command) -> None:
    for i in (3, 5, 7):
        (photos / "1" / f"{i:02}.png").write_bytes(b"")
    Image.new("RGB", (4, 4)).save(photos / "1" / "09.png")
    ran = parse(photos, "-o", tmp_path / "out", "--recursive")
    assert ran.code == 1
    assert ran.err.count("failed: ") == 4
    lines = ran.out.splitlines()
    assert lines[0].startswith("3 failed: ")
    assert "…" in lines[0]
    assert lines[0].endswith("is empty (0 bytes)")
    assert lines[1].startswith("1 failed: ")
    assert "4×4 px" in lines[1]
    assert lines[2].startswith("56 written, 4 failed in ")


def test_fail_fast(photos: Path, tmp_path: Path, parse: Command) -> None:
    (photos / "0" / "00.png").write_bytes(b"")
    ran = parse(photos, "-o", tmp_path / "out", "--recursive", "--fail-fast", "--jobs", 1)
    assert ran.code == 1
    assert "failed: 1 failed, 59 not begun" in ran.out or "not begun" in ran.out
    assert len(masks(tmp_path / "out")) <= 1


def test_quiet(photos: Path, tmp_path: Path, parse: Command) -> None:
    (photos / "0" / "00.png").write_bytes(b"")
    ran = parse(photos, "-o", tmp_path / "out", "--recursive", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("failed: ")
    assert len(ran.err.splitlines()) == 1
    assert str(photos / "0" / "00.png") in ran.err


def test_log(photos: Path, tmp_path: Path, parse: Command) -> None:
    (photos / "0" / "00.png").write_bytes(b"")
    out, log = tmp_path / "out", tmp_path / "log.jsonl"
    for _ in range(2):
        assert parse(photos, "-o", out, "--recursive", "--log", log).code == 1
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 2 * 61  # added to
    first = {line["path"]: line for line in lines[:60]}
    bad, good = first[str(photos / "0" / "00.png")], first[str(photos / "0" / "02.png")]
    assert (bad["status"], bad["outputs"]) == ("failed", [])
    assert "is empty" in bad["reason"]
    assert (good["status"], good["reason"], good["faces"]) == ("written", "", 0)
    assert good["engine"] == "onnx cpu fp32"
    assert good["outputs"] == [str(out / "0" / "02_mask.png")]
    assert {"read", "detect", "crop", "network", "write"} <= set(good["seconds"])
    assert lines[60]["summary"] | {"seconds": 0} == {
        "written": 59,
        "skipped": 0,
        "refused": 0,
        "failed": 1,
        "total": 60,
        "no_face": 0,
        "no_skin": 0,
        "false_faces": 0,
        "seconds": 0,
        "ended": "",
        "reasons": {bad["reason"].replace(bad["path"], "…"): 1},
        "outputs": [],
    }
    assert lines[-1]["summary"]["skipped"] == 59
    blocked = parse(photos, "-o", out, "--recursive", "--log", tmp_path)
    assert (blocked.code, blocked.err.startswith("faceparse: cannot write the log")) == (1, True)


@pytest.mark.parametrize(
    "name",
    [
        "photos/0/00.png",
        "out/00_mask.png",
        "out/00_parsing.json",
        "out/.faceparse/lock",
        "out/.faceparse/manifest.jsonl",
        "out/.faceparse/new",
        "list.txt",
        "scheme.yaml",
    ],
)
def test_a_log_is_added_to_no_other_file(name: str, photos: Path, tmp_path: Path, faceparse: Command) -> None:
    (tmp_path / "list.txt").write_text(f"{photos / '0' / '00.png'}\n")
    (tmp_path / "scheme.yaml").write_text("classes: [background, skin]\n")
    command = words("--list", tmp_path / "list.txt", "-o", tmp_path / "out")
    assert faceparse(*command[:-1], "mask,json").code == 0
    before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
    ran = faceparse(*command, "--log", tmp_path / name)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "existing file of another kind" in ran.err
    assert ((tmp_path / name).read_bytes() if before else None) == before


def test_a_dash_in_a_folder_is_a_name(
    photos: Path, tmp_path: Path, parse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = photos / "0" / "00.png"
    monkeypatch.chdir(tmp_path)
    ran = parse(one, "-o", "./-")
    assert (ran.code, masks(tmp_path / "-")) == (0, ["00_mask.png"]), ran.err
    monkeypatch.chdir(photos)
    assert parse(one, "-o", "out", "--log", "./-").code == 0
    assert (photos / "-").read_text().startswith('{"path"')
    (photos / "-").write_text(f"{one}\n")
    assert "1 skipped" in parse("--list", "./-", "-o", "out").out


def test_patterns_are_expanded(photos: Path, tmp_path: Path, parse: Command) -> None:
    assert parse(f"{photos}/**/*5.png", "-o", tmp_path / "out").code == 0
    assert masks(tmp_path / "out") == [f"1/{i}_mask.png" for i in ("05", "15", "25", "35", "45", "55")]
    none = parse(f"{photos}/*.png", "-o", tmp_path / "out")
    assert none.code == 2
    assert none.err.startswith("faceparse: no picture (.")


class Stdin:
    """What of `sys.stdin` is used."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_a_list(photos: Path, tmp_path: Path, parse: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    listed = b"0/00.png\n1/01.png\n"
    (tmp_path / "list.txt").write_bytes(listed + b"gone.png\n")
    ran = parse("--list", tmp_path / "list.txt", "-o", tmp_path / "a")
    assert ran.code == 1
    assert ran.err == "failed: no such file: gone.png\n"
    assert masks(tmp_path / "a") == ["0/00_mask.png", "1/01_mask.png"]
    monkeypatch.setattr(sys, "stdin", Stdin(listed))
    assert parse("--list", "-", "-o", tmp_path / "b", "1/03.png").code == 0
    assert masks(tmp_path / "b") == ["0/00_mask.png", "03_mask.png", "1/01_mask.png"]
    missing = parse("--list", "nowhere.txt", "-o", tmp_path / "c")
    assert (missing.code, "cannot read list nowhere.txt" in missing.err) == (2, True)


@pytest.mark.parametrize("content", [b"a.png\n" * 100, b"\xff\xfea.png"])
def test_a_list_that_is_none_is_one_line(
    content: bytes, tmp_path: Path, parse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceparse.folder.find.LONGEST_LIST", 500)
    (tmp_path / "list.txt").write_bytes(content)
    for name in (tmp_path / "list.txt", "-"):
        monkeypatch.setattr(sys, "stdin", Stdin(content))
        ran = parse("--list", name, "-o", tmp_path / "out")
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "list" in ran.err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
@pytest.mark.parametrize("words", [("--list", "/dev/zero"), ("--list", "-"), ("-",)])
def test_stdin_and_lists_without_an_end(
    words: tuple[str, ...], tmp_path: Path, parse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceparse.folder.find.LONGEST_LIST", 1 << 20)
    with Path("/dev/zero").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ran = parse(*words, "-o", tmp_path / "out")
    assert ran.code in (1, 2)
    assert ran.err.startswith(
        ("faceparse: a list of pictures has at most", "failed: cannot read stdin: it is not a")
    )


def test_stdin_to_stdout(photos: Path, tmp_path: Path, parse: Command) -> None:
    picture = photos / "0" / "02.png"
    parse(picture, "-o", tmp_path)
    piped = subprocess.run(
        [sys.executable, "-m", "faceparse", *words("-", "-o", "-")],
        input=picture.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == (tmp_path / "02_mask.png").read_bytes()


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "empty"), (b"no picture", "not a picture"), (b"\x89PNG\r\n\x1a\n", "read")]
)
def test_bad_stdin(parse: Command, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    ran = parse("-", "-o", "-")
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1


def test_stdin_to_a_folder(
    photos: Path, tmp_path: Path, parse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin((photos / "0" / "02.png").read_bytes()))
    assert parse("-", "-o", tmp_path / "out").code == 0
    assert masks(tmp_path / "out") == ["stdin_mask.png"]


def test_words_that_do_not_go_together(
    photos: Path, tmp_path: Path, faceparse: Command, parse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = photos / "0" / "02.png"
    cases = {
        ("-", "-", "-o", tmp_path): "stdin can be read only once",
        ("-", "--list", "-", "-o", tmp_path): "stdin can be read only once",
        ("-o", tmp_path): "or --list FILE",
        (): "name pictures, as in faceparse parse photo.jpg -o out",
        (one,): "name a folder for the results",
        (photos, "-o", "-", "--recursive"): "-o - takes one picture and one form, got 60 and 1",
        (one, "-o", "-", "--log", tmp_path / "log"): "--log needs an output folder, and -o - is not one",
        (one, "-o", tmp_path / "a.png", "--log", "-"): "a.png is not one",
    }
    for given, message in cases.items():
        ran = parse(*given)
        assert (ran.code, message in ran.err) == (2, True), ran.err
    two = faceparse("parse", one, "-o", "-", "--save", "mask,overlay", "--model", TINY)
    assert (two.code, "got 1 and 2" in two.err) == (2, True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ran = parse(one, "-o", "-")
    assert (ran.code, "stdout is a terminal" in ran.err) == (2, True)


def test_another_run_is_named(photos: Path, tmp_path: Path, parse: Command) -> None:
    from faceparse.folder.lock import hold_lock

    (tmp_path / "out" / ".faceparse").mkdir(parents=True)
    with hold_lock(tmp_path / "out" / ".faceparse" / "lock"):
        ran = parse(photos, "-o", tmp_path / "out", "--recursive")
    assert ran.code == 1
    assert ran.err == (
        f"faceparse: another run (process {os.getpid()}) is writing into {tmp_path / 'out'}: "
        "wait for it, or choose another folder with -o\n"
    )


def test_other_options_redo(photos: Path, tmp_path: Path, parse: Command) -> None:
    out = tmp_path / "out"
    parse(photos, "-o", out, "--recursive")
    assert "60 skipped" in parse(photos, "-o", out, "--recursive", "--jobs", 3, "--batch", 4).out
    assert "60 written" in parse(photos, "-o", out, "--recursive", "--scheme", "face2").out
