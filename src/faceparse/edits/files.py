"""Edited pictures as files: in the input's format, depth and colour profile.

>>> EditedPicture(make_edits([("hair", "sienna")])).write(parsing, Path("out/photo"))  # doctest: +SKIP
(PosixPath('out/photo_edit.jpg'),)
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from faceparse.edits.base import Edit
from faceparse.edits.colour import Pixels
from faceparse.edits.editing import edit
from faceparse.errors import OutputError
from faceparse.files import write_atomic
from faceparse.labels import Scheme
from faceparse.results import Parsing
from faceparse.writers import Writer

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
"""Suffix → Pillow's name of the format; a picture with any other suffix is written as PNG."""
QUALITY = 95
"""Quality of JPEG and WebP, 0 to 100."""
_OPAQUE = ("JPEG", "BMP")
_ORIENTATION = 0x0112
_log = logging.getLogger(__name__)


class Original(NamedTuple):
    """A picture as its file holds it: in full depth, with opacity, colour profile and EXIF data.

    Attributes:
        pixels: Upright RGB or RGBA, H × W × 3 or 4, uint8 or uint16.
        profile: The ICC profile; None without one, or if it is not for RGB.
        exif: EXIF data without the orientation; None without any.
    """

    pixels: Pixels
    profile: bytes | None = None
    exif: bytes | None = None


def read_original(parsing: Parsing, file: bytes = b"") -> Original:
    """Read the picture's file in full depth: from `file`, its bytes, or else from `parsing.source`.

    Without either, the result holds `parsing.image` alone.
    """
    if not (file or parsing.source):
        return Original(parsing.image)
    file = file or Path(parsing.source).read_bytes()
    try:
        return _read_original(parsing, file)
    except Exception:  # Pillow opens no HEIC, and raises nearly any exception on damaged metadata
        return Original(parsing.image)


def _read_original(parsing: Parsing, file: bytes) -> Original:
    with Image.open(io.BytesIO(file)) as image:
        deep = ";16" in str(image.tile)  # the decoder's raw mode, such as RGB;16B, until the pixels are read
        exif = image.getexif()
        turned = exif.get(_ORIENTATION, 1)
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
        pixels: Pixels = parsing.image
        if "A" in image.getbands() or "transparency" in image.info:
            pixels = np.asarray(ImageOps.exif_transpose(image.convert("RGBA")))
        elif turned == 1 and deep:
            pixels = _deep(file, parsing.image)
        exif.pop(_ORIENTATION, None)
        if pixels.shape[:2] != parsing.size:  # another reader may turn the picture or choose another frame
            pixels = parsing.image
        kept = len(exif) and image.format != "TIFF"  # TIFF keeps the layout of its pixels in these tags
        return Original(pixels, profile, exif.tobytes() if kept else None)


def _deep(file: bytes, image: Pixels) -> Pixels:
    """Return the file's RGB of 16 bits, which Pillow reads as 8; `image` if the file has no such RGB."""
    deep = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or deep.shape[2] != 3:
        return image
    return np.asarray(deep[..., ::-1])


@cache
def _say_once(note: str) -> None:
    _log.warning("note: %s", note)


def encode(picture: Pixels, suffix: str, original: Original | None = None) -> bytes:
    """Return a picture as the bytes of a file.

    Args:
        picture: RGB or RGBA, H × W × 3 or 4, uint8 or uint16; PNG and TIFF keep uint16, other formats get it
            rounded to 8 bits.
        suffix: The file's suffix, one of `FORMATS`.
        original: Source of the colour profile and EXIF data.

    Raises:
        OutputError: an RGBA picture for JPEG or BMP, which have no transparency.
    """
    kind = FORMATS[suffix]
    if picture.shape[2] == 4 and kind in _OPAQUE:
        raise OutputError(
            f"{kind} has no transparency: name a .png, .webp or .tif file for the result, or give a colour"
        )
    if picture.dtype == np.uint16 and kind in ("PNG", "TIFF"):
        if original and (original.profile or original.exif):
            _say_once("pictures of 16 bits are written without colour profile and EXIF")
        return cv2.imencode(suffix, np.ascontiguousarray(picture[..., [2, 1, 0, 3][: picture.shape[2]]]))[
            1
        ].tobytes()
    if picture.dtype == np.uint16:
        picture = np.asarray(np.rint(picture / 257), np.uint8)
        _say_once(f"{kind} has 8 bits a channel: 16 are rounded")
    options: dict[str, Any] = {"quality": QUALITY} if kind in ("JPEG", "WEBP") else {}
    if original and original.profile:
        options["icc_profile"] = original.profile
    if original and original.exif and kind != "BMP":
        options["exif"] = original.exif
    coded = io.BytesIO()
    Image.fromarray(picture).save(coded, kind, **options)
    return coded.getvalue()


@dataclass(frozen=True)
class EditedPicture(Writer):
    """The edited picture, `STEM_edit.EXT`, in the input's format, or as PNG.

    It is a PNG if that format cannot be written, or has no transparency and an edit makes some.

    Args:
        edits: The edits, in the order in which they are applied.
    """

    name: ClassVar[str] = "edit"
    endings: ClassVar[tuple[str, ...]] = tuple(f"_edit{suffix}" for suffix in FORMATS)
    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:  # the edits have checked themselves
        pass

    def check(self, scheme: Scheme) -> None:
        for one in self.edits:
            one.check(scheme)

    @property
    def channels(self) -> int:
        """3 for RGB, 4 for RGBA."""
        return 4 if any(one.transparent for one in self.edits) else 3

    def draw(self, parsing: Parsing) -> Pixels:
        """Return `parsing.image` after the edits; a video takes its frames from here."""
        return edit(parsing, self.edits)

    def write(self, parsing: Parsing, stem: Path) -> tuple[Path, ...]:
        suffix = Path(parsing.source).suffix.lower() or ".png"
        if suffix not in FORMATS:
            _say_once(f"{suffix} files cannot be written: their edits are PNG files")
            suffix = ".png"
        elif self.channels == 4 and FORMATS[suffix] in _OPAQUE:
            _say_once(f"{FORMATS[suffix]} has no transparency: transparent edits are PNG files")
            suffix = ".png"
        path = self.beside(stem, f"_edit{suffix}")
        write_atomic(path, self.encode(parsing, path.suffix))
        return (path,)

    def encode(self, parsing: Parsing, suffix: str, file: bytes = b"") -> bytes:
        """Return the edited picture as the bytes of a file with this suffix.

        Args:
            parsing: The picture's parsing.
            suffix: One of `FORMATS`.
            file: The picture's bytes; empty: they are read from `parsing.source`.

        Raises:
            OutputError: a transparent picture for JPEG or BMP.
            LabelError: the parsing's scheme lacks a class that an edit needs.
        """
        original = read_original(parsing, file)
        if any(one.private for one in self.edits):
            original = original._replace(exif=None)
        return encode(edit(parsing, self.edits, original.pixels), suffix, original)
