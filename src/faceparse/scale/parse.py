"""Parse batches of pictures wherever a picklable function runs: in Ray Data, Spark, Daft, or a pool of processes.

>>> parse = Parse(faces="largest")
>>> columns = parse({"path": ["a.jpg", "b.jpg"]})  # doctest: +SKIP
>>> columns["trust"], columns["error"]  # doctest: +SKIP
([0.93, None], [None, 'no such file: b.jpg'])
"""

from __future__ import annotations

import hashlib
import inspect
import io
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from faceparse.engines import Engine
from faceparse.errors import ConfigError, ImageError, in_words
from faceparse.parser import Parser, in_order
from faceparse.scale.place import read_picture
from faceparse.scale.table import COLUMNS, Header, Row, error_row, to_row

SOURCES = ("bytes", "image", "path")
"""Columns of a batch that a picture can come in; the first that holds one counts."""


MOST = 2
"""Number of models that a process keeps."""

_LOADED: dict[str, tuple[Parser, str]] = {}
"""Parser of each `Parse` and its copies, and its file's SHA-256: a pool of processes sends a new copy with each task."""

_LOCK = Lock()


class Parse:
    """A picklable function from a batch of pictures to the columns of `faceparse.scale.table`.

    The model is loaded by the first call, or by `load`, and does not travel: each process loads its own once, for all
    copies. A picture that cannot be parsed gives a row with an error.

    Args:
        model: As in `Parser`. A card's id, or a file that each machine has.
        jobs: Number of pictures parsed at a time. None: 1 on the CPU, elsewhere enough to fill the network's batches.
        threads: Number of threads of one network run.
        keep_images: Whether rows hold the picture's encoded bytes.
        settings: Further arguments of `Parser`: `faces`, `no_face`, `scheme`, `threshold`, `engine`, `device`,
            `card`, `batch`, `max_pixels`, `input_size`.

    Raises:
        TypeError: an argument that `Parser` does not have.
    """

    def __init__(
        self,
        model: str | Path | Engine = "default",
        *,
        jobs: int | None = None,
        threads: int = 1,
        keep_images: bool = False,
        **settings: Any,
    ) -> None:
        self._settings = {"model": model, "threads": threads, **settings}
        inspect.signature(Parser).bind(**self._settings)
        self._jobs, self._keep_images = jobs, keep_images
        self._id = secrets.token_hex(8)
        self._loaded: tuple[Parser, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_loaded": None}

    def load(self) -> tuple[Parser, str]:
        """Load the model now, which takes seconds, rather than in the first call; return parser and file's SHA-256.

        Raises:
            FaceparseError: as `Parser`.
        """
        loaded = self._loaded
        if loaded is None:
            with _LOCK:
                loaded = _LOADED.pop(self._id, None)
                if loaded is None:
                    parser = Parser(**self._settings)
                    loaded = parser, parser.identity.get("sha256", "")
                _LOADED[self._id] = self._loaded = loaded
                for old in [*_LOADED][:-MOST]:
                    del _LOADED[old]
        return loaded

    def header(self) -> Header:
        """Return the header of a table of these parsings; the model is checked on the CPU and not kept.

        Raises:
            FaceparseError: as `Parser`.
        """
        parser = Parser(**self._settings | {"device": "cpu"})
        return Header(parser.scheme, parser.identity)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Parse a batch.

        Args:
            batch: Column → values, as lists or arrays: `bytes` (encoded pictures), `image` (encoded pictures, or RGB
                uint8 arrays H × W × 3) or `path` (paths, or addresses of pyarrow's file systems such as
                `s3://bucket/a.jpg`); and `key`, which may be left out: then it is the path, or the picture's hash. A picture
                with an `error` is not parsed: its row has that error.

        Returns:
            Column → one value a picture; see `faceparse.scale.table`.

        Raises:
            ConfigError: no such column.
        """
        entries = [dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True)]
        if not any(column in batch for column in SOURCES):
            raise ConfigError(
                f"a batch has a column {', '.join(SOURCES[:-1])} or {SOURCES[-1]}; got {', '.join(batch)}"
            )
        rows = list(in_order(self.row, entries, self.jobs))
        return {column: [row[column] for row in rows] for column in COLUMNS}

    @property
    def jobs(self) -> int:
        """Number of pictures parsed at a time."""
        parser, _ = self.load()
        return self._jobs or (1 if parser.batch == 1 else parser.workers)

    def row(self, entry: Mapping[str, Any]) -> Row:
        """Return the row of one picture, whose values `entry` has by column; see `__call__`."""
        parser, sha256 = self.load()
        picture, path = picture_of(*map(entry.get, SOURCES))
        key = entry.get("key")
        name = path if key is None else str(key)
        try:
            if entry.get("error") is not None:
                return error_row(str(name), entry["error"], path=path)
            if picture is None:
                if path is None:
                    raise ImageError(f"{name} has neither bytes nor an image nor a path")
                picture = path if "://" not in path and not self._keep_images else read_picture(path)
            if not isinstance(picture, str | np.ndarray):
                picture = bytes(picture)
            if name is None:
                digest: Any = picture if isinstance(picture, bytes) else np.ascontiguousarray(picture)
                name = hashlib.sha256(digest).hexdigest()[:16]
            data = picture if isinstance(picture, bytes) else None
            parsing = parser.parse(picture if data is None else _Encoded(data, name))
            image = data if self._keep_images else None
            return to_row(name, parsing, path=path, sha256=sha256, image=image)
        except Exception as fault:  # whatever one picture raises, the others are parsed
            return error_row(str(name), in_words(fault), path=path)


def picture_of(encoded: Any, image: Any, path: Any) -> tuple[Any, str | None]:
    """Return the picture that the columns `bytes`, `image` and `path` hold, or None, and its path, or None.

    >>> picture_of(None, {"bytes": b"...", "path": "a.jpg"}, None)
    (b'...', 'a.jpg')
    """
    if isinstance(image, Mapping):  # as the data sets of Hugging Face hold a picture
        image, path = image.get("bytes"), image.get("path") or path
    return image if encoded is None else encoded, None if path is None else str(path)


class _Encoded(io.BytesIO):
    """An encoded picture, which messages call by its name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name
