"""Files of label schemes: the package's own (TOML) and a user's (YAML or TOML).

`--data.scheme spots.yaml` takes a file such as this::

    name: spots4                      # optional; else the file's name
    title: Skin, and two kinds of spots
    classes: [background, skin, l_spot, r_spot]   # label 0 first, which is background
    colours: {l_spot: [255, 128, 0], r_spot: "#00ff80"}   # optional RGB
    pairs: [[l_spot, r_spot]]         # optional; else every l_NAME with its r_NAME
    left_means: subject               # optional; subject, viewer or unverified
    to: {celebamask19: {l_spot: skin, r_spot: skin}}      # optional conversion tables
    from: {face2: {face: skin}}       # optional, the other way round
    read_as: face2                    # optional; see `Scheme`
    merges: {background: rest}        # optional: a class that stands for several of another scheme, or for the rest
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from faceparse.errors import LabelError
from faceparse.labels.scheme import Scheme
from faceparse.tables import Rule, between, convert, read_file

SUFFIXES = (".yaml", ".yml", ".toml")
"""Suffixes that tell a scheme's file from a scheme's name."""
REST = "rest"
"""Value of `merges` for a class that stands for everything without a class of its own."""
_UNFIT = re.compile(r"^\s*$|[/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_Byte = Annotated[int, between(0, 255)]
_Hex = Annotated[str, Rule("'#rrggbb'", re.compile("#[0-9a-fA-F]{6}").fullmatch)]
_Tables = Mapping[str, Mapping[str, str]]
_Several = Annotated[tuple[str, ...], Rule("two or more", lambda names: len(names) > 1)]
_KEYS: Mapping[str, tuple[str, Any]] = {
    "name": ("name", str),
    "title": ("title", str),
    "classes": ("classes", tuple[str | Any, ...]),  # `Scheme` checks the names
    "left_means": ("left_means", str),
    "colours": ("colours", Mapping[str, tuple[_Byte, _Byte, _Byte] | _Hex]),
    "pairs": ("pair_names", tuple[tuple[str, str], ...] | None),
    "to": ("tables_to", _Tables),
    "from": ("tables_from", _Tables),
    "read_as": ("result_scheme", str),
    "merges": ("merges", Mapping[str, Literal["rest"] | _Several]),
}
"""Key of a file → parameter of `Scheme`, and the value's type."""


def read_scheme(path: str | Path) -> Scheme:
    """Read a scheme from a YAML or TOML file; the module's docstring shows one.

    >>> read_scheme("spots.yaml").classes  # doctest: +SKIP
    ('background', 'skin', 'l_spot', 'r_spot')

    Raises:
        LabelError: no such file, not YAML or TOML, or not a scheme; the message names the wrong key.
    """
    where = f"label scheme {path}"
    raw = read_file(path, "label scheme", LabelError)
    scheme = scheme_from({"name": Path(path).stem, **raw} if isinstance(raw, Mapping) else raw, where)
    # Not checked in `scheme_from`, because schemes inside older models and results must stay readable.
    if scheme.classes[0] != "background":
        raise LabelError(f"{where}: the first class, label 0, is background; got {scheme.classes[0]!r}")
    unfit = [name for name in scheme.classes if _UNFIT.search(name)]
    if unfit:
        rule = "write it without slashes, backslashes and control characters"
        raise LabelError(f"{where}: class names become parts of file names; got {unfit[0]!r}: {rule}")
    return scheme


def scheme_from(raw: object, where: str) -> Scheme:
    """Make a scheme from plain data, which comes from a scheme's file or from a model file.

    >>> scheme_from({"name": "bald2", "classes": ["background", "scalp"]}, "example").id("scalp")
    1

    Args:
        raw: A mapping with the keys of the module's docstring.
        where: Name of the data, for error messages.

    Raises:
        LabelError: a key that is missing, unknown or of the wrong type; the message names the key.
    """
    if not isinstance(raw, Mapping):
        raise LabelError(f"{where}: expected a mapping with classes in it, got {type(raw).__name__}")
    unknown = [key for key in raw if key not in _KEYS]
    if unknown:
        raise LabelError(f"{where}: unknown key {unknown[0]!r}; there are {', '.join(_KEYS)}")
    values: dict[str, Any] = {"name": "", "classes": ()}
    for key, value in raw.items():
        parameter, kind = _KEYS[key]
        values[parameter] = convert(kind, value, key, where=where, error=LabelError)
    colours = values.get("colours", {}).items()
    values["colours"] = {
        c: tuple(bytes.fromhex(rgb[1:])) if isinstance(rgb, str) else rgb for c, rgb in colours
    }
    merges = values.get("merges", {}).items()
    values["merges"] = tuple((name, () if classes == REST else classes) for name, classes in merges)
    if not values["name"]:
        raise LabelError(f"{where}: name is missing")
    try:
        return Scheme(**values)
    except LabelError as error:
        raise LabelError(f"{where}: {error}") from None


def plain(scheme: Scheme) -> dict[str, Any]:
    """Convert a scheme to plain data for YAML, TOML or JSON; `scheme_from` converts it back.

    >>> plain(Scheme("bald2", ("background", "scalp")))["classes"]
    ['background', 'scalp']
    """
    table = {key: _plain(getattr(scheme, parameter)) for key, (parameter, _) in _KEYS.items()}
    table["merges"] = {name: list(members) or REST for name, members in scheme.merges}
    return {key: value for key, value in table.items() if value not in (None, "", {})}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
