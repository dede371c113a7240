"""Edits by name: those of the package, and those that other packages bring.

A package brings one through an entry point of the group `faceparse.edits`, in its pyproject.toml:

    [project.entry-points."faceparse.edits"]
    freckles = "its_package.freckles:Freckles"

`Freckles` is an `Edit` whose `name` is `freckles`; from then on `--edit freckles` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

from faceparse.edits.base import Edit
from faceparse.errors import ConfigError
from faceparse.registry import Registry, mend
from faceparse.tables import build, hints, plain_text

Step = Edit | str | tuple[str] | tuple[str, object] | tuple[str, object, Mapping[str, object]]
"""An edit, or its name, perhaps with its value and options: `("hair", "#a0522d", {"strength": 0.6})`."""


def _problem(kind: object) -> str:
    if not (isinstance(kind, type) and issubclass(kind, Edit)):
        return "is no subclass of faceparse.edits.Edit"
    return "lacks apply" if kind.__abstractmethods__ else ""


EDITS = Registry[type[Edit]]("edit", "edits.kinds", "faceparse.edits", ConfigError, check=_problem)
"""Name → edit; the files of `edits/kinds` have the names of their edits."""

register = EDITS.register


def read_edit(words: str) -> Edit:
    """An edit from the command line: `hair=#a0522d,strength=0.6`, `soften,strength=0.4`.

    >>> read_edit("lips=crimson,strength=0.5")
    Lips(colour='crimson', strength=0.5)

    Raises:
        ConfigError: no such edit, an option that it has not, or a value that does not fit.
    """
    head, *parts = words.split(",")
    name, sign, value = head.partition("=")
    kind = EDITS.find(name.strip())
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    while parts and parts[0].partition("=")[0].strip() not in known:  # a file's name may hold commas
        if "=" in parts[0] or not sign:
            break
        value += f",{parts.pop(0)}"
    options: dict[str, object] = {}
    for part in parts:
        option, equals, text = part.partition("=")
        option = option.strip().replace("-", "_")
        if not equals or option in options:
            raise ConfigError(f"--edit {words}: options are NAME=VALUE, each once; got {part!r}")
        options[option] = text
    return make_edit(name.strip(), value if sign else None, options)


def make_edit(name: str, value: object = None, options: Mapping[str, object] | None = None) -> Edit:
    """An edit by name; text is read as the option's type.

    Raises:
        ConfigError: no such edit, an option that it has not, or a value that does not fit.
    """
    kind = EDITS.find(name)
    types = hints(kind)
    given = dict(options or {})
    if value is not None:
        first = next(iter(types))
        if first in given:
            raise ConfigError(f"edit {name}: {first} is given twice, as the value and by name")
        given[first] = value
    for option in given:
        if option not in types:
            raise ConfigError(f"edit {name} has no option {option!r}{mend(option, types)}")
    read = {k: plain_text(types[k], v) if isinstance(v, str) else v for k, v in given.items()}
    return build(kind, read, f"edit {name}")


def make_edits(steps: Iterable[Step]) -> tuple[Edit, ...]:
    """Edits from a list as `faceparse.edit` takes it.

    Raises:
        ConfigError: as `make_edit`, or something else in the list.
    """
    if isinstance(steps, str | Edit):
        raise ConfigError(f'edits are a list, such as [("hair", "#a0522d")]; got {steps!r}')
    edits = []
    for step in steps:
        if isinstance(step, Edit):
            edits.append(step)
        elif isinstance(step, str):
            edits.append(make_edit(step))
        elif isinstance(step, tuple | list) and 1 <= len(step) <= 3 and isinstance(step[0], str):
            edits.append(make_edit(*step))
        else:
            raise ConfigError(
                f'an edit is ("hair", "#a0522d", {{"strength": 0.6}}) or "soften"; got {step!r}'
            )
    return tuple(edits)
