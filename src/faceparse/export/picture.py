"""The picture form: the card's preprocessing before the network and the labels after it, in one graph."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from faceparse.weights import Card

OLDEST_OPSET = 18
"""The first in which resizing can be antialiased, as every card asks."""

_CUBIC = -0.5  # Pillow's bicubic; ONNX's default is −0.75


def with_picture(model: Any, card: Card) -> Any:
    """Extend a graph to one from pictures to labels.

    Input `picture`, uint8 (batch, height, width, 3) RGB of any size; output `labels`, uint8 (batch, height,
    width) in the card's scheme, at the picture's own size. Inside: the card's antialiased resizing,
    normalisation, the network, logits resized to the picture's size, and their argmax. The network gets the
    whole picture: the graph does not detect or align faces.

    A graph that holds logits at the picture's size needs 4 bytes × classes for each of its pixels.
    """
    graph = model.graph
    inner = list(graph.node)
    before, after = _Nodes(graph), _Nodes(graph)
    _preprocess(before, card)
    _label(after, card)
    del graph.node[:]
    graph.node.extend([*before.nodes, *inner, *after.nodes])
    del graph.input[:], graph.output[:]
    uint8 = onnx.TensorProto.UINT8
    graph.input.append(helper.make_tensor_value_info("picture", uint8, ["batch", "height", "width", 3]))
    graph.output.append(helper.make_tensor_value_info("labels", uint8, ["batch", "height", "width"]))
    graph.ClearField("value_info")
    return model


class PictureGraph:
    """Runs an ONNX file of the picture form.

    >>> PictureGraph("picture.onnx")(image).shape  # image: uint8 (480, 640, 3)  # doctest: +SKIP
    (480, 640)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(os.fspath(path), options, ["CPUExecutionProvider"])

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Labels H × W of an RGB picture H × W × 3."""
        labels: Any = self._session.run(["labels"], {"picture": image[None]})[0]
        return np.asarray(labels[0], np.uint8)


class _Nodes:
    """New nodes, with their constants."""

    def __init__(self, graph: Any) -> None:
        self.nodes: list[Any] = []
        self._graph = graph

    def add(self, kind: str, inputs: list[str], output: str, **settings: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], f"node_{output}", **settings))
        return output

    def resize(self, source: str, size: str, output: str, axes: list[int], grid: str, **settings: Any) -> str:
        settings = {"mode": "linear", **settings, "axes": axes, "coordinate_transformation_mode": grid}
        return self.add("Resize", [source, "", "", size], output, **settings)

    def constant(self, name: str, values: Any, kind: type) -> str:
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name


def _preprocess(make: _Nodes, card: Card) -> None:
    preprocessing = card.input
    size = make.constant("input_size", preprocessing.size, np.int64)
    # In uint8, as the parser does: ONNX Runtime then rounds as Pillow does.
    cubic = {"mode": "cubic", "cubic_coeff_a": _CUBIC} if preprocessing.interpolation == "bicubic" else {}
    source = make.resize("picture", size, "input_pixels", [1, 2], "half_pixel", antialias=1, **cubic)
    if preprocessing.channels == "BGR":
        order = make.constant("picture_order", [2, 1, 0], np.int64)
        source = make.add("Gather", [source, order], "input_bgr", axis=3)
    source = make.add("Transpose", [source], "input_planes", perm=[0, 3, 1, 2])
    source = make.add("Cast", [source], "input_values", to=onnx.TensorProto.FLOAT)
    factor = [preprocessing.scale / 255 / s for s in preprocessing.std]
    offset = [m / s for m, s in zip(preprocessing.mean, preprocessing.std, strict=True)]
    for name, values in (("input_factor", factor), ("input_offset", offset)):
        make.constant(name, np.reshape(values, (1, 3, 1, 1)), np.float32)
    source = make.add("Mul", [source, "input_factor"], "input_scaled")
    make.add("Sub", [source, "input_offset"], "image")


def _label(make: _Nodes, card: Card) -> None:
    source = "logits"
    if card.output.align_corners:
        # First to the input's size, as published; from there half-pixel centres, as in the parser.
        source = make.resize(source, "input_size", "input_logits", [2, 3], "align_corners")
    make.add("Shape", ["picture"], "picture_size", start=1, end=3)
    source = make.resize(source, "picture_size", "picture_logits", [2, 3], "half_pixel")
    source = make.add("ArgMax", [source], "picture_labels", axis=1, keepdims=0)
    make.add("Cast", [source], "labels", to=onnx.TensorProto.UINT8)
