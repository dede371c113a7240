"""Conditions on the columns of a table, such as `trust > 0.7 and size >= 64`: read as a tree, never run as Python.

>>> condition = Condition("trust > 0.7 and not (engine == 'fake')", {"trust": "number", "engine": "text"})
>>> condition.reason({"trust": 0.9, "engine": "onnx"}), condition.reason({"trust": 0.5, "engine": "onnx"})
('', 'not trust > 0.7')
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Mapping
from typing import Any

from faceparse.data.packed import NUMBER, TEXT, TRUTH
from faceparse.errors import ConfigError
from faceparse.registry import nearest

Value = str | int | float | bool | None

LONGEST = 1000
"""Maximal number of characters of a condition."""

_TYPES = {bool: TRUTH, int: NUMBER, float: NUMBER, str: TEXT}
_COMPARE: Mapping[type[ast.cmpop], Any] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Condition:
    """A condition on a row: comparisons of columns, numbers and texts, joined by `and`, `or`, `not`, in parentheses.

    A comparison with a value that is missing does not hold.

    Args:
        text: The condition.
        columns: Name → type of the columns.

    Raises:
        ConfigError: a text that is no such condition, a column that does not exist, or a comparison of two types.
    """

    def __init__(self, text: str, columns: Mapping[str, str]) -> None:
        self._columns = columns
        where = f"--where {text[:100]!r}"
        try:
            if len(text) > LONGEST:
                raise ConfigError(f"it has more than {LONGEST} characters")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd texts such as `1is 2`
                tree = ast.parse(text.strip(), mode="eval").body
            if self._type(tree) != TRUTH:
                raise ConfigError(f"{ast.unparse(tree)} is no comparison")
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ConfigError(
                f"{where} is no condition; expected such as: trust > 0.7 and size >= 64"
            ) from None
        both = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And)
        self._parts = [(part, f"not {ast.unparse(part)}") for part in (tree.values if both else [tree])]  # type: ignore[attr-defined]

    def reason(self, row: Mapping[str, Value]) -> str:
        """Return the first part that does not hold for a row, such as `not trust > 0.7`; empty if all hold."""
        return next((text for part, text in self._parts if not _value(part, row)), "")

    def _type(self, node: ast.expr) -> str:
        """Return the type of a node's value; raise `ConfigError` for what no condition has."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return _TYPES[type(value)]
            case ast.Name(id=name) if name in self._columns:
                return self._columns[name]
            case ast.Name(id=name):
                near = nearest(name, self._columns)
                meant = f", perhaps {near[0]}" if near else ""
                there = (
                    f"there are {', '.join(self._columns)}" if self._columns else "the source has no columns"
                )
                raise ConfigError(f"no column {name!r}{meant}: {there}")
            case ast.UnaryOp(op=ast.USub(), operand=operand) if self._type(operand) == NUMBER:
                return NUMBER
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                kinds = {self._type(operand), TRUTH}
            case ast.BoolOp(values=values):
                kinds = {*map(self._type, values), TRUTH}
            case ast.Compare(left=left, ops=ops, comparators=others) if {*map(type, ops)} <= {*_COMPARE}:
                kinds = {*map(self._type, (left, *others))}
            case _:
                raise ConfigError(f"{ast.unparse(node)[:60]} is no comparison, number, text or column")
        if len(kinds) > 1:
            raise ConfigError(f"{ast.unparse(node)} joins {' and '.join(sorted(kinds))}")
        return TRUTH


def _value(node: Any, row: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return row.get(name)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, row)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, row)
        case ast.BoolOp(op=op, values=values):
            return (all if isinstance(op, ast.And) else any)(_value(value, row) for value in values)
    values = [_value(value, row) for value in (node.left, *node.comparators)]
    pairs = zip(node.ops, values, values[1:], strict=False)
    return all(None not in (a, b) and _COMPARE[type(op)](a, b) for op, a, b in pairs)
