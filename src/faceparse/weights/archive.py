"""Checkpoints in zip archives, the form in which some projects publish them.

PyTorch's own files are zip archives, too; this module leaves them as they are.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath

from faceparse.errors import WeightsError

ENDINGS = (".pt", ".pth", ".ckpt", ".caffemodel")
LARGEST = 1 << 32
"""Largest unpacked size of a compressed archive in bytes; the content is held in memory."""
RATIO, ALLOWANCE = 20, 1 << 26
"""An archive may unpack to RATIO times its size plus ALLOWANCE bytes: weights hardly compress."""


def unpack(path: Path) -> tuple[str, BytesIO] | None:
    """Return name and content of the checkpoint in a zip archive; None if the archive is PyTorch's own.

    Raises:
        WeightsError: no checkpoint or several; a damaged, encrypted, oversized or TorchScript archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries, size = archive.infolist(), path.stat().st_size
            total = sum(entry.file_size for entry in entries)
            # Other readers may locate the directory differently if data precedes the archive.
            if entries and min(entry.header_offset for entry in entries) > 0:
                raise zipfile.BadZipFile("other data precede its content")
            if total > max(size, min(LARGEST, ALLOWANCE + RATIO * size)):
                raise WeightsError(
                    f"{path} would unpack from {size:,} to {total:,} bytes, which is far more than weights do: refused"
                )
            names = [entry.filename for entry in entries if not entry.is_dir()]
            if any(name.endswith("/constants.pkl") for name in names):
                raise WeightsError(
                    f"{path} is a TorchScript archive, which holds code: get the plain state dict (.pt, .pth) or the "
                    "ONNX file of these weights"
                )
            if any(name.endswith("/data.pkl") for name in names):
                return None
            inside = sorted({name for name in names if _is_checkpoint(PurePosixPath(name))})
            if len(inside) != 1:
                content = ", ".join(inside[:6]) or "no checkpoint"
                raise WeightsError(f"{path} is a zip archive with {content}: unpack it and name one file")
            return PurePosixPath(inside[0]).name, BytesIO(archive.read(inside[0]))
    except WeightsError:
        raise
    except Exception as error:  # zipfile and its decompressors raise nearly any exception for a bad file
        raise WeightsError(
            f"{path} is cut short or damaged, or encrypted ({error}): get the file again, or unpack it and name the "
            "file in it"
        ) from None


def _is_checkpoint(name: PurePosixPath) -> bool:
    # macOS adds a metadata file `._NAME` for every file.
    return name.suffix in ENDINGS and not name.name.startswith(".")
