"""Engines that travel to other processes, and pictures to parse."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceparse.engines import FakeEngine
from faceparse.scale import Parse
from faceparse.weights import card


def bright_is_hair(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits (B, 19, H / 8, W / 8): hair where a normalised picture is bright, else background."""
    small = image.mean(1)[:, 4::8, 4::8]
    logits = np.zeros((len(image), 19, *small.shape[1:]), np.float32)
    logits[:, 17], logits[:, 0] = small, -small
    return logits


class Deadly:
    """Logits as above, but an all-white picture kills the process: each time, or, with a marker file, the first time."""

    def __init__(self, marker: Path | None = None) -> None:
        self.marker = marker

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if image.min() > 1.5 and not (self.marker and self.marker.exists()):
            if self.marker:
                self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return bright_is_hair(image)


def fake_parse(logits: Callable[..., Any] = bright_is_hair, **options: Any) -> Parse:
    return Parse(FakeEngine(card("bisenet-resnet18-zllrunning"), logits), faces="whole", **options)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 12 small pictures, half bright and half dark, of which `white.png` is all white, and a damaged one."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    picture = np.zeros((24, 32, 3), np.uint8)
    picture[:, :16] = 200
    for number in range(11):
        Image.fromarray(picture).save(folder / "sub" / f"{number}.png")
    Image.new("RGB", (32, 24), "white").save(folder / "white.png")
    (folder / "bad.jpg").write_bytes(b"not a picture")
    return folder
