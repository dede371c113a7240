"""The base class of edits; the package's edits are in `faceparse.edits.kinds`, one file each."""

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

    An edit is a frozen dataclass. Its fields are its options: numbers, booleans or text, checked by the rules of
    `faceparse.tables`. The first field takes the value after `hair=`.

    Attributes:
        name: The edit's name for `--edit`.
        needs: Classes or groups; the scheme must have at least one of them. If empty, every scheme will do.
        mask: Classes and groups whose soft mask `apply` takes from the canvas; the masks of several edits are computed
            in one pass. If it is empty, `Canvas.soft` computes what it is asked for.
        private: Whether the edit hides who is in the picture. A picture without a face is then a failure, and the
            file gets no EXIF data, because EXIF may hold a small copy of the picture.
        transparent: Whether the result is RGBA.
        file: Path of a file that the edit reads, which a server refuses; empty for none.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    mask: ClassVar[tuple[str, ...]] = ()
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
        """Check that a scheme has one of the classes or groups in `needs`.

        Raises:
            LabelError: the scheme has none of them.
        """
        if not any(name in scheme or set(GROUPS.get(name, ())) & set(scheme.classes) for name in self.needs):
            for name in self.needs[:1]:
                scheme.ids(name)

    @abstractmethod
    def apply(self, canvas: Canvas) -> None:
        """Change the picture on the canvas.

        Raises:
            LabelError: the parsing's scheme lacks a class that the edit needs.
        """
