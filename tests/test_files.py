"""Files are written whole or not at all."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from faceparse.errors import OutputError
from faceparse.files import atomic, json_bytes, open_regular
from faceparse.weights.hashing import sha256


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.bin"
    with atomic(target, make_folder=True) as file:
        file.write_bytes(b"one")
        assert not target.exists()
    assert target.read_bytes() == b"one"
    assert [p.name for p in target.parent.iterdir()] == ["a.bin"]


def test_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(TypeError), atomic(target, overwrite=True) as file:
        file.write_bytes(b"half" + None)  # type: ignore[operator]  # fails between opening and moving
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"), atomic(tmp_path / "a.bin"):
        pytest.fail("the block must not run")
    with pytest.raises(OutputError, match="is a folder"), atomic(tmp_path):
        pytest.fail("the block must not run")
    with (
        pytest.raises(OutputError, match="cannot write"),
        atomic(tmp_path / "a.bin" / "b.bin", make_folder=True),
    ):
        pytest.fail("the block must not run")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
@pytest.mark.parametrize("linked", [False, True])
def test_a_device_or_pipe_is_not_replaced(linked: bool, tmp_path: Path) -> None:
    """Whoever may write into /dev would lose /dev/null."""
    pipe = target = tmp_path / "pipe"
    os.mkfifo(pipe)
    if linked:
        target = tmp_path / "link"
        target.symlink_to(pipe)
    with pytest.raises(OutputError, match="is a device or pipe: name a file"), atomic(target, overwrite=True):
        pytest.fail("the block must not run")
    assert target.is_fifo()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it: opening it as files are opened would wait for ever
    for name in ("file", "link"):
        if name == "link":
            (tmp_path / name).symlink_to("file")
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"abc"
    for name, message in (("pipe", "not a regular file"), (".", "directory"), ("none", "No such file")):
        with pytest.raises(OSError, match=message):
            open_regular(tmp_path / name)


def test_json_keeps_names_that_are_no_utf8() -> None:
    names = ["caf\udce9.jpg", "名.jpg"]
    data = json_bytes(names)
    assert json.loads(data.decode("utf-8")) == names
    assert data == '["caf\\udce9.jpg","名.jpg"]'.encode()
    assert json_bytes({"a": 1}, indent=2) == b'{\n  "a": 1\n}'
