"""Conversion of plain data (model cards, label schemes, recipes, options) to dataclasses, with one-line error messages.

>>> @dataclass
... class Point:
...     x: int
...     y: Annotated[float, between(0, 1)] = 0
>>> build(Point, {"x": 1}, "point.toml")
Point(x=1, y=0)
>>> build(Point, {"x": 1, "y": 2}, "point.toml")
Traceback (most recent call last):
faceparse.errors.ConfigError: point.toml: y: expected a number, 0 to 1; got 2

The dataclass defines what is allowed: by the names and types of its fields, `Annotated` with a `Rule` for
ranges, and the errors of its `__post_init__`. Pydantic and msgspec are not used, because they start more
slowly or accept unknown keys of dataclasses silently, and their messages name neither the file nor the
nearest key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from reprlib import Repr
from textwrap import shorten
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from faceparse.errors import ConfigError, FaceparseError, display_name
from faceparse.files import open_regular
from faceparse.registry import either, nearest

T = TypeVar("T")

LARGEST = 1 << 17
"""Maximal number of bytes of a table; real tables have a few thousand."""

DEEPEST = 32
"""Maximal nesting depth of tables and lists."""

_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60
_FORMS = {".toml": "TOML", ".json": "JSON", ".yaml": "YAML", ".yml": "YAML"}


@dataclass(frozen=True)
class Rule:
    """A rule for a value besides its type: `Annotated[int, Rule("even", lambda v: v % 2 == 0)]`.

    Attributes:
        words: The rule in words, for messages.
        holds: Function that returns whether a value of the type follows the rule.
    """

    words: str
    holds: Callable[[Any], object]


def at_least(low: float) -> Rule:
    """Return the rule that a number is `low` or more."""
    return Rule(f"{low:,} or more", lambda value: value >= low)


def above(low: float) -> Rule:
    """Return the rule that a number is greater than `low`."""
    return Rule(f"above {low:,}", lambda value: value > low)


def between(low: float, high: float) -> Rule:
    """Return the rule that a number is `low` to `high`, both included."""
    return Rule(f"{low:,} to {high:,}", lambda value: low <= value <= high)


def one_of(choices: Iterable[object]) -> Rule:
    """Return the rule that a value is one of `choices`."""
    names = [str(choice) or "empty" for choice in choices]
    return Rule(either(names), set(choices).__contains__)


def matching(pattern: str, words: str) -> Rule:
    """Return the rule that a text is empty or matches a regular expression."""
    return Rule(words, lambda text: not text or re.fullmatch(pattern, text))


class _FaultError(Exception):
    def __init__(self, path: str, words: str) -> None:
        super().__init__(f"{path}: {words}" if path else words)
        self.path = path


def build(kind: type[T], raw: object, where: str = "", error: type[FaceparseError] = ConfigError) -> T:
    """Make an instance of a dataclass from plain data.

    Args:
        kind: The dataclass.
        raw: Field name → plain data; mappings and lists inside are converted to the types of the fields.
        where: Source of the data, such as a file's name, for messages; may be empty.
        error: Class of the errors.

    Raises:
        FaceparseError: of class `error`: a key that is missing, unknown, of the wrong type or out of range;
            the message names the key.
    """
    return convert(kind, raw, where=where, error=error)  # type: ignore[no-any-return]


def convert(
    hint: Any, value: object, path: str = "", *, where: str = "", error: type[FaceparseError] = ConfigError
) -> Any:
    """Convert plain data to a type, as for a field of a dataclass.

    >>> convert(tuple[float, float], [1, 2], "scale")
    (1.0, 2.0)

    Args:
        hint: The type.
        value: The plain data.
        path: The value's name, for messages.
        where: Source of the data, for messages.
        error: Class of the errors.

    Raises:
        FaceparseError: of class `error`, for another type or a broken rule.
    """
    try:
        return _convert(hint, value, path)
    except _FaultError as fault:
        raise error(f"{where}: {fault}" if where else str(fault)) from None


def check(table: object, path: str = "") -> None:
    """Check the fields of a dataclass instance against their types and rules; `__post_init__` calls this function.

    Args:
        table: The instance.
        path: The instance's name, for messages.

    Raises:
        ConfigError: a field of another type, or a broken rule.
    """
    kind: type = type(table)
    for name, hint in hints(kind).items():
        convert(hint, getattr(table, name), _join(path, name))


@cache
def hints(kind: type) -> Mapping[str, Any]:
    """Return name → type, with rules, of the fields that a dataclass's constructor takes."""
    resolved = get_type_hints(kind, include_extras=True)
    return {f.name: resolved[f.name] for f in fields(kind) if f.init}


