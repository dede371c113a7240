"""Options of output forms: the fields of their dataclasses.

>>> from faceparse.writers.forms.overlay import Overlay
>>> with_options({"overlay": Overlay}, {"alpha": "0.3"})
{'overlay': Overlay(alpha=0.3, outline=0, quality=90)}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from faceparse.errors import ConfigError
from faceparse.writers.writer import Writer

WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def given_options(words: Iterable[str], **flags: object) -> dict[str, object]:
    """Options as a command line gives them: flags, None where not given, and words NAME=VALUE.

    >>> given_options(["quality=95"], alpha=0.3, bits=None)
    {'alpha': 0.3, 'quality': '95'}

    Raises:
        ConfigError: a word without "=", or an option given twice.
    """
    found = {name: value for name, value in flags.items() if value is not None}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (sign and name):
            raise ConfigError(f"--option takes NAME=VALUE, such as quality=95; got {word!r}")
        if name in found:
            raise ConfigError(f"option {name} is given twice")
        found[name] = value
    return found


def with_options(kinds: Mapping[str, type[Writer]], options: Mapping[str, object]) -> dict[str, Writer]:
    """The writers, each with those of the options that it has a field for.

    Args:
        kinds: Name → writer.
        options: Name → value; text is read as the field's type: a number, yes or no, names with commas.

    Raises:
        ConfigError: an option that none of them has, or a value that it cannot take.
    """
    own = {name: option_names(kind) for name, kind in kinds.items()}
    for option in options:
        if not any(option in names for names in own.values()):
            known = "; ".join(f"{name} has {', '.join(names)}" for name, names in own.items() if names)
            raise ConfigError(
                f"no chosen output form ({', '.join(kinds)}) has an option {option!r}"
                + (known and f"; {known}")
            )
    return {
        name: kind(**{o: _value(kind, o, options[o]) for o in own[name] if o in options})
        for name, kind in kinds.items()
    }


def option_names(kind: type[Writer]) -> tuple[str, ...]:
    """The options of an output form."""
    return tuple(f.name for f in fields(kind) if f.init) if is_dataclass(kind) else ()


def _value(kind: type[Writer], option: str, value: object) -> object:
    wanted = get_type_hints(kind)[option]
    if not isinstance(value, str) or wanted is str:
        return value
    try:
        return _read(value.strip(), wanted)
    except (KeyError, ValueError):
        what = {int: "a whole number", float: "a number", bool: "yes or no"}.get(wanted, "something else")
        raise ConfigError(f"option {option} of {kind.name} is {what}, got {value!r}") from None


def _read(text: str, wanted: Any) -> object:
    if wanted is bool:
        return WORDS[text.lower()]
    if wanted in (int, float):
        return wanted(text)
    return tuple(part.strip() for part in text.split(",") if part.strip())
