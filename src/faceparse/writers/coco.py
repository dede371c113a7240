"""Joins COCO files of one picture each into one file of all pictures, in steady memory."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import IO, Any

from faceparse.errors import OutputError
from faceparse.files import atomic, json_bytes

Content = dict[str, Any]
"""One picture's file, and under `path` where it lies."""

OURS = b'{"info":{"description":"faceparse"'
"""How our files begin: no other is overwritten."""


def image_id(file: str) -> int:
    """A number for a file name, the same in every run; of 52 bits: JSON keeps it, two names hardly share it."""
    return int(sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:13], 16)


def join(path: Path, pieces: Iterable[Path]) -> bool:
    """Write the pieces as one file, their file names relative to its folder; False where there are none.

    Raises:
        OutputError: a place that cannot be written to, a file in the way that is not ours, a piece that is
            missing, damaged, or of other categories than the first.
    """
    contents = map(_read, pieces)
    first = next(contents, None)
    if first is None:
        return False
    if path.is_file() and not _is_ours(path):
        raise OutputError(f"{path} exists and is not by faceparse: move it, or choose another output folder")
    with atomic(path, overwrite=True) as temporary, temporary.open("wb") as file:
        _write_joined(file, path.parent, _head(first), chain([first], contents))
    return True


def _write_joined(file: IO[bytes], home: Path, head: Content, contents: Iterable[Content]) -> None:
    """Images go to the file as they come, annotations after them by way of a file of their own."""
    file.write(json_bytes(head)[:-1] + b',"images":[')
    count = 0
    with tempfile.TemporaryFile(dir=home) as annotations:
        for index, content in enumerate(contents):
            if _head(content) != head:
                raise OutputError(
                    f"{content['path']} has other classes than those before: redo all with --overwrite"
                )
            image = content["images"][0]
            name = Path(os.path.relpath(content["path"].parent, home), image["file_name"]).as_posix()
            number = image_id(name)
            file.write(b"," if index else b"")
            file.write(json_bytes(image | {"id": number, "file_name": name}))
            for annotation in content["annotations"]:
                annotations.write(b"," if count else b"")
                count += 1
                annotations.write(json_bytes(annotation | {"id": count, "image_id": number}))
        file.write(b'],"annotations":[')
        annotations.seek(0)
        shutil.copyfileobj(annotations, file)
        file.write(b"]}\n")


def _head(content: Content) -> Content:
    return {"info": content["info"], "licenses": [], "categories": content["categories"]}


def _read(path: Path) -> Content:
    try:
        content = json.loads(path.read_bytes())
        content["info"], content["categories"], content["images"][0]["file_name"], content["annotations"]
        return {**content, "path": path}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise OutputError(
            f"{path} cannot be read as COCO's format ({type(error).__name__}): redo it with --overwrite"
        ) from error


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(OURS)) == OURS
