"""A picture of 12,000 × 9,000 pixels goes through the whole command in 1.5 GB."""

import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 12_000, 9_000
LIMIT = 1_500_000_000

# Not resource.getrusage: what it calls the peak begins with that of the process it was started from.
COMMAND = """
import re, sys
from faceparse.cli.main import main
sys.argv = ["faceparse", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code
status = open("/proc/self/status").read()
print("PEAK", re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory as Linux tells it")
def test_memory_of_a_large_picture(tmp_path: Path, collins: NDArray[np.uint8]) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, 1500:10500] = cv2.resize(collins[..., ::-1], (9000, HEIGHT), interpolation=cv2.INTER_LINEAR)
    photo, out = tmp_path / "photo.jpg", tmp_path / "out"
    photo.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    del picture
    arguments = ["parse", str(photo), "-o", str(out), "--save", "mask,overlay"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    peak = int(done.stdout.split("PEAK")[1]) * 1024
    assert peak < LIMIT
    header = (out / "photo_mask.png").read_bytes()[16:24]
    assert struct.unpack(">II", header) == (WIDTH, HEIGHT)
    overlay = cv2.imread(str(out / "photo_overlay.jpg"), cv2.IMREAD_REDUCED_COLOR_8)
    assert overlay is not None
    assert overlay.shape[:2] == (HEIGHT // 8, WIDTH // 8)
