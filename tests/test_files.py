"""Files are written whole or not at all."""

import hashlib
import json
from pathlib import Path

import pytest

from faceparse.errors import OutputError
from faceparse.files import atomic, json_bytes
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


def test_json_keeps_names_that_are_no_utf8() -> None:
    names = ["caf\udce9.jpg", "名.jpg"]
    data = json_bytes(names)
    assert json.loads(data.decode("utf-8")) == names
    assert data == '["caf\\udce9.jpg","名.jpg"]'.encode()
    assert json_bytes({"a": 1}, indent=2) == b'{\n  "a": 1\n}'
