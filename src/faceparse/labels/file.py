"""A label scheme as a file: the package's own (TOML) and a user's (YAML or TOML).

A user's own classes, as `--data.scheme spots.yaml` takes them::

    name: spots4                      # optional; else the file's name
    title: Skin, and two kinds of spots
    classes: [background, skin, l_spot, r_spot]   # label 0 first, which is background
    colours: {l_spot: [255, 128, 0], r_spot: "#00ff80"}   # optional RGB
    pairs: [[l_spot, r_spot]]         # optional; else every l_NAME with its r_NAME
    left_means: subject               # optional; subject, viewer or unverified
    to: {celebamask19: {l_spot: skin, r_spot: skin}}      # optional conversion tables
    from: {face2: {face: skin}}       # optional, the other way round
    read_as: face2                    # optional; see `Scheme`
    merges: {background: rest}        # optional: a class that stands for several of another scheme, or for all the rest
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparse.errors import LabelError
from faceparse.labels.scheme import Scheme

SUFFIXES = (".yaml", ".yml", ".toml")
"""Endings that tell a scheme's file from a scheme's name."""
REST = "rest"
"""What a merged class stands for: all that no other class does."""
_UNFIT = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
KEYS = ("name", "title", "classes", "colours", "pairs", "left_means", "to", "from", "read_as", "merges")


def read_scheme(path: str | Path) -> Scheme:
    """The scheme in a YAML or TOML file; the module's docstring shows one.

    >>> read_scheme("spots.yaml").classes  # doctest: +SKIP
    ('background', 'skin', 'l_spot', 'r_spot')

    Raises:
        LabelError: no such file, not YAML or TOML, or not a scheme; the message names the key.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LabelError(f"cannot read label scheme {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LabelError(f"label scheme {file} is not a text in UTF-8") from None
    raw = _toml(text, file) if file.suffix.lower() == ".toml" else _yaml(text, file)
    if isinstance(raw, Mapping):
        raw = {"name": file.stem, **raw}
    scheme = scheme_from(raw, f"label scheme {file}")
    # Not in `scheme_from`: what is inside a model or a result must be readable still.
    if scheme.classes[0] != "background":
        raise LabelError(
            f"label scheme {file}: the first class, label 0, is background; got {scheme.classes[0]!r}"
        )
    unfit = [name for name in scheme.classes if _UNFIT.search(name)]
    if unfit:
        raise LabelError(
            f"label scheme {file}: a class name goes into file names and lines of text, got {unfit[0]!r}: "
            f"write it without slashes, backslashes and control characters"
        )
    return scheme


def _toml(text: str, file: Path) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LabelError(f"label scheme {file} is not TOML: {error}") from None


def _yaml(text: str, file: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise LabelError(f"label scheme {file} is not YAML: {' '.join(str(error).split())}") from None


def scheme_from(raw: object, where: str) -> Scheme:
    """A scheme from plain data, as read from a file or from inside a model file.

    >>> scheme_from({"name": "bald2", "classes": ["background", "scalp"]}, "example").id("scalp")
    1

    Args:
        raw: A mapping with the keys of the module's docstring.
        where: What it is, for messages.

    Raises:
        LabelError: a key that is missing, unknown or of the wrong kind; the message names it.
    """
    if not isinstance(raw, Mapping):
        raise LabelError(f"{where}: expected a mapping with classes in it, got {type(raw).__name__}")
    unknown = sorted(map(str, set(raw) - set(KEYS)))
    if unknown:
        raise LabelError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(KEYS)}")
    classes = _names(raw.get("classes"), where)
    for key in ("name", "title", "left_means", "read_as"):
        if not isinstance(raw.get(key, ""), str):
            raise LabelError(f"{where}: {key} is text, got {raw[key]!r}")
    if not raw.get("name"):
        raise LabelError(f"{where}: name is missing")
    # Outside the `try`, for their messages begin with `where` already.
    to, from_ = (_tables(raw.get(key, {}), where, key) for key in ("to", "from"))
    colours = _colours(raw.get("colours", {}), where)
    pairs = _pairs(raw.get("pairs"), where)
    merges = _merges(raw.get("merges", {}), where)
    try:
        return Scheme(
            raw["name"],
            classes,
            raw.get("title", ""),
            raw.get("left_means", "subject"),
            to,
            colours,
            pairs,
            raw.get("read_as", ""),
            from_,
            merges,
        )
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from None


def plain(scheme: Scheme) -> dict[str, Any]:
    """A scheme as plain data for YAML, TOML or JSON; `scheme_from` reads it back.

    >>> plain(Scheme("bald2", ("background", "scalp")))["classes"]
    ['background', 'scalp']
    """
    made: dict[str, Any] = {
        "name": scheme.name,
        "title": scheme.title,
        "classes": list(scheme.classes),
        "left_means": scheme.left_means,
    }
    if scheme.colours:
        made["colours"] = {name: list(colour) for name, colour in scheme.colours.items()}
    if scheme.sides is not None:
        made["pairs"] = [list(pair) for pair in scheme.sides]
    if scheme.to:
        made["to"] = {target: dict(table) for target, table in scheme.to.items()}
    if scheme.from_:
        made["from"] = {source: dict(table) for source, table in scheme.from_.items()}
    if scheme.read_as:
        made["read_as"] = scheme.read_as
    if scheme.merges:
        made["merges"] = {name: list(members) or REST for name, members in scheme.merges}
    return made


def _names(raw: object, where: str) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise LabelError(f"{where}: classes is a list of class names, label 0 first; got {raw!r}")
    for name in raw:
        if not isinstance(name, str) or not name.strip():
            raise LabelError(f"{where}: a class name is text, got {name!r}: write it in quotes")
    return tuple(raw)


def _colours(raw: object, where: str) -> dict[str, tuple[int, int, int]]:
    if not isinstance(raw, Mapping):
        raise LabelError(f"{where}: colours is a mapping of class to RGB, got {raw!r}")
    return {str(name): _colour(colour, f"{where}: the colour of {name}") for name, colour in raw.items()}


def _colour(raw: object, where: str) -> tuple[int, int, int]:
    values = raw
    if isinstance(raw, str) and len(raw) == 7 and raw.startswith("#"):
        try:
            values = list(bytes.fromhex(raw[1:]))
        except ValueError:
            values = raw
    if (
        not isinstance(values, list | tuple)
        or len(values) != 3
        or not all(type(v) is int and 0 <= v <= 255 for v in values)
    ):
        raise LabelError(f"{where} is [red, green, blue], 0 to 255 each, or '#rrggbb'; got {raw!r}")
    red, green, blue = values
    return red, green, blue


def _pairs(raw: object, where: str) -> tuple[tuple[str, str], ...] | None:
    if raw is None:
        return None
    if not isinstance(raw, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in raw):
        raise LabelError(f"{where}: pairs is a list of [left class, right class]; got {raw!r}")
    return tuple((str(left), str(right)) for left, right in raw)


def _merges(raw: object, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(raw, Mapping) or not all(
        m == REST or (isinstance(m, list | tuple) and len(m) > 1) for m in raw.values()
    ):
        raise LabelError(
            f"{where}: merges is a mapping of a class to the classes that it may be elsewhere, two or more, or {REST}; "
            f"got {raw!r}"
        )
    return tuple((str(name), () if m == REST else tuple(map(str, m))) for name, m in raw.items())


def _tables(raw: object, where: str, key: str) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(raw, Mapping) or not all(isinstance(t, Mapping) for t in raw.values()):
        raise LabelError(f"{where}: {key} is a mapping of another scheme to a table of classes; got {raw!r}")
    return {str(target): {str(a): str(b) for a, b in table.items()} for target, table in raw.items()}
