"""Edits by name: the package's, and those of installed plugins.

A plugin declares an edit as an entry point of the group `faceparse.edits` in its pyproject.toml:

    [project.entry-points."faceparse.edits"]
    freckles = "its_package.freckles:Freckles"

`Freckles` is an `Edit` whose `name` is `freckles`. Once the plugin is installed, `--edit freckles` works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from reprlib import repr  # long arrays and lists are cut short

from faceparse.edits.base import Edit
from faceparse.errors import ConfigError
from faceparse.registry import Registry, mend
from faceparse.tables import build, hints, plain_text

Step = Edit | str | tuple[str] | tuple[str, object] | tuple[str, object, Mapping[str, object]]
"""An `Edit`; or a text for `read_edit`; or a tuple of name, value and options: `("hair", "#a0522d", {"strength": 0.6})`."""


def _problem(kind: object) -> str:
    if not (isinstance(kind, type) and issubclass(kind, Edit)):
        return "is no subclass of faceparse.edits.Edit"
    return "lacks apply" if kind.__abstractmethods__ else ""


EDITS = Registry[type[Edit]]("edit", "edits.kinds", "faceparse.edits", ConfigError, check=_problem)
"""Name → class of edit; each file in `edits/kinds` has the name of its edit."""

register = EDITS.register


def read_edit(words: str) -> Edit:
    """Return the edit that a text of the command line describes: `hair=#a0522d,strength=0.6`, `soften,strength=0.4`.

    >>> read_edit("lips=crimson,strength=0.5")
    Lips(colour='crimson', strength=0.5)

    Raises:
        ConfigError: an unknown edit or option, or a value that the option does not accept.
    """
    head, *parts = words.split(",")
    name, sign, value = head.partition("=")
    kind = EDITS.find(name.strip())
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    while parts and parts[0].partition("=")[0].strip() not in names:  # a file's name may hold commas
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
    """Return an edit by its name.

    >>> make_edit("lips", "crimson", {"strength": 0.5})
    Lips(colour='crimson', strength=0.5)

    Args:
        name: The edit's name for `--edit`.
        value: Value of the edit's first option; None leaves the default.
        options: Name → value of other options; text is converted to the option's type.

    Raises:
        ConfigError: an unknown edit or option, or a value that the option does not accept.
    """
    kind = EDITS.find(name)
    types = hints(kind)
    values = dict(options or {})
    if value is not None:
        first = next(iter(types), "")
        if not first:
            raise ConfigError(f"edit {name} takes no value, got {value!r}")
        if first in values:
            raise ConfigError(f"edit {name}: {first} is given twice, as the value and by name")
        values[first] = value
    for option in values:
        if option not in types:
            raise ConfigError(f"edit {name} has no option {option!r}{mend(str(option), types)}")
    values = {key: str(item) if isinstance(item, Path) else item for key, item in values.items()}
    read = {k: plain_text(types[k], v) if isinstance(v, str) else v for k, v in values.items()}
    return build(kind, read, f"edit {name}")


def make_edits(steps: Iterable[Step]) -> tuple[Edit, ...]:
    """Return the edits of a list, as `faceparse.edit` takes it.

    Raises:
        ConfigError: an item that describes no edit, and the errors of `make_edit`.
    """
    if isinstance(steps, str | Edit) or not isinstance(steps, Iterable) or _is_one(steps):
        raise ConfigError(f'edits are a list, such as [("hair", "#a0522d")]; got {repr(steps)}')
    return tuple(map(_read_step, steps))


def _is_one(steps: Iterable[object]) -> bool:
    """Return whether a tuple is one edit, as ("hair", "red", 0.5), and no edits, as ("soften", "anonymise")."""
    if not (isinstance(steps, tuple) and len(steps) > 1 and isinstance(steps[0], str) and steps[0] in EDITS):
        return False
    second = steps[1]
    several = second.partition("=")[0].partition(",")[0] in EDITS if isinstance(second, str) else False
    return not (several or isinstance(second, Edit | tuple | list))


def _read_step(step: Step) -> Edit:
    if isinstance(step, Edit):
        return step
    if isinstance(step, str):
        return read_edit(step)
    if isinstance(step, tuple | list) and len(step) in (1, 2, 3) and isinstance(step[0], str):
        name, value, options = (*step, None, None)[:3]
        if options is None or isinstance(options, Mapping):
            return make_edit(name, value, options)
    raise ConfigError(f'an edit is ("hair", "#a0522d", {{"strength": 0.6}}) or "soften"; got {repr(step)}')
