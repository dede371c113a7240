"""A checkpoint in a zip archive, as some projects publish theirs.

PyTorch's own files are zip archives too; those are no archive *around* a checkpoint.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path, PurePosixPath

from faceparse.errors import WeightsError

ENDINGS = (".pt", ".pth", ".ckpt", ".caffemodel")
LARGEST = 1 << 32
"""Bytes that are unpacked at most; they are held in memory."""


def unpack(path: Path) -> tuple[str, BytesIO] | None:
    """Name and content of the checkpoint in a zip archive; None where the archive is PyTorch's own.

    Raises:
        WeightsError: none or several in it; larger than 4 GiB, encrypted, or damaged; TorchScript.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
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
                raise WeightsError(
                    f"{path} is a zip archive with {content} in it: unpack it and name one file"
                )
            if archive.getinfo(inside[0]).file_size > LARGEST:
                raise WeightsError(
                    f"{inside[0]} in {path} has more than {LARGEST:,} bytes: unpack it and name the file"
                )
            return PurePosixPath(inside[0]).name, BytesIO(archive.read(inside[0]))
    except WeightsError:
        raise
    except Exception as error:  # zipfile and what it unpacks with raise nearly every kind for a bad file
        raise WeightsError(
            f"{path} is cut short or damaged, or encrypted ({error}): get the file again, or unpack it and name the "
            "file in it"
        ) from None


def _is_checkpoint(name: PurePosixPath) -> bool:
    # macOS adds a shadow `._NAME` of every file.
    return name.suffix in ENDINGS and not name.name.startswith(".")
