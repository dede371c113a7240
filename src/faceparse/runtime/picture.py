"""Reading pictures: whatever a user hands in becomes RGB uint8, upright.

>>> import numpy as np
>>> read_picture(np.zeros((48, 64, 3), np.uint8)).shape
(48, 64, 3)
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from faceparse.errors import ImageError

PictureSource: TypeAlias = "str | Path | bytes | Image.Image | NDArray[np.uint8]"
"""A path, an encoded file's bytes, a Pillow image, or RGB uint8 H × W × 3."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""File name endings taken for pictures in a folder."""

SMALLEST = 16
"""Shortest side of a picture that can hold a face, in pixels."""


def read_picture(source: PictureSource) -> NDArray[np.uint8]:
    """RGB uint8, H × W × 3, as it is seen: EXIF orientation applied, transparency over white.

    Args:
        source: Path, bytes of an encoded file, Pillow image, or RGB uint8 array (returned as it is).

    Raises:
        ImageError: no such file, not a picture, cut short, smaller than 16 px, a decompression bomb,
            or an array of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _check(source, "array")
    if isinstance(source, Image.Image):
        return _check(_rgb(source), "Pillow image")
    if isinstance(source, bytes):
        return _open(io.BytesIO(source), f"{len(source)} bytes")
    if isinstance(source, str | Path):
        return _open(Path(source), str(source))
    raise ImageError(
        f"a picture is a path, bytes, a Pillow image or an RGB uint8 array; got {type(source).__name__}"
    )


def _open(file: Path | io.BytesIO, name: str) -> NDArray[np.uint8]:
    try:
        if isinstance(file, Path) and file.is_file() and file.stat().st_size == 0:
            raise ImageError(f"{name} is empty (0 bytes)")
        with Image.open(file) as image:
            return _check(_rgb(image), name)
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture that Pillow can read, whatever its name says") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} unpacks to more pixels than Pillow takes as safe: {error}") from None
    except FileNotFoundError:
        raise ImageError(f"no such file: {name}") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, ImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImageError(f"cannot read {name}: {reason}") from None


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    # Orientation 1 and none, nearly all files: do not copy.
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        top = 65535 if image.mode.startswith("I") else 1
        gray = np.clip(values * (255 / top), 0, 255).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("RGB"))


def _check(image: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"expected an RGB picture, H × W × 3 uint8; got {name} of shape {image.shape} and type {image.dtype}"
        )
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST:
        raise ImageError(f"{name} is {width}×{height} px; a picture needs {SMALLEST} px or more on each side")
    return image
