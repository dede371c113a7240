"""How pictures are stored: one file per format, each taking out of a file what its pixels need and no more.

>>> [f.name for f in FORMATS if f.recognises(b"GIF89a")]
['GIF']

Decoding is Pillow's, with two exceptions: still WebP is OpenCV's and HEIC pillow-heif's. Pillow's plugins are
called by themselves, not through `Image.open`: that one warns of large pictures, which cannot be silenced
for one thread alone, and tries formats that nobody means (and one that starts Ghostscript). Metadata is cut
away before, for a damaged comment makes Pillow warn, or refuse a picture that is whole.
"""

from __future__ import annotations

from faceparse.pictures.formats.avif import AVIF
from faceparse.pictures.formats.bmp import BMP
from faceparse.pictures.formats.format import HEAD, Format, Opened
from faceparse.pictures.formats.gif import GIF
from faceparse.pictures.formats.heic import HEIC
from faceparse.pictures.formats.jpeg import JPEG
from faceparse.pictures.formats.pixels import Raster, to_rgb
from faceparse.pictures.formats.png import PNG
from faceparse.pictures.formats.tiff import TIFF
from faceparse.pictures.formats.webp import WEBP

__all__ = ["FORMATS", "HEAD", "Format", "Opened", "Raster", "to_rgb"]

FORMATS = (JPEG, PNG, WEBP, TIFF, BMP, GIF, AVIF, HEIC)
"""All formats; at most one recognises a file."""
