"""TIFF and BigTIFF: gray of 1 to 16 bits, floats, colour of 8 and 16 bits, palette, CMYK; its first page.

The first page's directory is written anew, with those tags alone that the pixels need: any of the others
may make Pillow warn. What libtiff says of damaged compressed pixels goes to standard error; nothing in Python
can prevent that.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from faceparse.errors import ImageError
from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.pieces import Piece, length_of, pieced, read_at
from faceparse.pictures.formats.pixels import Raster

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
"""Type of a value → bytes."""
_ORIENTATION = 274
_SINGLE = frozenset(
    {
        _ORIENTATION,
        256,
        257,
        259,
        262,
        266,
        277,
        278,
        284,
        292,
        293,
        317,
        322,
        323,
        332,
        334,
        512,
        513,
        514,
        515,
        531,
    }
)
"""Tags of one value: width, height, compression, colours, order of bits, samples, rows of a strip, and so on."""
_SEVERAL = frozenset({258, 273, 279, 320, 324, 325, 336, 338, 339, 519, 520, 521, 529, 530, 532})
"""Tags of several: bits, where strips and tiles lie, palette, kinds of samples, and so on."""
_BYTES = frozenset({347, 34675})
"""Tags of bytes that are one value: JPEG's tables and the colour profile."""
_UNDEFINED = 7
_COMPRESSION, _COLOURS, _SAMPLES, _PREDICTOR, _PALETTE = 259, 262, 277, 317, 320
_MOST_SAMPLES = 6
_PLACES = ((273, 279), (324, 325))
"""Where strips or tiles begin, and their sizes."""


class _Entry(NamedTuple):
    """A line of a directory: `number` values, in `data` or, where they do not fit, at the offset there."""

    tag: int
    kind: int
    number: int
    data: bytes


@dataclass(frozen=True)
class _Layout:
    """How a file writes how many entries there are, an entry, and an offset (of 8 bytes in BigTIFF)."""

    order: str
    number: struct.Struct
    entry: struct.Struct
    offset: struct.Struct


def _layout(order: str, number: str, entry: str, offset: str) -> _Layout:
    return _Layout(order, *(struct.Struct(order + letters) for letters in (number, entry, offset)))


_LAYOUTS = {
    b"II*\0": _layout("<", "H", "HHI4s", "I"),
    b"MM\0*": _layout(">", "H", "HHI4s", "I"),
    b"II+\0": _layout("<", "Q", "HHQ8s", "Q"),
    b"MM\0+": _layout(">", "Q", "HHQ8s", "Q"),
}


def _open(file: IO[bytes]) -> Opened:
    head = read_at(file, 0, 16)
    layout = _LAYOUTS[head[:4]]
    entries = _entries(file, layout, head)
    orientation = _number(layout, entries.pop(_ORIENTATION, None), 1)
    _check_complete(layout, entries)
    image = TiffImageFile(_rewritten(file, layout, head, entries))
    width, height = image.size

    def load() -> Raster:
        # Pillow would make this itself, but not without asking how large it is.
        image.im = Image.new(image.mode, image.size, None).im
        return image

    return Opened((height, width), load, orientation if 1 <= orientation <= 8 else 1)


def _entries(file: IO[bytes], layout: _Layout, head: bytes) -> dict[int, _Entry]:
    """The first directory's entries that matter, by tag; the first of several with one tag."""
    (at,) = layout.offset.unpack_from(head, layout.offset.size)
    end = length_of(file)
    (count,) = layout.number.unpack(read_at(file, at, layout.number.size))
    at += layout.number.size
    table = read_at(file, at, min(count, 0xFFFF) * layout.entry.size)
    found: dict[int, _Entry] = {}
    for raw in layout.entry.iter_unpack(table[: len(table) // layout.entry.size * layout.entry.size]):
        entry = _Entry(*raw)
        if entry.tag not in found and (kept := _kept(file, layout, entry, end)):
            found[entry.tag] = kept
    return found


def _kept(file: IO[bytes], layout: _Layout, entry: _Entry, end: int) -> _Entry | None:
    """The entry as it is to be written; None where it is not needed or not whole."""
    fits = layout.offset.size
    unit = _SIZES.get(entry.kind, 0)
    size = entry.number * unit
    largest = 1 if entry.tag in _BYTES else fits if entry.tag in _SINGLE else 8
    if not size or entry.tag not in _SINGLE | _SEVERAL | _BYTES or unit > largest:
        return None
    if size > fits:
        (offset,) = layout.offset.unpack(entry.data)
        if offset + size > end:
            return None
        if entry.tag in _SINGLE:  # too many values, as some scanners write them
            entry = entry._replace(data=read_at(file, offset, fits))
    if entry.tag in _BYTES:
        return entry._replace(kind=_UNDEFINED)
    return entry._replace(number=1) if entry.tag in _SINGLE else entry


def _check_complete(layout: _Layout, entries: dict[int, _Entry]) -> None:
    """Refuse what Pillow and libtiff would speak of on standard error."""
    samples = _number(layout, entries.get(_SAMPLES), 1)
    if samples > _MOST_SAMPLES:
        raise ValueError(f"{samples} samples per pixel")
    if _number(layout, entries.get(_PREDICTOR), 1) not in (1, 2, 3):
        raise ValueError("unknown predictor")
    if _number(layout, entries.get(_COLOURS), 0) == 3 and _PALETTE not in entries:
        raise ValueError("its palette is missing")
    compressed = _number(layout, entries.get(_COMPRESSION), 1) != 1
    if not any(place in entries and (size in entries or not compressed) for place, size in _PLACES):
        raise ValueError("its directory does not tell where the pixels are")


def _number(layout: _Layout, entry: _Entry | None, default: int) -> int:
    """An entry's value, where it is a whole number."""
    letter = {1: "B", 3: "H", 4: "I"}.get(entry.kind) if entry else None
    return struct.unpack_from(layout.order + letter, entry.data)[0] if entry and letter else default


def _rewritten(file: IO[bytes], layout: _Layout, head: bytes, entries: dict[int, _Entry]) -> IO[bytes]:
    """The file with a directory of these entries behind it, and that one alone."""
    end = length_of(file)
    sizes = (e.number * _SIZES[e.kind] for e in entries.values())
    if sum(size for size in sizes if size > layout.offset.size) > end:
        raise ValueError("its directory tells of more than there is")
    start = end + end % 2
    if start > 0xFFFFFFFF and layout.offset.size == 4:
        raise ImageError("it is TIFF of more than 4 GB")
    header = head[: layout.offset.size] + layout.offset.pack(start)
    directory = [layout.number.pack(len(entries))]
    directory += [layout.entry.pack(*entries[tag]) for tag in sorted(entries)]
    directory.append(layout.offset.pack(0))
    pieces: list[Piece] = [header, (len(header), end), b"\0" * (end % 2), *directory]
    return pieced(file, pieces)


TIFF = Format("TIFF", (".tif", ".tiff"), lambda head: head[:4] in _LAYOUTS, _open)
