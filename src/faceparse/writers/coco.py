"""COCO files of one picture each → one of all of them, in steady memory."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from faceparse.errors import OutputError
from faceparse.files import atomic, json_bytes

OURS = b'{"info":{"description":"faceparse"'
"""How our files begin: no other is overwritten."""


class Piece(NamedTuple):
    """The COCO file of one picture, and the folder that its picture's name is relative to."""

    path: Path
    folder: Path


def image_id(file: str) -> int:
    """A number for a file name, the same in every run; of 52 bits: JSON keeps it, two names hardly share it."""
    return int(sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:13], 16)


def join(path: Path, pieces: Iterable[Piece]) -> bool:
    """Write the pieces as one file, their file names relative to its folder; False where there are none.

    Raises:
        OutputError: a place that cannot be written to, a file in the way that is not ours, a piece that is
            missing, damaged, or of other categories than the first.
    """
    contents = _read_all(pieces)
    first = next(contents, None)
    if first is None:
        return False
    if path.is_file() and not _is_ours(path):
        raise OutputError(f"{path} exists and is not by faceparse: move it, or choose another output folder")
    with atomic(path, overwrite=True) as temporary, temporary.open("wb") as file:
        _write_joined(file, path.parent, chain([first], contents))
    return True


def _write_joined(file: IO[bytes], home: Path, contents: Iterator[tuple[Piece, dict[str, Any]]]) -> None:
    """Images go to the file as they come, annotations after them by way of a file of their own."""
    start: tuple[Piece, dict[str, Any]] | None = None
    count = 0
    with tempfile.TemporaryFile(dir=home) as annotations:
        for piece, content in contents:
            head = {"info": content["info"], "licenses": [], "categories": content["categories"]}
            if start is None:
                start = piece, head
                file.write(json_bytes(head)[:-1] + b',"images":[')
            elif head == start[1]:
                file.write(b",")
            else:
                raise OutputError(
                    f"{piece.path} has other classes than {start[0].path}: redo both alike with --overwrite"
                )
            image = content["images"][0]
            name = _relative(piece.folder, home) / image["file_name"]
            number = image_id(name.as_posix())
            file.write(json_bytes(image | {"id": number, "file_name": name.as_posix()}))
            for annotation in content["annotations"]:
                count += 1
                annotations.write(b"," if count > 1 else b"")
                annotations.write(json_bytes(annotation | {"id": count, "image_id": number}))
        file.write(b'],"annotations":[')
        annotations.seek(0)
        shutil.copyfileobj(annotations, file)
        file.write(b"]}\n")


def _read_all(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, dict[str, Any]]]:
    for piece in pieces:
        try:
            content = json.loads(piece.path.read_bytes())
            content["info"], content["categories"], content["images"][0]["file_name"], content["annotations"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise OutputError(
                f"{piece.path} cannot be read as COCO's format ({type(error).__name__}): redo it with --overwrite"
            ) from error
        yield piece, content


def _relative(folder: Path, home: Path) -> Path:
    return folder.relative_to(home) if folder.is_relative_to(home) else Path()


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(OURS)) == OURS
