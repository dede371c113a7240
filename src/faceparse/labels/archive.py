"""What files of many labelled pictures (Parquet, tars in WebDataset's layout) share: a header, and the keys in a tar.

>>> from faceparse.labels import scheme
>>> header = write_header("data set", 1, scheme("face2"), columns={})
>>> read_header(header, "data set", 1, "a.tar", "faceparse data pack")["scheme"]
'face2'
"""

from __future__ import annotations

import json
from typing import Any

from faceparse.errors import DataError
from faceparse.files import json_bytes
from faceparse.labels.registry import reference
from faceparse.labels.scheme import Scheme

PARQUET_HEADER = b"faceparse"
"""Key of the header in a Parquet file's metadata."""

TAR_HEADER = "__faceparse__/header.json"
"""The file of a tar that holds the header; WebDataset passes over names that begin so."""


def write_header(kind: str, version: int, scheme: Scheme, **values: object) -> bytes:
    """Return a header as JSON.

    Args:
        kind: What the file holds, such as `data set`.
        version: Version of the file's layout.
        scheme: Scheme of the label maps.
        values: What else the header says.
    """
    return json_bytes({"faceparse": kind, "format": version, "scheme": reference(scheme), **values})


def read_header(content: bytes, kind: str, version: int, file: object, command: str) -> dict[str, Any]:
    """Return a header's values.

    Args:
        content: The header, as `write_header` returns it.
        kind: The expected kind.
        version: The expected version.
        file: The file's name, for messages.
        command: The command that writes such files, for messages.

    Raises:
        DataError: a damaged header, or one of another kind or version.
    """
    try:
        header = dict(json.loads(content))
        actual, number = header["faceparse"], header["format"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError(
            f"{file} has a damaged header ({type(error).__name__}): write it again with {command}"
        ) from None
    if actual != kind:
        raise DataError(f"{file} is of kind {actual!r}, not {kind!r}: {command} makes one of this kind")
    if number != version:
        raise DataError(
            f"{file} is of format {number}, and this version of faceparse reads format {version}: write it again "
            f"with {command}, or install the version that wrote it"
        )
    return header


def to_key(name: str) -> str:
    """Return the key in a tar of a name: WebDataset ends a key at the first dot.

    >>> to_key("sub/a.b"), from_key("sub/a%2Eb")
    ('sub/a%2Eb', 'sub/a.b')
    """
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.replace("%", "%25").replace(".", "%2E")


def from_key(key: str) -> str:
    """Return the name of a key."""
    folder, slash, last = key.rpartition("/")
    return folder + slash + last.replace("%2E", ".").replace("%25", "%")
