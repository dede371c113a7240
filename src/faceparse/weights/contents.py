r"""Check by a file's first bytes whether its content matches its name.

>>> foreign(b"<!DOCTYPE html><html>", "model.onnx")
'a web page'
>>> foreign(b"PK\x03\x04", "model.pt") is None
True
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from faceparse.errors import WeightsError
from faceparse.files import open_regular

HEAD = 512
"""Bytes at the start of a file that suffice to recognise its kind."""

_LFS = b"version https://git-lfs"
_PYTORCH = (b"PK\x03\x04", b"\x80")  # torch.save since 1.6, and before
_STARTS: Mapping[str, tuple[bytes, ...]] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin"), _PYTORCH),
    ".zip": (b"PK\x03\x04",),
    ".onnx": (b"\x08",),  # every ONNX writer begins with field 1, the format's version
}


def foreign(head: bytes, name: str) -> str | None:
    """Return the kind of a file whose content does not match its name; None if it may match.

    Args:
        head: The file's first `HEAD` bytes.
        name: File name; its suffix determines the expected content.
    """
    if not head:
        return "an empty file"
    if head.startswith(_LFS):
        return "a Git LFS pointer"
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error")):
        return "a web page"
    ending = PurePosixPath(name).suffix.lower()
    fits = head[8:9] == b"{" if ending == ".safetensors" else head.startswith(_STARTS.get(ending, b""))
    return None if fits else f"no {ending} file (it begins with {head[:12].decode('latin-1')!a})"


def read_head(path: Path, kind: str = "checkpoint") -> bytes:
    """Return the first `HEAD` bytes of a weights file.

    Raises:
        WeightsError: no such file, a folder, a pipe, an empty file, or a Git LFS pointer.
    """
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
    except OSError as error:
        fault = "it is a folder" if path.is_dir() else error.strerror
        raise WeightsError(f"no {kind} file {path}: {fault}") from None
    if not head:
        raise WeightsError(f"{path} is empty: get the file again")
    if head.startswith(_LFS):
        raise WeightsError(
            f"{path} is a Git LFS pointer, not the {kind} itself: run `git lfs pull` there, or download the file "
            "from its release page"
        )
    return head
