"""Recipes in files."""

from __future__ import annotations

import sys
from pathlib import Path

from faceparse.train.settings import read_settings, recipes
from tests.fuzz import target

_NEVER = "xmlrpc.server"


class Target(target.Target):
    """No recipe imports a module."""

    text = True
    most_calls = 400_000
    calls_a_byte = 100
    words = (b"class_path: xmlrpc.server.DocXMLRPCServer", b"callbacks: [xmlrpc.server.DocXMLRPCServer]")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.inputs = {f"{name}.yaml": path.read_bytes() for name, path in recipes().items()}
        read_settings(["--data.root", "faces"])  # fills what is asked once

    def read(self, name: str, data: bytes) -> None:
        path = self.folder / name
        path.write_bytes(data)
        try:
            settings = read_settings(["--recipe", str(path), "--data.root", "faces"])
            assert settings.preprocessing
            self.size = len(str(settings.plain()))
        finally:
            assert _NEVER not in sys.modules
