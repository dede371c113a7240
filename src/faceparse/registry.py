"""Registries of things by name, which come from files of the package and from other packages' entry points.

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

from faceparse.errors import FaceparseError, MissingExtraError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
Thing = TypeVar("Thing")

_LONGEST = 100
"""Maximal number of characters of a name that are compared and shown."""


def room(name: str) -> Any:
    """Import a subpackage's registry module, for code that must not import it at the top, such as `Parsing.save`."""
    return import_module(f"faceparse.{name}.registry")


def import_extra(extra: str, use: str, *modules: str) -> Any:
    """Import modules that an extra brings, and return the first.

    >>> pyarrow = import_extra("scale", "Parquet", "pyarrow", "pyarrow.fs")  # doctest: +SKIP

    Args:
        extra: The extra, such as `scale` in `pip install 'faceparse[scale]'`.
        use: What needs the modules, for the message.
        modules: The modules.

    Raises:
        MissingExtraError: a module is not installed.
    """
    try:
        first, *_ = map(import_module, modules)
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), extra, use) from None
    return first


@cache
def module_names(folder: str) -> tuple[str, ...]:
    """Return the names of the modules in a folder of the package, such as `writers.forms`, without importing them."""
    path = Path(__file__).parent.joinpath(*folder.split("."))
    return tuple(sorted(module.name for module in iter_modules([str(path)])))


@cache
def _entry_points(path: tuple[str, ...]) -> Any:
    """Return all entry points, whose class depends on Python's version; `path`, the value of `sys.path`, is a cache key."""
    from importlib.metadata import entry_points

    return entry_points()


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"


class Registry(Mapping[str, T]):
    """A registry of things of one kind by name.

    A file of the package calls `register` when it is imported. Another package has an entry point that names
    a module which calls `register`, or the thing itself. An entry point that does not load is logged, and
    finding its name raises an error.

    Args:
        what: Word for a thing in messages, such as `engine`.
        folder: Dotted path of the folder whose files register things, such as `engines`.
        group: Name of the entry point group.
        error: Class of the errors.
        key: Attribute that holds a thing's name.
        check: Function that returns what is wrong with a thing, such as "lacks a title", or an empty text.
        instead: Text on what else a user may name, such as ", or give a YAML file".
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
        self._modules: dict[str, str] = {}  # name → module of another package that registered it
        self._lock = RLock()

    def register(self, thing: Thing) -> Thing:
        """Add a thing and return it.

        Raises:
            FaceparseError: a name that is already registered, or a thing that is not of this kind.
        """
        name = getattr(thing, self._key, "")
        problem = self._check(thing) or ("is registered twice" if name in self._things else "")
        if problem or not name:
            raise self._error(f"{self._what} {name or thing!r} {problem or f'lacks a {self._key}'}")
        self._things[name] = cast(T, thing)
        return thing

    def all(self) -> dict[str, T]:
        """Return all things by name; log other packages that do not load."""
        with self._lock:
            self._load_files(module_names(self._folder))
            for point in self._points():
                if point not in self._faults and self._fault(point):
                    import logging

                    logging.getLogger("faceparse").warning("warning: %s", self._faults[point])
            return dict(sorted(self._things.items()))

    def find(self, name: str) -> T:
        """Return the thing called `name`.

        Raises:
            FaceparseError: no such thing, or its package does not load; the class is the registry's `error`.
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
        """One line for each entry point that does not load."""
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
        return tuple(dict.fromkeys(_entry_points(tuple(sys.path)).select(group=self._group)))

    def _fault(self, point: EntryPoint) -> str:
        """Load an entry point once, and return what is wrong with it; empty if nothing is."""
        if point not in self._faults:
            self._faults[point] = self._load(point)
        return self._faults[point]

    def _load(self, point: EntryPoint) -> str:
        # Another entry point of the same module has registered this name.
        if point.name in self._things and self._modules.get(point.name) == point.value:
            return ""
        claims = ["faceparse"] * (point.name in self._things)
        claims += [_package(other) for other in self._points() if other.name == point.name]
        if len(claims) > 1:
            return f"{self._what} {point.name!r}: claimed by {' and '.join(claims)}: uninstall all but one"
        where = f"{self._what} {point.name!r} of package {_package(point)} ({point.value})"
        before, imported = set(self._things), point.module in sys.modules
        try:
            thing = point.load()
            if isinstance(thing, ModuleType):
                self._modules |= dict.fromkeys(self._things.keys() - before, point.value)
                if before == self._things.keys() and not imported:
                    raise self._error(f"registers nothing: name the object, as in {point.module}:NAME")
            else:
                name = getattr(thing, self._key, point.name)
                if name != point.name:
                    raise self._error(f"has the name {name!r}: it must equal the entry point's name")
                self.register(thing)
        except FaceparseError as error:
            return f"{where}: {error}"
        except Exception as error:  # another package's module may raise anything
            return f"{where} does not load: {type(error).__name__}: {error}; update or uninstall it"
        return ""


def nearest(name: str, names: Iterable[str], cutoff: float = 0.75) -> list[str]:
    """Return the name that equals `name` except for hyphens, dots and capitals, else up to three similar names.

    >>> nearest("data-root", ["data.root", "epochs"]), nearest("epoch", ["data.root", "epochs"])
    (['data.root'], ['epochs'])

    Args:
        name: The name that a user typed.
        names: The existing names.
        cutoff: Least similarity of an existing name or its beginning, 0 to 1.
    """
    meant = _plain(name[:_LONGEST])
    alike = {}
    for other in names:
        text = _plain(other)
        if text == meant:
            return [other]
        starts = (text, text[: len(meant) + 1])  # people may type only the beginning of a long name
        ratios = [SequenceMatcher(None, meant, start).ratio() for start in starts]
        alike[other] = max(ratios), ratios[0]
    return sorted((n for n in alike if alike[n][0] >= cutoff), key=alike.__getitem__, reverse=True)[:3]


def _plain(name: str) -> str:
    return re.sub(r"[-. ]", "_", name).lower()


def mend(name: str, names: Iterable[str], instead: str = "") -> str:
    """Return the end of an error message about an unknown name: the nearest names, else all names and `instead`.

    >>> mend("hiar", ["hair", "skin"]), mend("x", ["hair", "skin"])
    ("; did you mean 'hair'?", '; there are hair, skin')
    """
    names = list(names)
    near = nearest(name, names)
    return f"; did you mean {either(map(repr, near))}?" if near else f"; there are {in_short(names)}{instead}"


def either(words: Iterable[str]) -> str:
    """Join words by commas and a last "or".

    >>> either(["a", "b", "c"])
    'a, b or c'
    """
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def in_short(names: Iterable[str]) -> str:
    """Join names in one line; more than four names with the same first word become one entry.

    >>> in_short(["a-x", "big-1", "big-2", "big-3", "big-4", "big-5"])
    'a-x, big-… (5)'
    """
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.split("-")[0], []).append(name)
    parts = ([f"{first}-… ({len(f)})"] if len(f) > 4 else f for first, f in families.items())
    return ", ".join(chain.from_iterable(parts))