def plain_text(hint: Any, text: str) -> object:
    """Convert a word of the command line to plain data for a field of a type.

    >>> plain_text(list[int], "[1, 2]"), plain_text(str, "12"), plain_text(tuple[str, ...], "hair,skin")
    ([1, 2], '12', ['hair', 'skin'])
    """
    try:
        value = parse(text, "YAML", "")
    except FaceparseError:
        value = text
    if not isinstance(value, str):
        # `#abc` is a comment in YAML, and no value.
        return value if _fits(hint, value) or not (value is None or _fits(hint, text)) else text
    if any(get_origin(kind) in (tuple, list) and str in get_args(kind) for kind in (hint, *get_args(hint))):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _fits(hint: Any, value: object) -> bool:
    try:
        _convert(hint, value, "")
    except _FaultError:
        return False
    return True


def read_file(path: str | Path, what: str, error: type[FaceparseError] = ConfigError) -> Any:
    """Read plain data from a TOML, JSON or YAML file; the suffix sets the format.

    Args:
        path: The file.
        what: Word for the file in messages, such as `card` or `label scheme`.
        error: Class of the errors.

    Raises:
        FaceparseError: of class `error`: no such file, or a file that is too large, not UTF-8, or not in the
            suffix's format.
    """
    where = f"{what} {path}"
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as fault:  # ValueError: an impossible file name
        raise error(f"cannot read {where}: {getattr(fault, 'strerror', fault)}") from None
    return parse(data, _FORMS.get(Path(path).suffix.lower(), "YAML"), where, error)


def parse(text: str | bytes, form: str, where: str, error: type[FaceparseError] = ConfigError) -> Any:
    """Parse a text to plain data.

    Args:
        text: The text, or its bytes in UTF-8.
        form: `TOML`, `JSON` or `YAML`; YAML without aliases, because they can make a huge table of a short
            text.
        where: Source of the text, for messages.
        error: Class of the errors.

    Raises:
        FaceparseError: of class `error`: a text that is not in this format, too large, or nested too deeply.
    """
    if len(text) > LARGEST:
        raise error(f"{where} has more than {LARGEST:,} bytes, too many for a table of faceparse")
    try:
        value = _READERS[form](text if isinstance(text, str) else text.decode("utf-8-sig"))
        if _depth(value) > DEEPEST:
            raise RecursionError
        return value
    except RecursionError:
        raise error(f"{where} is nested too deeply") from None
    except UnicodeDecodeError as fault:
        raise error(f"{where} is not {form}, a text in UTF-8: {fault}") from None
    except Exception as fault:  # each parser's errors, and ValueError for impossible numbers and dates
        mark, words = getattr(fault, "problem_mark", None), str(fault)
        if mark is not None:  # the full YAML error quotes the text
            words = f"line {mark.line + 1}, column {mark.column + 1}: {getattr(fault, 'problem', '')}"
        raise error(f"{where} is not {form}: {shorten(words, 200, placeholder=' …')}") from None


def _yaml(text: str) -> object:
    return _loader()(text).get_single_data()


def _toml(text: str) -> object:
    if re.search(
        rf"(\.[^.\n]*){{{4 * DEEPEST}}}", text
    ):  # a key with very many parts costs tomllib gigabytes
        raise RecursionError
    return tomllib.loads(text)


