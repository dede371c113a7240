"""Findings about the files of a data set."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """One finding about a data set.

    Attributes:
        kind: Kind of the finding; findings of one kind are counted together.
        text: One line that names the file.
        wrong: Whether the finding is a fault that must be repaired; else it is only worth a look.
        name: Name of the picture, if the finding is about one.
    """

    kind: str
    text: str
    wrong: bool = True
    name: str = ""
