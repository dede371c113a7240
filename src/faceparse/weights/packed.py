"""A checkpoint in a zip archive, as some projects publish theirs.

PyTorch's own files are zip archives too; those are no archive *around* a checkpoint.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from faceparse.errors import WeightsError

ENDINGS = (".pt", ".pth", ".ckpt", ".caffemodel")
LARGEST = 1 << 32
"""Bytes that are unpacked at most; they are held in memory."""

_ENCRYPTED = 0x1
FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # NotImplementedError among them: an unknown compression
    ValueError,
)


@dataclass(frozen=True)
class Packed:
    """The one checkpoint in an archive.

    Attributes:
        archive: The archive.
        name: The file's name in it, without folders.
        info: What the archive says of it.
    """

    archive: Path
    name: str
    info: zipfile.ZipInfo

    def read(self) -> bytes:
        """The file.

        Raises:
            WeightsError: larger than 4 GiB, encrypted, or damaged.
        """
        if self.info.file_size > LARGEST:
            raise WeightsError(
                f"{self.name} in {self.archive} has {self.info.file_size:,} bytes: unpack it and name the file"
            )
        if self.info.flag_bits & _ENCRYPTED:
            raise WeightsError(f"{self.name} in {self.archive} is encrypted: unpack it and name the file")
        try:
            with zipfile.ZipFile(self.archive) as archive:
                return archive.read(self.info)
        except FAULTS:
            raise WeightsError(
                f"{self.name} in {self.archive} is cut short or damaged: get the file again"
            ) from None


def packed_file(path: Path) -> Packed | None:
    """The checkpoint in a zip archive; None where there is none, it is PyTorch's own, or it cannot be read.

    Raises:
        WeightsError: several of them.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        return None
    if any(i.filename.endswith("/data.pkl") for i in infos):
        return None
    found = {i.filename: i for i in infos if not i.is_dir() and _is_checkpoint(PurePosixPath(i.filename))}
    if len(found) > 1:
        listed = ", ".join(sorted(found)[:6])
        raise WeightsError(f"{path} holds several checkpoints ({listed}): unpack it and name one")
    return next((Packed(path, PurePosixPath(name).name, info) for name, info in found.items()), None)


def _is_checkpoint(name: PurePosixPath) -> bool:
    # macOS adds a shadow `._NAME` of every file.
    return name.suffix in ENDINGS and not name.name.startswith(".")
