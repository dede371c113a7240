"""The phone form of a graph: one input size, half-pixel resizing, and only operators that phones support.

ONNX Runtime on Android (NNAPI) and Apple (CoreML) supports neither shapes that are computed while running,
nor resizing with aligned corners, nor pooling over a window as large as the feature map.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxscript.optimizer
from onnx import helper, numpy_helper, shape_inference

from faceparse.errors import WeightsError
from faceparse.export.graph import constants, drop_unused, name_dimensions
from faceparse.weights import Card, Grid

OPERATORS = {
    "Add",
    "Clip",
    "Concat",
    "Conv",
    "Div",
    "GlobalAveragePool",
    "MatMul",
    "MaxPool",
    "Mul",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sub",
    "Transpose",
    "QuantizeLinear",
    "DequantizeLinear",
}
"""Operators that a phone graph may contain: NNAPI and CoreML support all but the last two, which int8 needs."""


def for_phone(model: Any, card: Card) -> tuple[Any, Card]:
    """Convert a graph to one picture of the card's input size, with logits at that size; return it with its card.

    >>> model, card = for_phone(graph_of(network, card.input.size), card)  # doctest: +SKIP
    >>> card.output  # doctest: +SKIP
    Grid(stride=1, align_corners=False)

    The graph includes the last upsampling, as half-pixel resizing. For a network with aligned corners, the
    graph computes logits a little beyond the border, resizes and crops them, so that every sample lies
    exactly where aligned corners put it (see `align_corners`).

    Raises:
        WeightsError: the graph has an operator or size that phones reject and that cannot be replaced; the
            message names it.
    """
    height, width = card.input.size
    name_dimensions(model.graph.input[0], (1, 3, height, width))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model = onnxscript.optimizer.optimize(model)
    model.graph.ClearField("value_info")
    grid = _shape(model, "logits")[2:]
    _upsample(model, card, (grid[0], grid[1]))
    faults = phone_faults(model)
    if faults:
        raise WeightsError(f"phones would reject the phone form of {card.id} for {'; '.join(faults)}")
    return model, replace(card, output=Grid(stride=1, align_corners=False))


class Alignment(NamedTuple):
    """Padding, resized length and start of the crop, for one axis, that equal resizing with aligned corners."""

    pad: int
    resized: int
    start: int


def align_corners(cells: int, pixels: int) -> Alignment | None:
    """Compute how padding, half-pixel resizing and cropping can resize `cells` to `pixels` with aligned corners.

    >>> align_corners(64, 512)
    Alignment(pad=4, resized=584, start=36)

    Aligned corners read output pixel x at x·(cells − 1)/(pixels − 1). Half-pixel resizing of n samples to m
    pixels reads it at (x + 0.5)·n/m − 0.5. Let a/b be (cells − 1)/(pixels − 1) in lowest terms, and c =
    (cells − 1)/a. Then n = a(c + 1) and m = b(c + 1) give the same step, and after (n − cells)/2 cells of
    padding the first sample falls on output pixel (b − 1)/2. Padding never contributes, because every output
    pixel lies between two original cells.

    Returns:
        Padding, resized length and start of the crop; None if `cells` or `pixels` is odd: then the first
        sample falls between pixels.
    """
    if cells < 2 or cells % 2 or pixels % 2:
        return None
    common = gcd(cells - 1, pixels - 1)
    step, length = (cells - 1) // common, (pixels - 1) // common
    return Alignment((step - 1) // 2, length * (common + 1), (length - 1) // 2)


def phone_faults(model: Any) -> list[str]:
    """List in words what phones reject in a graph; the list is empty for a phone graph."""
    faults = [
        f"{value.name} of free size"
        for value in (*model.graph.input, *model.graph.output)
        if any(d.dim_param or not d.dim_value for d in value.type.tensor_type.shape.dim)
    ]
    values = constants(model)
    for node in model.graph.node:
        settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type not in OPERATORS:
            faults.append(f"{node.op_type} {node.name}".strip())
        elif node.op_type == "Resize":
            faults += _resize_faults(node, settings, values)
        elif node.op_type in ("Reshape", "Slice") and any(i and i not in values for i in node.input[1:]):
            faults.append(f"{node.op_type} {node.name} of computed sizes")
    return faults


def _resize_faults(node: Any, settings: dict[str, Any], values: dict[str, Any]) -> list[str]:
    grid = settings.get("coordinate_transformation_mode", b"half_pixel").decode()
    mode = settings.get("mode", b"nearest").decode()
    faults = []
    if grid not in ("half_pixel", "asymmetric") or (mode == "linear" and grid != "half_pixel"):
        faults.append(f"{grid} resizing {node.name}")
    if mode == "cubic" or settings.get("antialias"):
        faults.append(f"cubic or antialiased resizing {node.name}")
    if any(name and name not in values for name in node.input[1:]):
        faults.append(f"resizing {node.name} to a computed size")
    return faults


def _widen(node: Any, pads: tuple[int, int], card: Card) -> None:
    """Let a convolution compute cells beyond the border, which pads its output without another operator."""
    settings = {a.name: a for a in node.attribute}
    strides = settings["strides"].ints if "strides" in settings else (1, 1)
    if node.op_type != "Conv" or set(strides) != {1} or "pads" not in settings:
        raise WeightsError(
            f"the phone form of {card.id} cannot align the corners of its logits: they come from {node.op_type} {node.name}, "
            "not from a convolution of stride 1 with explicit padding"
        )
    padding = settings["pads"].ints
    padding[:] = [old + more for old, more in zip(padding, pads * 2, strict=True)]


def _shape(model: Any, name: str) -> list[int]:
    inferred = shape_inference.infer_shapes(model, strict_mode=True).graph
    value = next(v for v in (*inferred.output, *inferred.value_info) if v.name == name)
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def _upsample(model: Any, card: Card, grid: tuple[int, int]) -> None:
    """Extend the graph so that it resizes the logits to the input's size."""
    graph = model.graph
    height, width = card.input.size
    classes = len(card.label_scheme)
    last = next(n for n in graph.node if "logits" in n.output)
    last.output[list(last.output).index("logits")] = "grid_logits"
    for node in graph.node:
        node.input[:] = ["grid_logits" if name == "logits" else name for name in node.input]
    values: dict[str, tuple[int, ...]] = {"logits_sizes": (1, classes, height, width)}
    if card.output.align_corners:
        rows, columns = align_corners(grid[0], height), align_corners(grid[1], width)
        if rows is None or columns is None:
            raise WeightsError(
                f"{card.id} gives {grid[0]} × {grid[1]} logits with aligned corners for {height} × {width} pixels: "
                "the phone form needs even numbers of logits and pixels; change the card's input size"
            )
        _widen(last, (rows.pad, columns.pad), card)
        values = {
            "logits_sizes": (1, classes, rows.resized, columns.resized),
            "logits_starts": (rows.start, columns.start),
            "logits_ends": (rows.start + height, columns.start + width),
            "logits_axes": (2, 3),
        }
    for name, numbers in values.items():
        graph.initializer.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
    size, *crop = values
    target = "resized_logits" if crop else "logits"
    graph.node.append(
        helper.make_node(
            "Resize",
            ["grid_logits", "", "", size],
            [target],
            "resize_logits",
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
    )
    if crop:
        graph.node.append(helper.make_node("Slice", [target, *crop], ["logits"], "crop_logits"))
    del graph.output[:]
    shape = (1, classes, height, width)
    graph.output.append(helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape))
    drop_unused(model)
