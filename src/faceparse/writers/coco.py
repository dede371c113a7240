"""Join COCO files of one picture each into one file of all pictures, in constant memory."""

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
"""The content of one picture's COCO file, and its path under the key `path`."""

OURS = b'{"info":{"description":"faceparse"'
"""First bytes of every COCO file by faceparse: `join` overwrites no other file."""


def image_id(file: str) -> int:
    """Return an id for a file name, equal in every run; its 52 bits fit into a JSON number, and collisions are rare."""
    return int(sha256(file.encode("utf-8", "surrogateescape")).hexdigest()[:13], 16)


def join(path: Path, pieces: Iterable[Path]) -> bool:
    """Write one COCO file from several, with file names relative to its folder; return False for no pieces.

    Raises:
        OutputError: a path that cannot be written, an existing file that faceparse did not write, or a piece
            that is missing, damaged, or of other categories than the first.
    """
    contents = map(_read, pieces)
    first = next(contents, None)
    if first is None:
        return False
    if path.is_file() and not _is_ours(path):
        raise OutputError(f"{path} exists and is not by faceparse: move it, or choose another output folder")
    with atomic(path, overwrite=True) as temporary, temporary.open("wb") as file:
        write_joined(file, path.parent, chain([first], contents))
    return True


def write_joined(file: IO[bytes], home: Path, contents: Iterable[Content]) -> None:
    """Write each image as its content comes; collect annotations in a temporary file and append it at the end.

    Args:
        file: The file to write.
        home: Folder that file names are relative to.
        contents: The content of each picture's COCO file, as `Rle.record` returns it, and under the key `path` a file in
            the picture's folder; at least one.

    Raises:
        OutputError: a picture of other categories than the first.
    """
    head: Content = {}
    count = 0
    with tempfile.TemporaryFile(dir=home) as annotations:
        for index, content in enumerate(contents):
            if not index:
                head = _head(content)
                file.write(json_bytes(head)[:-1] + b',"images":[')
            if _head(content) != head:
                raise OutputError(f"{content['path']} has other classes: redo all with --overwrite")
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
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{path} cannot be read as COCO's format ({type(error).__name__}): redo it with --overwrite"
        ) from error


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(OURS)) == OURS
