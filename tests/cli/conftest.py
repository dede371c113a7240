"""Running the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from faceparse.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def faceparse(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`faceparse("parse", path, "-o", out)` as in a shell."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Ran:
        try:
            main([str(w) for w in words])
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run
