"""A server in this process, with the tiny model."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("fastapi", "fastapi_swagger", "httpx", "psutil", "python_multipart", "uvicorn")
collect_ignore_glob = [] if all(map(find_spec, PACKAGES)) else ["test_*.py"]
"""Without the extra `serve` there is nothing to test."""

Connect = Callable[..., Any]


@pytest.fixture
def connect(tiny_path: Path) -> Connect:
    """`connect(queue=0)`: a client of a server with these settings."""
    from fastapi.testclient import TestClient

    from faceparse.serve import Settings, create_app

    def one(engine: Any = None, **settings: Any) -> TestClient:
        return TestClient(create_app(Settings(model=str(tiny_path), **settings), engine))

    return one


@pytest.fixture
def client(connect: Connect) -> Any:
    return connect()


@pytest.fixture
def photo(collins_path: Path) -> bytes:
    return collins_path.read_bytes()
