"""What an edit is; those of the package are in `faceparse.edits.kinds`, one file each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar

from faceparse import tables
from faceparse.edits.canvas import Canvas
from faceparse.edits.colour import parse_colour
from faceparse.labels import GROUPS, Scheme

Colour = Annotated[str, tables.Rule("a colour, such as #a0522d or sienna", parse_colour)]
Strength = Annotated[float, tables.between(0, 1)]


class Edit(ABC):
    """One change of a picture by its masks: `--edit hair=#a0522d,strength=0.6`.

    An edit is a frozen dataclass. Its fields are its options (numbers, yes or no, text, with the rules of
    `faceparse.tables`); the first one is the value that stands after `hair=`.

    Attributes:
        name: What `--edit` calls it.
        needs: Classes or groups, at least one of which the scheme must have; none needed where it is empty.
        private: Whether it hides who is shown: a picture without a face is then a failure, and EXIF data, which may hold
            a small copy of the picture, is left out.
        transparent: Whether the picture becomes RGBA.
        file: Path of a file that the edit reads, which a server refuses; empty for none.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    private: ClassVar[bool] = False

    @property
    def transparent(self) -> bool:
        return False

    @property
    def file(self) -> str:
        return ""

    def __post_init__(self) -> None:
        tables.check(self)

    def check(self, scheme: Scheme) -> None:
        """Raise where a scheme has none of the classes that the edit needs.

        Raises:
            LabelError: it has none.
        """
        if not any(name in scheme or set(GROUPS.get(name, ())) & set(scheme.classes) for name in self.needs):
            for name in self.needs[:1]:
                scheme.ids(name)

    @abstractmethod
    def apply(self, canvas: Canvas) -> None:
        """Change the picture on the canvas.

        Raises:
            LabelError: the parsing's scheme lacks a class that it needs.
        """
