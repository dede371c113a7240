"""GELU as ONNX Runtime knows it.

PyTorch's exporter writes x · (½ · (1 + erf(x / √2))). ONNX Runtime makes one operator of (x · (1 + erf(x / √2))) · ½ and
not of the former, which costs several passes over the largest arrays of a transformer.
"""

from __future__ import annotations

from typing import Any

from onnx import numpy_helper


def regroup_gelu(model: Any) -> int:
    """Swap the two multiplications wherever a graph has the exporter's GELU; returns how many it found."""
    halves = {i.name for i in model.graph.initializer if _is_half(i)}
    made_by = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    found = 0
    for outer in model.graph.node:
        for x, scaled in (outer.input, reversed(outer.input)) if outer.op_type == "Mul" else ():
            inner = made_by.get(scaled)
            if inner is None or inner.op_type != "Mul" or readers[scaled] != 1:
                continue
            half = next((name for name in inner.input if name in halves), None)
            rest = next((name for name in inner.input if name != half), None)
            if half is None or rest is None or not _of_erf(rest, x, made_by):
                continue
            inner.input[:] = [x, rest]
            outer.input[:] = [scaled, half]
            found += 1
            break
    return found


def _of_erf(name: str, x: str, made_by: dict[str, Any]) -> bool:
    """Whether a value is 1 + erf(x / √2), as far as names tell."""
    added = made_by.get(name)
    if added is None or added.op_type != "Add":
        return False
    erf = next((made_by[i] for i in added.input if i in made_by and made_by[i].op_type == "Erf"), None)
    divided = None if erf is None else made_by.get(erf.input[0])
    return divided is not None and divided.op_type == "Div" and divided.input[0] == x


def _is_half(initializer: Any) -> bool:
    array = numpy_helper.to_array(initializer) if not list(initializer.dims) else None
    return array is not None and float(array) == 0.5
