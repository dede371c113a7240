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
    """Name and content of the checkpoint in a zip archive; None where there is none, or it is PyTorch's own.

    Raises:
        WeightsError: several of them; larger than 4 GiB, encrypted, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename for info in archive.infolist() if not info.is_dir()}
            inside = sorted(name for name in names if _is_checkpoint(PurePosixPath(name)))
            if not inside or any(name.endswith("/data.pkl") for name in names):
                return None
            if len(inside) > 1:
                raise WeightsError(
                    f"{path} holds several checkpoints ({', '.join(inside[:6])}): unpack it and name one"
                )
            if archive.getinfo(inside[0]).file_size > LARGEST:
                raise WeightsError(
                    f"{inside[0]} in {path} has more than {LARGEST:,} bytes: unpack it and name the file"
                )
            return PurePosixPath(inside[0]).name, BytesIO(archive.read(inside[0]))
    except WeightsError:
        raise
    except RuntimeError:
        raise WeightsError(
            f"{path} is encrypted or packed in another way than Python reads: unpack it and name the file in it"
        ) from None
    except Exception:  # zipfile and what it unpacks with raise nearly every kind for a bad file
        raise WeightsError(f"{path} is cut short or damaged: get the file again") from None


def _is_checkpoint(name: PurePosixPath) -> bool:
    # macOS adds a shadow `._NAME` of every file.
    return name.suffix in ENDINGS and not name.name.startswith(".")
