"""A flat folder of masks, one per part: `STEM_l_brow.png`, as `faceparse parse --save parts` writes them.

The pictures lie in a folder of their own, `STEM.jpg` or the like.
"""

from __future__ import annotations

from pathlib import Path

from faceparse.data.celebamaskhq import Source
from faceparse.data.painting import Odd
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.pictures import SUFFIXES


def sources(root: str | Path, images: str | Path, scheme: Scheme) -> tuple[list[Source], list[Odd]]:
    """Every picture that has masks, by stem, and files that belong to none. Nothing is decoded.

    >>> found, odd = sources("out", "photos", find_scheme("celebamask19"))  # doctest: +SKIP

    Args:
        root: Folder of masks.
        images: Folder of pictures.
        scheme: Its class names are the parts.

    Raises:
        DataError: no such folders, or no masks in `root`.
    """
    root, images = Path(root), Path(images)
    for folder in (root, images):
        if not folder.is_dir():
            raise DataError(f"no such folder: {folder}")
    pictures = {p.stem: p for p in sorted(images.iterdir()) if p.suffix.lower() in SUFFIXES}
    # Longest first: neck_l must not be read as a part `l` of a picture called …_neck.
    endings = sorted((f"_{name}.png" for name in scheme.classes), key=len, reverse=True)
    parts: dict[str, list[tuple[str, Path]]] = {}
    stray: list[Odd] = []
    for path in sorted(p for p in root.iterdir() if p.suffix.lower() == ".png"):
        ending = next((e for e in endings if path.name.lower().endswith(e)), None)
        if ending is None:
            if path.stem not in pictures:
                stray.append(Odd("unknown file", path.name))
            continue
        stem, name = path.name[: -len(ending)], ending[1:-4]
        if name != scheme.classes[0]:
            parts.setdefault(stem, []).append((name, path))
    if not parts:
        raise DataError(f"{root} holds no masks named STEM_PART.png with a part of scheme {scheme.name!r}")
    return [_source(stem, pictures.get(stem), tuple(found)) for stem, found in sorted(parts.items())], stray


def _source(stem: str, image: Path | None, parts: tuple[tuple[str, Path], ...]) -> Source:
    odd = () if image is not None else (Odd("masks without a picture", stem),)
    return Source(stem, image, parts, odd)
