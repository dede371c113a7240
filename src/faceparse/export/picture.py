"""The picture form of a graph: preprocessing, network and labels in one graph."""

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
"""Oldest opset with antialiased resizing, which every card requires."""

_CUBIC = -0.5  # Pillow's bicubic; ONNX's default is −0.75


def with_picture(model: Any, card: Card) -> Any:
    """Extend a network's graph to a graph from pictures to labels.

    The input `picture` is RGB, uint8 (batch, height, width, 3), of any size. The output `labels` is uint8
    (batch, height, width) in the card's scheme, at the picture's size. The graph resizes with antialiasing
    and normalises as the card says, runs the network, resizes the logits to the picture's size and takes
    their argmax. The network gets the whole picture: the graph does not detect or align faces.

    Logits at the picture's size need 4 bytes × classes of memory per pixel.
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
    """A runner of an ONNX file in the picture form.

    >>> PictureGraph("picture.onnx")(image).shape  # image: uint8 (480, 640, 3)  # doctest: +SKIP
    (480, 640)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(os.fspath(path), options, ["CPUExecutionProvider"])

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the labels, H × W, of an RGB picture, H × W × 3."""
        labels: Any = self._session.run(["labels"], {"picture": image[None]})[0]
        return np.asarray(labels[0], np.uint8)


class _Nodes:
    """A builder of new nodes and their constants."""

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
    # Resize in uint8, as the parser does: ONNX Runtime then rounds as Pillow does.
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
        # First resize to the input's size, as published; then with half-pixel centres, as the parser does.
        source = make.resize(source, "input_size", "input_logits", [2, 3], "align_corners")
    make.add("Shape", ["picture"], "picture_size", start=1, end=3)
    source = make.resize(source, "picture_size", "picture_logits", [2, 3], "half_pixel")
    source = make.add("ArgMax", [source], "picture_labels", axis=1, keepdims=0)
    make.add("Cast", [source], "labels", to=onnx.TensorProto.UINT8)
