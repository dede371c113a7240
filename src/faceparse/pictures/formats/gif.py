"""GIF: the first picture of an animation.

Comments are cut away, and so is what the first picture says about its end; the screen is made large
enough for it. Pillow does this too, but warns of large ones.
"""

from __future__ import annotations

import struct
from typing import IO

from PIL.GifImagePlugin import GifImageFile

from faceparse.pictures.formats.format import Format, Opened
from faceparse.pictures.formats.pieces import length_of, pieced, read_at

_EXTENSION, _PICTURE, _CONTROL = 0x21, 0x2C, 0xF9


def _open(file: IO[bytes]) -> Opened:
    head = read_at(file, 0, 13)
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    start = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    picture, control = _first_picture(file, start)
    left, top, wide, high = struct.unpack("<4H", read_at(file, picture + 1, 8))
    width, height = max(width, left + wide), max(height, top + high)
    if max(width, height) > 0xFFFF:
        raise ValueError("its first picture lies outside of any screen")
    screen = head[:6] + struct.pack("<HH", width, height) + head[10:]
    image = GifImageFile(pieced(file, [screen, (13, start), control, (picture, length_of(file))]))
    return Opened((height, width), lambda: image)


def _first_picture(file: IO[bytes], at: int) -> tuple[int, bytes]:
    """Where the first picture's descriptor is, and the extension that tells its transparent colour."""
    control = b""
    while True:
        head = read_at(file, at, 8)
        if head[:1] == bytes([_PICTURE]):
            return at, control
        if len(head) < 3 or head[0] != _EXTENSION:
            raise ValueError("there is no picture in it")
        if head[1] == _CONTROL and head[2] == 4 and len(head) == 8:
            control = bytes([*head[:3], head[3] & 1, *head[4:7], 0])
        at += 2
        while size := read_at(file, at, 1).ljust(1, b"\0")[0]:
            at += 1 + size
        at += 1


GIF = Format("GIF", (".gif",), lambda head: head[:6] in (b"GIF87a", b"GIF89a"), _open)
