"""The published form of a graph: logits at the input's size, and input and output named as in published exports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from faceparse.errors import ConfigError
from faceparse.weights import Card, Grid

NAMES = ("input", "output")
"""Names of input and output in published exports."""


def for_published(model: Any, card: Card, names: tuple[str, str] = NAMES) -> tuple[Any, Card]:
    """Add the last upsampling to a graph, as programs for published exports expect it; return the graph with its card.

    >>> model, card = for_published(graph_of(network, card.input.size), card)  # doctest: +SKIP
    >>> session.run(None, {"input": image})[0].shape  # image: float32 (2, 3, 512, 512)  # doctest: +SKIP
    (2, 19, 512, 512)

    Raises:
        ConfigError: names that are empty, equal, or already used inside the graph.
    """
    graph = model.graph
    inside = {name for node in graph.node for name in (*node.input, *node.output)} - {"image", "logits"}
    if len({*names, ""}) < 3 or inside & {*names}:
        raise ConfigError(
            f"input and output need two different names, not used inside the graph; got {' and '.join(names)}"
        )
    image, output = names
    renamed = {"image": image, "logits": "grid_logits"}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    graph.input[0].name, graph.output[0].name = image, output
    for name, axes in (("resized_sides", [2, 3]), ("resized_channels", [0, 1])):
        graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), f"{name}_axes"))
        source = image if name == "resized_sides" else "grid_logits"
        graph.node.append(helper.make_node("Shape", [source], [f"{name}_shape"]))
        graph.node.append(helper.make_node("Gather", [f"{name}_shape", f"{name}_axes"], [name]))
    graph.node.append(helper.make_node("Concat", ["resized_channels", "resized_sides"], ["resized"], axis=0))
    corners = "align_corners" if card.output.align_corners else "half_pixel"
    settings = {"mode": "linear", "coordinate_transformation_mode": corners}
    graph.node.append(helper.make_node("Resize", ["grid_logits", "", "", "resized"], [output], **settings))
    for axis in (2, 3):
        graph.output[0].type.tensor_type.shape.dim[axis].CopyFrom(
            graph.input[0].type.tensor_type.shape.dim[axis]
        )
    return model, replace(card, output=Grid(stride=1, align_corners=False))
