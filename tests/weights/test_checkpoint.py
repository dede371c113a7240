"""Files that are no checkpoint, and cards inside safetensors: all without torch."""

import io
import json
import os
import pickle
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from faceparse.errors import MissingExtraError, WeightsError
from faceparse.weights import card, read_checkpoint, safetensors_card
from faceparse.weights.checkpoint import CARD_KEY

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 53289463\n"


class Runs:
    """Unpickling it would call something."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")  # dated 1980: test ids stay the same
    return buffer.getvalue()


def encrypted(name: str) -> bytes:
    content = bytearray(zipped(name))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    return bytes(content)


def claiming(size: int, *names: str) -> bytes:
    """An archive whose directory says that each file has so many bytes."""
    content = bytearray(zipped(*names))
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 24 : at + 28] = size.to_bytes(4, "little")
        at += 4
    return bytes(content)


def behind(prefix: bytes, name: str) -> bytes:
    """An archive with something before it, as a program that unpacks itself has."""
    return zipped(name) + prefix + zipped(name)


def damaged(name: str) -> bytes:
    return zipped(name).replace(name.encode() + b"x", name.encode() + b"y")


def safetensors(metadata: dict[str, str] | None = None, end: int = 4) -> bytes:
    header: dict[str, object] = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, end]}}
    if metadata is not None:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pth", b"", "is empty"),
        ("a.pth", LFS, "Git LFS pointer.*git lfs pull"),
        ("a.safetensors", LFS, "Git LFS pointer"),
        ("a.pth", b"hello, this is text", "is not a checkpoint.*starts with 'hello, this "),
        ("a.pth", b"<!DOCTYPE html><html>", "is not a checkpoint.*is it a web page"),
        ("a.pth", b"\x89PNG\r\n\x1a\n" + bytes(20), "is not a checkpoint"),
        ("a.onnx", b"\x08\x08\x12\x07pytorch", "is not a checkpoint.*an ONNX file runs as it is"),
        ("a.pt", zipped("m/data.pkl", "m/constants.pkl", "m/code/m.py"), "TorchScript archive"),
        ("a.zip", zipped("weights.txt"), "zip archive with no checkpoint: unpack it"),
        ("a.zip", zipped("deep/weights.pt"), "is not a checkpoint.*starts with 'x'"),
        (
            "a.zip",
            zipped("a.pt", "__MACOSX/._a.pt", "b.pth"),
            "zip archive with a.pt, b.pth: unpack it",
        ),
        ("a.zip", encrypted("a.pt"), "a.zip is cut short or damaged, or encrypted .*: .*unpack it"),
        ("a.zip", damaged("a.pt"), "a.zip is cut short or damaged"),
        pytest.param(
            *("a.pt", encrypted("m/data.pkl"), "is cut short or damaged"),
            marks=pytest.mark.skipif(not find_spec("torch"), reason="torch finds it"),
        ),
        ("a.zip", claiming(1 << 31, "a.pt"), r"would unpack from \d+ to 2,147,483,648 bytes"),
        ("a.zip", claiming(1 << 31, "a.caffemodel", "b.txt"), "would unpack"),
        ("a.pt", claiming(1 << 31, "m/data.pkl", "m/data/0"), "would unpack"),
        ("a.pt", claiming(40_000_000, "m/data.pkl", "m/data/0"), "would unpack"),
        ("a.pt", behind(b"", "m/data.pkl"), "cut short or damaged"),
        ("a.pth", zipped("m/data.pkl", "m/data/0")[:60], "cut short or damaged"),
        ("a.pth", pickle.dumps({"a": 1}), "a pickle that PyTorch did not save may run code"),
        (
            "a.pth",
            pickle.dumps({"a": Runs(os.system, "false")}),
            "a pickle that PyTorch did not save may run code",
        ),
        (
            "a.pth",
            pickle.dumps({"a": Runs(eval, "1")}, protocol=2),
            "a pickle that PyTorch did not save may run code",
        ),
        ("a.safetensors", b"not safetensors at all", "is not a safetensors file"),
        ("a.safetensors", zipped("m/data.pkl"), "is not a safetensors file"),
        ("a.safetensors", safetensors()[:-1], "cut short or damaged"),
        ("a.safetensors", safetensors()[:40], "cut short or damaged"),
        ("a.bin", safetensors(end=4000), "cut short or damaged"),
    ],
)
def test_bad_files_get_one_clear_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as raised:
        read_checkpoint(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == content


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint file"):
        read_checkpoint(tmp_path / "nowhere.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_without_torch_the_install_command_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "safetensors.torch", raising=False)  # it imports torch
    path = tmp_path / name
    path.write_bytes(zipped("m/data.pkl") if name == "a.pth" else safetensors())
    with pytest.raises(
        MissingExtraError, match=rf"reading {name} needs torch.*pip install 'faceparse\[torch\]'"
    ):
        read_checkpoint(path)


def test_the_card_inside_a_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    wanted = card("bisenet-resnet18-zllrunning")
    path.write_bytes(safetensors({CARD_KEY: wanted.to_json()}))
    assert safetensors_card(path) == wanted
    path.write_bytes(safetensors({"format": "pt"}))
    assert safetensors_card(path) is None
    path.write_bytes(safetensors())
    assert safetensors_card(path) is None


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        "3",
        '{"__metadata__": 3}',
        '{"__metadata__": {"faceparse.card": 3}}',
        '{"w": 3}',
        '{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}',
        '{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1000000000000000000000000000000]}}',
        '{"w": ' + "[" * 100_000,
        "{" + "9" * 5000,
    ],
)
def test_a_header_of_wrong_types_is_damage(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.safetensors"
    text = header.encode().ljust(16)
    if not text.startswith((b'{"', b"{}")):
        text = b'{"' + text
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(WeightsError, match="cut short or damaged"):
        safetensors_card(path)


@pytest.mark.parametrize("content", [b"{}", b"{}".ljust(1 << 23)])
def test_a_very_long_header_is_not_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(max(len(content), 1 << 22).to_bytes(8, "little") + content)
    with pytest.raises(WeightsError, match="cut short or damaged"):
        safetensors_card(path)


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("{}", r"id: missing"), ("[]", "card")])
def test_a_damaged_card_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors({CARD_KEY: text}))
    with pytest.raises(WeightsError, match=message):
        safetensors_card(path)
