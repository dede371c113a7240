"""Check and normalise a command's arguments; for options of published projects, name ours."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from faceparse.errors import ConfigError
from faceparse.registry import either, nearest

_NUMBER = re.compile(r"-\.?\d")
"""Start of a negative number, which is a value and no option."""

_PAGE = "; docs/coming-from.md has the published commands beside ours"


def normalise_options(arguments: Sequence[str], root: Any) -> list[str]:
    """Return the arguments, with hyphens and underscores in options as the command spells them.

    >>> normalise_options(["parse", "a.jpg", "--input_size", "512"], root)  # doctest: +SKIP
    ['parse', 'a.jpg', '--input-size', '512']

    Args:
        arguments: All words after the program's name.
        root: The typer command of the whole program.

    Raises:
        ConfigError: words that are not options of the command; the message says what to use.
    """
    command, rest, names = root, deque(arguments), ["faceparse"]
    while rest and hasattr(command, "get_command"):
        inner = command.get_command(None, rest[0])
        if inner is None:
            break
        command = inner
        names.append(rest.popleft())
    if command.context_settings.get("ignore_unknown_options"):  # the command parses its own options
        return [*names[1:], *rest]
    parameters = {
        option: p for p in command.params for option in (*p.opts, *p.secondary_opts) if option[0] == "-"
    }
    options = {_plain(option): option for option in (*parameters, "--help")}
    result, faults = names[1:], []
    published = replacements(names[-1]) if result else {}
    while rest:
        word = rest.popleft()
        if word == "--":
            return [*result, word, *rest]
        name, sign, value = word.partition("=")
        is_option = name.startswith("-") and name != "-" and not _NUMBER.match(name)
        replacement = published.get(_plain(name) if is_option else name if sign else "")
        if is_option and word[:2] not in parameters:  # -oFILE
            option = options.get(_plain(name)) if name.startswith("--") else None
            if option is None:
                near = [options[like] for like in nearest(_plain(name), options, 0.65)]
                hint = f"; did you mean {either(near)}?" if near else f"; see {' '.join(names)} --help"
                faults.append(f"no option {name}" + (f": give {replacement}" if replacement else hint))
                continue
            word = option + sign + value
        elif replacement:
            faults.append(f"no option {name}: give {replacement}")
        result.append(word)
        if word in parameters and not parameters[word].is_flag and rest:
            result.append(rest.popleft())
    _refuse(faults)
    return result


def path(word: str) -> Path:
    """Return a path; `-` stands for a standard stream, and `./-` for a file or folder of that name.

    >>> str(path("-")), path("./-").is_absolute()
    ('-', True)
    """
    result = Path(word)
    return result.absolute() if word != str(result) == "-" else result


def replacements(command: str) -> dict[str, str]:
    """Return a table: option of a published project's script → what to use instead."""
    import tomllib  # not at the top: `--help` starts faster

    with Path(__file__).with_name("published.toml").open("rb") as file:
        table: dict[str, dict[str, str]] = tomllib.load(file)
    return table.get(command, {})


def refuse_published(arguments: Iterable[str], command: str, options: Container[str]) -> None:
    """Raise a `ConfigError` that says what replaces each option of a published project.

    Args:
        arguments: The command's arguments, as `--name value` or `--name=value`.
        command: Name of the command.
        options: The command's own options, which are not refused.
    """
    faults, published, name = [], replacements(command), ""
    for word in (part for argument in arguments for part in argument.split("=", 1)):
        before, name = name, _plain(word) if word.startswith("--") else ""
        option = name or f"{before} {word}"
        if option in published and name not in options:
            faults.append(f"no option --{option}: give {published[option]}")
    _refuse(faults)


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise ConfigError("; ".join(faults) + _PAGE * any(": give " in fault for fault in faults))


def _plain(name: str) -> str:
    return name.lstrip("-").replace("-", "_")
