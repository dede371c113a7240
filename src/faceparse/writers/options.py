"""Options of output forms, which are the fields of the forms' dataclasses.

>>> from faceparse.writers.forms.overlay import Overlay
>>> forms = {"overlay": Overlay}
>>> with_options(forms, {"alpha": "0.3"}, forms)
{'overlay': Overlay(alpha=0.3, outline=0, quality=90)}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass

from faceparse.errors import ConfigError
from faceparse.registry import mend
from faceparse.tables import build, hints, plain_text
from faceparse.writers.writer import Writer


def read_options(words: Iterable[str], **flags: object) -> dict[str, object]:
    """Return options from a command line: flags that are not None, and words of the form NAME=VALUE.

    >>> read_options(["quality=95"], alpha=0.3, bits=None)
    {'alpha': 0.3, 'quality': '95'}

    Raises:
        ConfigError: a word without "=", or an option that occurs twice.
    """
    options = {name: value for name, value in flags.items() if value is not None}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (sign and name):
            raise ConfigError(f"--option takes NAME=VALUE, such as quality=95; got {word!r}")
        if name in options:
            raise ConfigError(f"option {name} is given twice")
        options[name] = value
    return options


def with_options(
    kinds: Mapping[str, type[Writer]], options: Mapping[str, object], forms: Mapping[str, type[Writer]]
) -> dict[str, Writer]:
    """Return the writers, with each option set on every writer that has a field of its name.

    Args:
        kinds: Name → writer class.
        options: Name → value; text is converted to the field's type: a number, yes or no, names with commas.
        forms: Every output form, to name in errors the forms that have an option.

    Raises:
        ConfigError: an option that no writer has, or a value that the option does not accept.
    """
    types = {name: option_types(kind) for name, kind in kinds.items()}
    for option in options:
        if not any(option in fields for fields in types.values()):
            owners = [name for name, kind in forms.items() if option in option_types(kind)]
            others = {field: hint for fields in types.values() for field, hint in fields.items()}
            hint = f"; {', '.join(owners)} have it" if owners else mend(option, others) if others else ""
            raise ConfigError(f"no chosen output form ({', '.join(kinds)}) has an option {option!r}{hint}")
    writers = {}
    for name, kind in kinds.items():
        values = {field: options[field] for field in types[name] if field in options}
        for field, value in values.items():
            if isinstance(value, str):
                values[field] = plain_text(types[name][field], value)
        writers[name] = build(kind, values, f"--save {name}") if values else kind()
    return writers


def option_types(kind: type[Writer]) -> Mapping[str, object]:
    """Return the options of an output form and their types."""
    return hints(kind) if is_dataclass(kind) else {}
