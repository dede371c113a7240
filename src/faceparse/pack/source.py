"""What a source of a packing is: labelled pictures, with values of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparse.labels import Scheme
from faceparse.pack.condition import Value


class Entry(NamedTuple):
    """One labelled picture of a source, not yet read.

    Attributes:
        name: Path in the data set, with `/` between folders: `sub/0.jpg`.
        split: The split that it is in; `data` for none.
        columns: Values of the source's columns.
        read: Function that reads the encoded picture and the label map, encoded or decoded; it raises a
            `FaceparseError`.
        fault: Why the picture cannot be packed, if this is known before reading.
    """

    name: str
    split: str
    columns: Mapping[str, Value]
    read: Callable[[], tuple[bytes, bytes | NDArray[np.uint8]]]
    fault: str = ""


@dataclass(frozen=True)
class Source:
    """Labelled pictures in one scheme.

    Attributes:
        scheme: Scheme of the label maps.
        columns: Name → type of the columns, as in `pack.condition`.
        count: Number of entries.
        entries: The entries, one split after the other.
    """

    scheme: Scheme
    columns: Mapping[str, str]
    count: int
    entries: Iterable[Entry]


class Item(NamedTuple):
    """One labelled picture, read and checked.

    Attributes:
        name: Path in the data set, such as `sub/0.jpg`; it stays inside any folder, and no other item has its stem.
        split: The split that it is in; `data` for none.
        columns: Values of the source's columns.
        image: The encoded picture.
        size: Height and width of the picture, upright.
        labels: The label map, H × W uint8.
        png: The label map, encoded.
    """

    name: str
    split: str
    columns: Mapping[str, Value]
    image: bytes
    size: tuple[int, int]
    labels: NDArray[np.uint8]
    png: bytes