def _depth(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, parts), default=0)


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a table; refuse a key that occurs twice, where the parsers would silently keep the later one."""
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"the key {twice[0]!r} occurs twice in a table")
    return dict(pairs)


_json = partial(json.loads, object_pairs_hook=_table)
_READERS: Mapping[str, Callable[[str], object]] = {"TOML": _toml, "JSON": _json, "YAML": _yaml}


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "tag", None):
                raise yaml.YAMLError("an alias (*name) or a tag (!name) is not allowed: write the value")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            _table([(str(key.value), value) for key, value in node.value])
            return super().construct_mapping(node, deep)

    # PyYAML reads YAML 1.1, in which 1e-4 is a text.
    number = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    return Loader


def _convert(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if isinstance(value, str | Path) and "\0" in str(value):
        raise _FaultError(path, f"expected {described(hint)} without NUL; got {_value_text(str(value))}")
    if origin is Annotated:
        if arguments[0] is str and not isinstance(value, str):
            raise _unlike(hint, value, path)  # the rule says what the text is
        result = _convert(arguments[0], value, path)
        if result is None or all(rule.holds(result) for rule in arguments[1:]):
            return result
    elif origin in (Union, UnionType):
        return _convert_union(hint, value, path)
    elif origin is Literal:
        if any(type(value) is type(choice) and value == choice for choice in arguments):
            return value
    elif origin in (tuple, list):
        if isinstance(value, list | tuple):
            inner = arguments[:1] * len(value) if origin is list or arguments[-1] is ... else arguments
            if len(inner) == len(value):
                items = enumerate(zip(inner, value, strict=True))
                return origin(_convert(kind, item, f"{path}[{i}]") for i, (kind, item) in items)
    elif origin is not None and issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            wrong = next((key for key in value if not isinstance(key, str)), "")
            if wrong != "":
                raise _FaultError(path, f"expected keys that are text, in quotes; got {_value_text(wrong)}")
            return {key: _convert(arguments[1], v, _join(path, key)) for key, v in value.items()}
    elif is_dataclass(hint):
        if isinstance(value, Mapping):
            return _convert_table(hint, value, path)
        if isinstance(value, hint):  # type: ignore[arg-type]
            return value
    elif hint is float:
        if type(value) in (int, float) and -1e308 < value < 1e308:  # no NaN, infinity or 10**400
            return float(value)
    elif hint is int:
        if type(value) is int and -(2**63) <= value < 2**63:
            return value
    elif hint is Path:
        if isinstance(value, str | Path):
            return Path(value)
    elif hint in (str, bool, NoneType) and isinstance(value, hint):
        return value
    raise _unlike(hint, value, path)


def _convert_union(hint: Any, value: object, path: str) -> Any:
    faults = []
    for kind in get_args(hint):
        try:
            return _convert(kind, value, path)
        except _FaultError as fault:
            faults.append(fault)
    deepest = max(faults, key=lambda fault: len(fault.path))
    inside = len(deepest.path) > len(path)  # the fault is inside a value of this type
    raise deepest if inside else _unlike(hint, value, path)


def _convert_table(kind: Any, raw: Mapping[object, object], path: str) -> Any:
    types = hints(kind)
    for key in map(str, raw):
        if key not in types:
            near = nearest(key, types)
            mend = f"is it {either(near)}?" if near else f"there are {', '.join(types)}"
            raise _FaultError(_join(path, key), f"unknown key; {mend}")
    values = {str(key): _convert(types[str(key)], value, _join(path, str(key))) for key, value in raw.items()}
    needed = (f.name for f in fields(kind) if f.init and f.default is f.default_factory is MISSING)
    for key in needed:
        if key not in raw:
            raise _FaultError(_join(path, key), f"missing; expected {described(types[key])}")
    try:
        return kind(**values)
    except FaceparseError as error:
        raise _FaultError("" if str(error).startswith(path) else path, str(error)) from None


def _unlike(hint: Any, value: object, path: str) -> _FaultError:
    return _FaultError(path, f"expected {described(hint)}; got {_value_text(value)}")


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_WORDS |= {NoneType: "null", Path: "a path"}


def described(hint: Any) -> str:
    """Describe a type in words, for messages and help.

    >>> described(Annotated[int, at_least(1)] | None)
    'a whole number, 1 or more or null'
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rules = ", ".join(rule.words for rule in arguments[1:])
        return rules if arguments[0] is str else f"{described(arguments[0])}, {rules}"
    if origin in (Union, UnionType):
        return either([words for kind in arguments if (words := described(kind))])
    if origin is Literal:
        return either([str(choice) for choice in arguments])
    if origin is tuple and arguments[-1] is not ...:
        return f"a list of {len(arguments)}, each {either([described(kind) for kind in arguments])}"
    if origin in (tuple, list):
        return f"a list, each {described(arguments[0])}"
    return _WORDS.get(hint, "a table" if is_dataclass(hint) or origin else "")


def _value_text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "a table"
    if hasattr(value, "shape"):  # an array's text has many lines
        return f"an array of shape {value.shape}"
    try:
        return _REPR.repr(value)
    except ValueError:  # an integer with thousands of digits
        return "a number of too many digits"


def _join(path: str, name: str) -> str:
    return f"{path}.{display_name(name[:60])}" if path else display_name(name[:60])
