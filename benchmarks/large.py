"""Parse pictures of 12,000 × 9,000 pixels in every format, each by the whole command: peak memory.

python benchmarks/large.py
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.pictures.kinds import decodes  # noqa: E402

WIDTH, HEIGHT = 12_000, 9_000
FORMATS = {
    "JPEG": ("a.jpg", {"quality": 90}),
    "JPEG, progressive, 4:4:4": ("b.jpg", {"quality": 90, "progressive": True, "subsampling": 0}),
    "PNG": ("a.png", {"compress_level": 1}),
    "PNG, RGBA": ("b.png", {"compress_level": 1}),
    "WebP": ("a.webp", {"method": 0}),
    "TIFF": ("a.tif", {}),
    "TIFF, LZW": ("b.tif", {"compression": "tiff_lzw"}),
    "BMP": ("a.bmp", {}),
    "GIF": ("a.gif", {}),
    "AVIF": ("a.avif", {"speed": 10}),
    "HEIC": ("a.heic", {}),
}
# The peak as Linux tells it of this process alone: getrusage's begins with its parent's.
COMMAND = """
import re, sys
from faceparse.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code
print("PEAK", re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def picture() -> Image.Image:
    """The portrait of the examples, twelve times."""
    portrait = cv2.imread(str(ROOT / "examples" / "collins.jpg"), cv2.IMREAD_COLOR_RGB)
    assert portrait is not None
    tile = cv2.resize(portrait, (WIDTH // 4, HEIGHT // 3), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.tile(tile, (3, 4, 1)))


def save(image: Image.Image, name: str, path: Path, options: dict[str, object]) -> None:
    if name == "HEIC":
        import pillow_heif

        pillow_heif.from_pillow(image).save(path)
        return
    if name == "PNG, RGBA":
        image = image.copy()
        image.putalpha(200)
    (image.quantize(256, dither=Image.Dither.NONE) if name == "GIF" else image).save(path, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--formats", default="", help="only those whose names begin so")
    chosen = parser.parse_args().formats
    missing = {"AVIF": not decodes("avif"), "HEIC": not decodes("pillow_heif")}
    image = picture()
    print("| file | MB | peak memory in MB |\n|---|---|---|")
    for name, (file, options) in FORMATS.items():
        if not name.startswith(chosen) or missing.get(name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, file)
            save(image, name, path, options)
            arguments = ["parse", str(path), "-o", folder, "--save", "mask,overlay"]
            done = subprocess.run(
                [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, text=True, check=True
            )
            found = re.search(r"PEAK (\d+)", done.stdout)
            assert found
            peak = int(found[1]) * 1024 / 1e6
            print(f"| {name} | {path.stat().st_size / 1e6:.0f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
