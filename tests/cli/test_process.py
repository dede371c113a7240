"""Settings of the whole process."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator

import cv2
import pytest

from faceparse.cli.process import tune_process


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_opencv_has_no_threads_of_its_own() -> None:
    program = "import cv2; from faceparse.cli.process import tune_process; tune_process(); print(cv2.getNumThreads())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_without_glibc_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    tune_process()
