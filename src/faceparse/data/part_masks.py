"""A flat folder of part masks `STEM_l_brow.png`, as `faceparse parse --save parts` writes them.

The pictures, `STEM.jpg` for example, are in another folder.
"""

from __future__ import annotations

from pathlib import Path

from faceparse.data.celebamaskhq import PictureFiles
from faceparse.data.finding import Finding
from faceparse.errors import DataError
from faceparse.labels import Scheme
from faceparse.pictures import SUFFIXES


def find_pictures(
    root: str | Path, images: str | Path, scheme: Scheme
) -> tuple[list[PictureFiles], list[Finding]]:
    """Find the files of each picture with masks, by stem, and findings about other files; decode nothing.

    >>> pictures, findings = find_pictures("out", "photos", find_scheme("celebamask19"))  # doctest: +SKIP

    Args:
        root: Folder of masks.
        images: Folder of pictures.
        scheme: Scheme whose class names are the parts.

    Raises:
        DataError: no such folder, or no masks in `root`.
    """
    root, images = Path(root), Path(images)
    for folder in (root, images):
        if not folder.is_dir():
            raise DataError(f"no such folder: {folder}")
    pictures = {p.stem: p for p in sorted(images.iterdir()) if p.suffix.lower() in SUFFIXES}
    # Longest first, so that neck_l is not read as a part `l` of a picture …_neck.
    endings = sorted((f"_{name}.png" for name in scheme.classes), key=len, reverse=True)
    masks: dict[str, dict[str, Path]] = {}
    stray: list[Finding] = []
    for path in sorted(p for p in root.iterdir() if p.suffix.lower() == ".png"):
        ending = next((e for e in endings if path.name.lower().endswith(e)), None)
        if ending is None:
            if path.stem not in pictures:
                stray.append(Finding("unknown file", path.name))
            continue
        stem, name = path.name[: -len(ending)], ending[1:-4]
        if name != scheme.classes[0]:
            masks.setdefault(stem, {})[name] = path
    if not masks:
        raise DataError(f"{root} holds no masks named STEM_PART.png with a part of scheme {scheme.name!r}")
    files = [PictureFiles(stem, pictures.get(stem), parts) for stem, parts in sorted(masks.items())]
    for picture in files:
        if picture.image is None:
            picture.findings.append(Finding("masks without a picture", picture.name))
    return files, stray
