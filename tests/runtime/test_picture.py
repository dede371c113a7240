"""Whatever is handed in becomes RGB uint8, upright; what cannot be says why in one line."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.errors import ImageError
from faceparse.runtime import read_picture


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_path_bytes_pillow_and_array_agree(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    image = Image.fromarray(pixels)
    path = tmp_path / "a.png"
    image.save(path)
    for source in (path, str(path), path.read_bytes(), image, pixels):
        assert (read_picture(source) == pixels).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24] = 255  # bright quarter at the seen top left
    upright = Image.fromarray(pixels)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that stores the upright picture so
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = read_picture(encoded(stored, "PNG", exif=exif))
    assert seen.shape == pixels.shape
    assert (seen == pixels).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"])
def test_modes_become_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 16), 0xFFFF, np.uint16))
    else:
        image = Image.new("RGB", (16, 16), "white").convert(mode)
    data = encoded(image, "JPEG", quality=100) if mode == "CMYK" else encoded(image, "PNG")
    assert (read_picture(data) >= 253).all()


def test_transparent_shows_white() -> None:
    data = encoded(Image.new("RGBA", (16, 16), (255, 0, 0, 0)), "PNG")
    assert (read_picture(data) == 255).all()


def bomb() -> bytes:
    """A PNG whose header claims 30,000 × 30,000 pixels."""
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def test_faults_are_one_clear_line(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("I am no picture")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    cut = tmp_path / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    cut.write_bytes(encoded(Image.fromarray(noise), "JPEG")[:1500])
    faults: dict[Path | bytes, str] = {
        tmp_path / "none.jpg": "no such file",
        text: "not a picture",
        empty: "empty",
        cut: "truncated",
        tmp_path: "Is a directory",
        b"": "not a picture",
        bomb(): "more pixels than Pillow takes as safe",
    }
    for source, message in faults.items():
        with pytest.raises(ImageError, match=message) as caught:
            read_picture(source)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 1, 3), np.uint8), "1×1 px"),
        (np.zeros((20, 20), np.uint8), "H × W × 3"),
        (np.zeros((20, 20, 4), np.uint8), "H × W × 3"),
        (np.zeros((20, 20, 3), np.float32), "float32"),
    ],
)
def test_bad_arrays_are_named(array: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_picture(array)


def test_other_types_are_named() -> None:
    with pytest.raises(ImageError, match="got int"):
        read_picture(3)  # type: ignore[arg-type]
