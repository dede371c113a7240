"""GELU in the form that ONNX Runtime fuses into one operator.

PyTorch's exporter writes x · (½ · (1 + erf(x / √2))), but ONNX Runtime only fuses (x · (1 + erf(x / √2))) ·
½. Without fusion, GELU takes several passes over the largest arrays of a transformer.
"""

from __future__ import annotations

from typing import Any

from onnx import numpy_helper


def regroup_gelu(model: Any) -> int:
    """Swap the two multiplications of each GELU that the exporter wrote; return their number."""
    halves = {i.name for i in model.graph.initializer if _is_half(i)}
    producers = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    count = 0
    for outer in model.graph.node:
        for x, scaled in (outer.input, reversed(outer.input)) if outer.op_type == "Mul" else ():
            inner = producers.get(scaled)
            if inner is None or inner.op_type != "Mul" or readers[scaled] != 1:
                continue
            half = next((name for name in inner.input if name in halves), None)
            rest = next((name for name in inner.input if name != half), None)
            if half is None or rest is None or not _is_one_plus_erf(rest, x, producers):
                continue
            inner.input[:] = [x, rest]
            outer.input[:] = [scaled, half]
            count += 1
            break
    return count


def _is_one_plus_erf(name: str, x: str, producers: dict[str, Any]) -> bool:
    """Return whether a value is 1 + erf(x / √2); only the operators are checked, not their constants."""
    added = producers.get(name)
    if added is None or added.op_type != "Add":
        return False
    erf = next((producers[i] for i in added.input if i in producers and producers[i].op_type == "Erf"), None)
    divided = None if erf is None else producers.get(erf.input[0])
    return divided is not None and divided.op_type == "Div" and divided.input[0] == x


def _is_half(initializer: Any) -> bool:
    array = numpy_helper.to_array(initializer) if not list(initializer.dims) else None
    return array is not None and float(array) == 0.5
