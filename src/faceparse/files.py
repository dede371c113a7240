"""Safe reading and writing of files: a file is written completely or not at all.

>>> from pathlib import Path
>>> with atomic(Path("mask.png")) as file:  # doctest: +SKIP
...     file.write_bytes(b"...")
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from faceparse.errors import OutputError

TEMPORARY = 60
"""Characters of a file's name in its temporary file's: 60 of 4 bytes fit into 255 bytes with what is added."""


def check_output(path: Path, option: str = "") -> None:
    """Refuse an output path that is a folder, device or pipe, which a new file would replace.

    >>> check_output(Path("/dev/null"), "--json ")  # doctest: +SKIP
    Traceback (most recent call last):
    faceparse.errors.OutputError: --json /dev/null is a device or pipe: name a file

    Raises:
        OutputError: a folder, a device or a pipe.
    """
    if os.path.exists(path) and not path.is_file():  # noqa: PTH110 (of any name)
        raise OutputError(
            f"{option}{path} is a {'folder' if path.is_dir() else 'device or pipe'}: name a file"
        )


@contextmanager
def atomic(path: Path, *, overwrite: bool = False, make_folder: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; after the block, the temporary file replaces `path`.

    If the block fails, `path` does not change and the temporary file is removed.

    Args:
        path: The file to write.
        overwrite: Whether `path` may exist already.
        make_folder: Whether to make a missing folder of `path`.

    Raises:
        OutputError: `path` exists and `overwrite` is False, is not a regular file, or cannot be written.
    """
    check_output(path)
    if os.path.exists(path) and not overwrite:  # noqa: PTH110
        raise OutputError(f"{path} exists already: name another file, or allow overwriting it (--overwrite)")
    # Not tempfile: its files are readable by their owner only, and the finished file would be too.
    temporary = path.with_name(f".{path.name[:TEMPORARY]}.{secrets.token_hex(4)}.part")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # the folder may not exist
            temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes | memoryview) -> None:
    """Write or replace a file, completely or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic(path, overwrite=True) as temporary:
        temporary.write_bytes(data)


def open_regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a regular file to read its bytes; refuse pipes and devices, which may wait or never end.

    >>> open_regular("/dev/zero")  # doctest: +SKIP
    Traceback (most recent call last):
    OSError: [Errno 22] it is not a regular file: '/dev/zero'

    Raises:
        OSError: no such file, a folder, a named pipe or a device.
    """
    # O_NONBLOCK, because opening a named pipe would wait for a writer.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    return file


def json_bytes(content: object, *, indent: int | None = None) -> bytes:
    r"""Convert plain data to JSON in UTF-8, without spaces if `indent` is None.

    >>> json_bytes({"file": "caf\udce9.jpg"})
    b'{"file":"caf\\udce9.jpg"}'

    A file name whose bytes are not UTF-8 has lone surrogates in Python. They become JSON escapes,
    which `json.loads` and `os.fsencode` convert back to the name.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(content, ensure_ascii=False, indent=indent, separators=separators)
    return text.encode("utf-8", "backslashreplace")


def make_folder(folder: Path) -> None:
    """Make an output folder and missing folders above it.

    Raises:
        OutputError: the folder cannot be made or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fault = "it is a file; name a folder" if folder.is_file() else error.strerror or error
        raise OutputError(f"cannot make output folder {folder}: {fault}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"output folder {folder} is not writable: choose another")
