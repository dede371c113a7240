"""Things by name: from files of the package, and from other packages through entry points.

>>> room("labels").scheme("face2").classes
('background', 'face')
>>> "mask" in module_names("writers.forms")
True
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from faceparse.errors import FaceparseError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Thing = TypeVar("Thing")

_LONGEST = 100
"""Characters of a name that are compared and shown."""


def room(name: str) -> Any:
    """The registry of a room, for those that must not import it: `Parsing.save` lies below the writers."""
    return import_module(f"faceparse.{name}.registry")


@cache
def module_names(folder: str) -> tuple[str, ...]:
    """The names of the modules in a folder of the package, `writers.forms`, none of them imported."""
    path = Path(__file__).parent.joinpath(*folder.split("."))
    return tuple(sorted(module.name for module in iter_modules([str(path)])))


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What the packages on a path bring."""
    from importlib.metadata import entry_points

    return tuple(dict.fromkeys(entry_points(group=group)))


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"


class Registry(Mapping[str, T]):
    """Things of one kind by name.

    A file of the package calls `register` when it is imported. Another package names under the entry point group such a
    module, or the thing itself. One that does not load is a line in the log, and an error where it is asked for.

    Args:
        what: What a thing is called in messages: `engine`.
        folder: Dotted path of the folder whose files register things: `engines`.
        group: The group of entry points.
        error: Raised for an unknown name.
        key: The attribute that holds a thing's name.
        check: What is wrong with a thing, such as "lacks a title"; empty for nothing.
        instead: What else a user may name, such as ", or give a YAML file".
    """

    def __init__(
        self,
        what: str,
        folder: str,
        group: str,
        error: type[FaceparseError],
        *,
        key: str = "name",
        check: Callable[[object], str] = lambda thing: "",
        instead: str = "",
    ) -> None:
        self._what, self._folder, self._group, self._error = what, folder, group, error
        self._key, self._check, self._instead = key, check, instead
        self._things: dict[str, T] = {}
        self._faults: dict[EntryPoint, str] = {}
        self._modules: dict[str, str] = {}  # of other packages, by the names that they registered
        self._lock = RLock()

    def register(self, thing: Thing) -> Thing:
        """Add a thing; its name is taken once.

        Raises:
            FaceparseError: a name that is taken, or a thing that is not of this kind.
        """
        name = getattr(thing, self._key, "")
        problem = self._check(thing) or ("is registered twice" if name in self._things else "")
        if problem or not name:
            raise self._error(f"{self._what} {name or thing!r} {problem or f'lacks a {self._key}'}")
        self._things[name] = cast(T, thing)
        return thing

    def all(self) -> dict[str, T]:
        """Every thing that loads, by name."""
        with self._lock:
            self._load_files(module_names(self._folder))
            for point in self._points():
                if point not in self._faults and self._fault(point):
                    import logging

                    logging.getLogger("faceparse").warning("warning: %s", self._faults[point])
            return dict(sorted(self._things.items()))

    def find(self, name: str) -> T:
        """The thing of that name.

        Raises:
            FaceparseError: no such thing, or one whose package does not load; the kind's own error.
        """
        with self._lock:
            files = module_names(self._folder)
            self._load_files([name] if name in files else files)
            for point in self._points():
                if point.name == name and self._fault(point):
                    raise self._error(self._faults[point])
            things = self._things if name in self._things else self.all()
            if name not in things:
                owners = [_package(point) for point in self._points() if point.name == name]
                other = f" (what package {owners[0]} registers for it has another name)" if owners else ""
                raise self._error(
                    f"no {self._what} {name[:_LONGEST]!r}{other}{mend(name, things, self._instead)}"
                )
            return things[name]

    @property
    def faults(self) -> list[str]:
        """A line for each package that does not load."""
        self.all()
        return [fault for fault in self._faults.values() if fault]

    def __getitem__(self, name: str) -> T:
        return self.all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def _load_files(self, names: Iterable[str]) -> None:
        for name in names:
            import_module(f"faceparse.{self._folder}.{name}")

    def _points(self) -> tuple[EntryPoint, ...]:
        return _entry_points(self._group, tuple(sys.path))

    def _fault(self, point: EntryPoint) -> str:
        """What is wrong with an entry point, which is loaded once; empty for nothing."""
        if point not in self._faults:
            self._faults[point] = self._load(point)
        return self._faults[point]

    def _load(self, point: EntryPoint) -> str:
        # Brought by another entry point of the same module.
        if point.name in self._things and self._modules.get(point.name) == point.value:
            return ""
        claims = ["faceparse"] * (point.name in self._things)
        claims += [_package(other) for other in self._points() if other.name == point.name]
        if len(claims) > 1:
            return (
                f"{self._what} {point.name!r}: it is claimed by {' and '.join(claims)}: uninstall all but one"
            )
        where = f"{self._what} {point.name!r} of package {_package(point)} ({point.value})"
        before, imported = set(self._things), point.module in sys.modules
        try:
            thing = point.load()
            if isinstance(thing, ModuleType):
                self._modules |= dict.fromkeys(self._things.keys() - before, point.value)
                if before == self._things.keys() and not imported:
                    raise self._error(f"registers nothing; name what it brings, as {point.module}:NAME")
            else:
                name = getattr(thing, self._key, point.name)
                if name != point.name:
                    raise self._error(f"calls itself {name!r}: its name and its entry point's must agree")
                self.register(thing)
        except FaceparseError as error:
            return f"{where}: {error}"
        except Exception as error:  # whatever another's module raises when imported
            return f"{where} does not load: {type(error).__name__}: {error}; update or uninstall it"
        return ""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.75) -> list[str]:
    """Up to three likely names: equal except for hyphens, dots and capitals, else the most similar.

    >>> nearest("data-root", ["data.root", "epochs"]), nearest("epoch", ["data.root", "epochs"])
    (['data.root'], ['epochs'])

    Args:
        name: What was typed.
        names: What there is.
        cutoff: Least similarity of a name or its beginning, 0 to 1.
    """
    meant = _plain(name[:_LONGEST])
    alike = {}
    for other in names:
        text = _plain(other)
        if text == meant:
            return [other]
        starts = (text, text[: len(meant) + 1])  # of a long name, people type the beginning
        ratios = [SequenceMatcher(None, meant, start).ratio() for start in starts]
        alike[other] = max(ratios), ratios[0]
    return sorted((n for n in alike if alike[n][0] >= cutoff), key=alike.__getitem__, reverse=True)[:3]


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", name).lower()


def mend(name: str, names: Iterable[str], instead: str = "") -> str:
    """What to say about a name that is none: the nearest ones, else all and what may stand instead of one.

    >>> mend("hiar", ["hair", "skin"]), mend("x", ["hair", "skin"])
    ("; did you mean 'hair'?", '; there are hair, skin')
    """
    names = list(names)
    near = nearest(name, names)
    return f"; did you mean {either(map(repr, near))}?" if near else f"; there are {in_short(names)}{instead}"


def either(words: Iterable[str]) -> str:
    """Words of which a person may choose one.

    >>> either(["a", "b", "c"])
    'a, b or c'
    """
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def in_short(names: Iterable[str]) -> str:
    """Names in one line, large families by their first word.

    >>> in_short(["a-x", "big-1", "big-2", "big-3", "big-4", "big-5"])
    'a-x, big-… (5)'
    """
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.split("-")[0], []).append(name)
    parts = ([f"{first}-… ({len(f)})"] if len(f) > 4 else f for first, f in families.items())
    return ", ".join(chain.from_iterable(parts))
