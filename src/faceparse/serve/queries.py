"""The options of a request: a query with the names that the command line has.

>>> read_query(ParseQuery, [("save", "mask,overlay"), ("no-face", "fail")]).no_face
'fail'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast, get_origin

from faceparse.edits import read_edit
from faceparse.edits.files import EditedPicture
from faceparse.errors import ConfigError
from faceparse.labels import schemes
from faceparse.parser import AUTO
from faceparse.registry import mend
from faceparse.tables import build, described, hints, plain_text
from faceparse.writers import Writer, read_options, writers

T = TypeVar("T")


class ParserOptions(NamedTuple):
    """Arguments of `Parser` that a request chooses."""

    faces: str
    no_face: str | None
    scheme: str = AUTO
    threshold: float | None = None


@dataclass(frozen=True)
class ParseQuery:
    """Query of `/v1/parse`: the options of `faceparse parse` that belong to one picture."""

    save: str = ""
    alpha: float | None = None
    bits: int | None = None
    classes: str | None = None
    grow: str | None = None
    shrink: str | None = None
    feather: str | None = None
    option: tuple[str, ...] = ()
    scheme: str = AUTO
    threshold: float | None = None
    faces: str = "auto"
    no_face: str | None = None

    def __post_init__(self) -> None:
        # By name only: a path would read a file of the server.
        if self.scheme not in (AUTO, *schemes()):
            raise ConfigError(f"no scheme {self.scheme!r}{mend(self.scheme, [AUTO, *schemes()])}")

    @property
    def parser(self) -> ParserOptions:
        """Arguments of `Parser`."""
        return ParserOptions(self.faces, self.no_face, self.scheme, self.threshold)

    def forms(self, usual: str) -> dict[str, Writer]:
        """Return the writers of `save`, or those of `usual` without it.

        Raises:
            ConfigError: an unknown form or option, or a value out of range.
        """
        margins = {"grow": self.grow, "shrink": self.shrink, "feather": self.feather}
        values = {"alpha": self.alpha, "bits": self.bits, "classes": self.classes or None}
        return writers((self.save or usual).split(","), read_options(self.option, **values, **margins))


@dataclass(frozen=True)
class EditQuery:
    """Query of `/v1/edit`: the options of `faceparse edit` that belong to one picture."""

    edit: tuple[str, ...] = ()
    faces: str = "auto"
    no_face: str | None = None

    def __post_init__(self) -> None:
        if not self.edit:
            raise ConfigError("say what to do, as in ?edit=hair=%23a0522d (%23 is #)")

    @property
    def form(self) -> EditedPicture:
        """The edits, as a form of output.

        Raises:
            ConfigError: no such edit, an option that it has not, a value that does not fit, or a file of the server.
        """
        form = EditedPicture(tuple(map(read_edit, self.edit)))
        for step in form.edits:
            if step.file:
                raise ConfigError(f"edit {step.name}: no file of the server is read; got {step.file!r}")
        return form

    @property
    def parser(self) -> ParserOptions:
        """Arguments of `Parser`; if an edit is to hide faces, a picture without one is an error."""
        private = any(step.private for step in self.form.edits)
        return ParserOptions(self.faces, self.no_face or ("fail" if private else None))


def read_query(kind: type[T], items: Iterable[tuple[str, str]]) -> T:
    """Read a query's names and values.

    Raises:
        ConfigError: an unknown name, with the nearest right one; a name that comes twice; a value that does not fit.
    """
    types, values = hints(cast(type, kind)), dict[str, Any]()
    for name, text in items:
        key = name.replace("-", "_")
        if key not in types:
            raise ConfigError(f"the query has no {name!r}{mend(key, types)}")
        if get_origin(types[key]) is tuple:
            values.setdefault(key, []).append(text)
        elif key in values:
            raise ConfigError(f"the query has {name!r} twice")
        else:
            values[key] = plain_text(types[key], text)
    return build(kind, values, "query")


def parameters(kind: type) -> list[Mapping[str, object]]:
    """Return OpenAPI's list of query parameters: one for each field of `kind`, a dataclass of a query."""
    return [
        {
            "name": name,
            "in": "query",
            "required": name == "edit",
            "description": described(hint),
            "schema": {"type": "array", "items": {"type": "string"}}
            if get_origin(hint) is tuple
            else {"type": "string"},
        }
        for name, hint in hints(kind).items()
    ]
