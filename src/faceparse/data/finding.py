"""What a look at a data set's files finds."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One finding about a data set.

    Attributes:
        kind: What kind of finding; those of one kind are counted together.
        text: One line that names the file.
        wrong: Whether it must be mended; else it is only worth a look.
        name: The picture concerned, if any.
    """

    kind: str
    text: str
    wrong: bool = True
    name: str = ""
