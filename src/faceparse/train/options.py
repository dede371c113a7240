"""Options that a dataclass describes, read from command lines and tables, and their help.

>>> from faceparse.train.settings import Settings
>>> options = Options(members(Settings))
>>> list(options.from_words(["--epochs", "3", "--loss.dice=0.5"]))
[('epochs', 3), ('loss.dice', 0.5)]
>>> nested(options.from_table({"loss": {"dice": 0.5}}, "mine.yaml"))
{'loss': {'dice': 0.5}}

A nested dataclass is a group of options: their names begin with the group's name and a dot. Every value is
checked against its field's type and rules where it is read, so that an error names the word, or the file and
key.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_origin

from faceparse.errors import ConfigError
from faceparse.registry import nearest
from faceparse.tables import convert, described, hints, plain_text

HELP = "`faceparse train --help` lists every option, and a recipe has the same keys"
MEMBER = "NAME"
"""Placeholder in an option's name for a name that users choose: `teachers.NAME.model`."""
Pairs = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        hint: Type of the option's value.
        default: Default value; `MISSING` for a required option.
        about: The option's description from the dataclass's docstring.
    """

    hint: Any
    default: Any
    about: str


def members(kind: type, prefix: str = "") -> dict[str, Option]:
    """Return the options of a dataclass by name, each group before its members."""
    rows = re.findall(r"^ {4}(\w+): (.*(?:\n(?: {5,}.*)?)*)", inspect.getdoc(kind) or "", re.MULTILINE)
    about = {name: " ".join(text.split()) for name, text in rows}
    options: dict[str, Option] = {}
    for row in fields(kind):
        name, hint = prefix + row.name, hints(kind)[row.name]
        default = row.default if row.default_factory is MISSING else row.default_factory()
        options[name] = Option(hint, default, about.get(row.name, ""))
        for group in (hint, *get_args(hint)):
            if isinstance(group, type) and is_dataclass(group):
                options |= members(group, f"{name}.{MEMBER}." if get_origin(hint) is dict else f"{name}.")
    return options


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return a table of tables from dotted names; if a name occurs twice, the last value counts."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        *groups, last = name.split(".")
        table = whole
        for group in groups:
            if not isinstance(table.get(group), dict):
                table[group] = {}
            table = table[group]
        table[last] = value
    return whole


@dataclass(frozen=True)
class Options:
    """All options of a command.

    Attributes:
        by_name: Name → option.
        instead: Name of an unsupported option → the option to use instead.
    """

    by_name: Mapping[str, Option]
    instead: Mapping[str, str] = field(default_factory=dict)

    def from_words(self, words: Iterable[str]) -> Pairs:
        """Yield name and value of each `--NAME VALUE` or `--NAME=VALUE`; hyphens count as underscores.

        A boolean option without a value means true.

        Raises:
            ConfigError: a word that is not an option, an option without a value, or a value of the wrong type
                or range.
        """
        rest = deque(words)
        while rest:
            name, sign, text = rest.popleft().partition("=")
            if not name.startswith("--"):
                raise ConfigError(f"expected an option, as --epochs 10; got {name + sign + text!r}: {HELP}")
            name = name.removeprefix("--").replace("-", "_")
            hint = self._hint(name, "", "--")
            if not sign and (not rest or rest[0].startswith("--")) and bool in (hint, *get_args(hint)):
                text = "true"
            elif not sign and (not rest or rest[0].startswith("--")):
                raise ConfigError(f"--{name} needs a value: {described(hint)}")
            elif not sign:
                text = rest.popleft()
            yield from self._typed(name, plain_text(hint, text), "", "--")

    def from_table(self, table: Mapping[str, object], where: str) -> Pairs:
        """Yield name and value of each option in a table.

        Raises:
            ConfigError: a key that is not an option, or a value of the wrong type or range; the message
                begins with `where`.
        """
        for key, value in table.items():
            yield from self._typed(key, value, where, "")

    def help_text(self, width: int = 110) -> str:
        """Return a help text: every option with its description, type and default, groups last."""
        lines, indent = [], " " * 6
        wrapper = textwrap.TextWrapper(width, initial_indent=indent, subsequent_indent=indent)
        for name, option in sorted(
            self.by_name.items(), key=lambda row: self._is_group(row[0].split(".")[0])
        ):
            if self._is_group(name):
                lines.append(f"\n{name}: {option.about}\n")
                continue
            value = option.default
            default = "required" if value is MISSING else f"default {json.dumps(value, default=str)}"
            about = f"{option.about} ({described(option.hint)}; {default})".replace("``", "`")
            lines += [f"  --{name}", wrapper.fill(about)]
        return "\n".join(lines)

    def _is_group(self, name: str) -> bool:
        listed = self._listed(name)
        return any(other.startswith(f"{listed}.") for other in self.by_name)

    def _listed(self, name: str) -> str:
        """Return the option's name as listed, with `NAME` in place of a name that the user chose."""
        parts = name.split(".")
        swapped = (".".join([*parts[:i], MEMBER, *parts[i + 1 :]]) for i in range(len(parts)))
        like = (n for n in (name, *swapped) if any(k == n or k.startswith(f"{n}.") for k in self.by_name))
        return next(like, name)

    def _typed(self, name: str, value: object, where: str, dashes: str) -> Pairs:
        hint = self._hint(name, where, dashes)
        if isinstance(value, Mapping) and self._is_group(name):
            for key, inner in value.items():
                yield from self._typed(f"{name}.{key}", inner, where, dashes)
        else:
            yield name, convert(hint, value, dashes + name, where=where)

    def _hint(self, name: str, where: str, dashes: str) -> Any:
        """Return the type of an option's value; raise ConfigError if there is no such option."""
        listed = self._listed(name)
        group = self.by_name.get(listed.rpartition(".")[0])
        if listed in self.by_name:
            return self.by_name[listed].hint
        if group is not None and get_origin(group.hint) is dict:
            return get_args(group.hint)[1]
        fault = f"{where}: " * bool(where) + f"no option {dashes}{name}"
        if other := self.instead.get(name):
            raise ConfigError(f"{fault}: give {other}")
        near = nearest(name, self.by_name) or [n for n in self.by_name if n.rpartition(".")[2] == name]
        mend = f"; is it {' or '.join(dashes + n for n in near)}?" if near else ":"
        raise ConfigError(f"{fault}{mend} {HELP}")
