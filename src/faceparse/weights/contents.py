r"""Telling by its first bytes whether a file is what its name says, or what servers send instead.

>>> foreign(b"<!DOCTYPE html><html>", "model.onnx")
'a web page'
>>> foreign(b"PK\x03\x04", "model.pt") is None
True
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

HEAD = 512
"""Bytes that `foreign` wants to see."""

_PYTORCH = (b"PK\x03\x04", b"\x80")  # torch.save since 1.6, and before
_STARTS: Mapping[str, tuple[bytes, ...]] = {
    ".pt": _PYTORCH,
    ".pth": _PYTORCH,
    ".ckpt": _PYTORCH,
    ".bin": _PYTORCH,
    ".zip": (b"PK\x03\x04",),
    ".onnx": (b"\x08",),  # every ONNX writer begins with field 1, the format's version
}


def foreign(head: bytes, name: str) -> str | None:
    """What the file is instead of what its name says; None where nothing speaks against it.

    Args:
        head: Its first `HEAD` bytes.
        name: File name; its ending says what is expected.
    """
    if not head:
        return "an empty file"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error")):
        return "a web page"
    ending = PurePosixPath(name).suffix.lower()
    fits = head[8:9] == b"{" if ending == ".safetensors" else head.startswith(_STARTS.get(ending, b""))
    return None if fits else f"no {ending} file (it begins with {head[:12].decode('latin-1')!a})"
