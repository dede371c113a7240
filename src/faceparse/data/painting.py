"""Painting of one label map from one mask per part, in the order of a scheme's labels.

CelebAMask-HQ's parts overlap (hair lies over skin and brows, glasses over eyes), so the painting order
changes the ground truth. Each published order is the label order of a scheme: `maskgan19` paints as MaskGAN
does, `celebamask19` as zllrunning's and yakhyo's BiSeNet (hair over glasses), `segface-celeb19` as SegFace
and FaRL (glasses over eyes and hair).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceparse.data.finding import Finding
from faceparse.data.reading import read_mask
from faceparse.errors import DataError
from faceparse.labels import Scheme

_SMALLEST, _LARGEST = 16, 4096  # the pictures have 1024 px; a much larger size would fill the memory


def paint(
    masks: Mapping[str, NDArray[np.bool_]], scheme: Scheme, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Paint masks one over another in the scheme's label order; pixels without a mask are background.

    >>> from faceparse.labels import scheme
    >>> both = np.ones((1, 2), bool)
    >>> paint({"hair": both, "skin": both}, scheme("celebamask19"), (1, 2)).tolist()
    [[17, 17]]

    Args:
        masks: Class name → mask, H × W; classes that the scheme does not have are left out.
        scheme: Scheme of the label map.
        shape: (H, W) of the label map.
    """
    labels = np.zeros(shape, np.uint8)
    for label, name in enumerate(scheme.classes):
        if name in masks:
            labels[masks[name]] = label
    return labels


def paint_files(files: Mapping[str, Path], scheme: Scheme) -> tuple[NDArray[np.uint8], list[Finding]]:
    """Paint a label map from the mask files of one picture, and return it with findings about the files.

    Masks are resized to the most frequent size (nearest pixel).

    Args:
        files: Class name → mask file.
        scheme: Scheme of the label map.

    Raises:
        DataError: a file that cannot be read, or no file.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    files_by_note: dict[str, list[str]] = {}
    for name, path in files.items():
        masks[name], notes = read_mask(path)
        for note in notes:
            files_by_note.setdefault(note, []).append(path.name)
    if not masks:
        raise DataError("a picture without masks has no label map")
    findings = [
        Finding(note, names[0] + (f" and {len(names) - 1} more" if names[1:] else ""))
        for note, names in files_by_note.items()
    ]
    shapes = [m.shape for m in masks.values()]
    height, width = max(set(shapes), key=lambda s: (shapes.count(s), s))
    for name, mask in masks.items():
        if mask.shape != (height, width):
            sizes = f"{mask.shape[1]}×{mask.shape[0]}, others {width}×{height}"
            findings.append(Finding("mask of another size", f"{files[name].name}: {sizes}"))
            masks[name] = resize(mask.astype(np.uint8), (width, height)).astype(bool)
    return paint(masks, scheme, (height, width)), findings


def match_sizes(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], size: str | int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Resize a picture and its label map to one size.

    Args:
        image: The picture, RGB uint8.
        labels: The label map, H × W uint8, perhaps of another size.
        size: `masks` for the label map's size, `images` for the picture's size, or a number of pixels for
            both sides. Pictures are resized bilinearly with antialiasing, label maps by nearest neighbour.
    """
    height, width = {"masks": labels.shape, "images": image.shape[:2]}.get(str(size), (size, size))
    target = (int(width), int(height))
    return resize(image, target, Image.Resampling.BILINEAR), resize(labels, target)


def resize(
    picture: NDArray[np.uint8],
    size: tuple[int, int],
    method: Image.Resampling = Image.Resampling.NEAREST,
) -> NDArray[np.uint8]:
    """Resize a picture or label map to (width, height); return the same array if it has this size."""
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, method))


def check_size(size: str | int) -> str | int:
    """Convert the value of `--size` to `masks`, `images` or a number of pixels, 16 to 4096.

    >>> check_size("512")
    512

    Raises:
        DataError: any other value.
    """
    if size in ("masks", "images"):
        return size
    pixels = int(size) if str(size).isdecimal() else 0
    if not _SMALLEST <= pixels <= _LARGEST:
        rule = f"masks, images or a number of pixels, {_SMALLEST} to {_LARGEST}"
        raise DataError(f"size is {rule}; got {size!r}")
    return pixels


def encode_labels(labels: NDArray[np.uint8], scheme: Scheme) -> bytes:
    """Return a label map as a PNG in the scheme's colours: pixel value = label."""
    picture = Image.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(scheme.palette.tobytes())
    file = io.BytesIO()
    # On label maps, run-length coding is several times as fast as zlib's default, and files are smaller.
    picture.save(file, "PNG", compress_type=zlib.Z_RLE)
    return file.getvalue()
