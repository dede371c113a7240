"""What an edit is; those of the package are in `faceparse.edits.kinds`, one file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from faceparse import tables
from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import parse_colour

Colour = Annotated[str, tables.Rule("a colour, such as #a0522d or sienna", parse_colour)]
Strength = Annotated[float, tables.between(0, 1)]


class Edit(ABC):
    """One change of a picture by its masks: `--edit hair=#a0522d,strength=0.6`.

    An edit is a frozen dataclass. Its fields are its options (numbers, yes or no, text, with the rules of
    `faceparse.tables`); the first one is the value that stands after `hair=`.

    Attributes:
        name: What `--edit` calls it.
        no_face: What a picture without a face is to it: `whole` (nothing special) or `fail`.
    """

    name: ClassVar[str]
    no_face: ClassVar[str] = "whole"

    def __post_init__(self) -> None:
        tables.check(self)

    @abstractmethod
    def apply(self, canvas: Canvas) -> None:
        """Change the picture on the canvas.

        Raises:
            LabelError: the parsing's scheme lacks a class that it needs.
        """
