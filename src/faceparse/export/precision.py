"""Graphs in lower precision: float16, and int8 with scales measured on real pictures."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import shape_inference
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from faceparse.errors import ConfigError
from faceparse.registry import nearest

MIN_ROWS = 64
"""Least number of rows of a matrix product in int8: smaller ones, such as SegFace's tokens, stay float32."""


def to_half(model: Any) -> Any:
    """Convert a model to float16 with ONNX Runtime's converter; inputs and outputs stay float32.

    A GPU or phone runs a float16 model faster, in half the memory. On an x86 CPU ONNX
    Runtime has no float16 convolutions, so it casts to float32 and back.
    """
    half = convert_float_to_float16(model, keep_io_types=True)  # type: ignore[no-untyped-call]
    sorted_model = OnnxModel(half)  # type: ignore[no-untyped-call]
    sorted_model.topological_sort()  # type: ignore[no-untyped-call]  # the converter appends its casts at the end
    return sorted_model.model


def to_int8(
    model: Any,
    inputs: Iterable[NDArray[np.float32]],
    keep_float: Sequence[str] = (),
    weight_bits: int = 8,
) -> Any:
    """Convert a model to int8: weights in int8, scaled per channel, and activations in uint8.

    ONNX Runtime measures the scales on real inputs (static quantisation) and writes QuantizeLinear and
    DequantizeLinear around each operator. Scales cover the whole range of the inputs, because entropy and
    percentiles were no better in our tests.

    A network with matrix products (Swin, ConvNeXt, DINOv3) is converted as ONNX Runtime advises for
    transformers: products with weights scale each input by the input's own range, convolutions use a measured
    range, and all other operators stay float32.

    Args:
        model: A float32 graph.
        inputs: Normalised inputs of the network, float32 (B, 3, H, W); read one after the other.
        keep_float: Nodes that stay float32: `first` and `last` for the first and last convolution, or node
            names.
        weight_bits: 8; or 7 for CPUs without VNNI, where ONNX Runtime sums 8-bit products in 16 bits, which
            overflow.

    Raises:
        ConfigError: a node that does not exist, or other `weight_bits`.
    """
    if weight_bits not in (7, 8):
        raise ConfigError(f"int8 weights have 8 bits, or 7 for CPUs without VNNI; got {weight_bits}")
    excluded = _node_names(model, keep_float)
    with tempfile.TemporaryDirectory(prefix="faceparse-int8-") as folder, _quiet():
        plain, ready, done = (Path(folder, f"{name}.onnx") for name in ("plain", "ready", "done"))
        onnx.save(model, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        products = [name for name in _products(onnx.load(ready)) if name not in excluded]
        quantize_static(
            ready,
            done,
            _Reader(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"] if products else None,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=excluded,
            reduce_range=weight_bits == 7,
        )
        if products:
            quantize_dynamic(
                done,
                done,
                nodes_to_quantize=products,
                per_channel=True,
                weight_type=QuantType.QInt8,
                reduce_range=weight_bits == 7,
            )
        return onnx.load(done)


def _products(model: Any) -> list[str]:
    """Return the names of matrix products with weights that are large enough to gain from int8."""
    weights = {i.name for i in model.graph.initializer if len(i.dims) == 2 and min(i.dims) >= MIN_ROWS}
    inferred = shape_inference.infer_shapes(model).graph.value_info
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in inferred}
    products = []
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            rows = sizes.get(node.input[0], [])[:-1]
            # `sizes` has 0 for a free size, such as the batch.
            if 0 in rows[1:] or not rows or math.prod(r or 1 for r in rows) >= MIN_ROWS:
                products.append(node.name)
    return products


class _Reader(CalibrationDataReader):
    def __init__(self, inputs: Iterable[NDArray[np.float32]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> Any:
        """Return the next input by name; None after the last."""
        image = next(self._inputs, None)
        return None if image is None else {"image": image}


def _node_names(model: Any, names: Sequence[str]) -> list[str]:
    nodes = {n.name: n.op_type for n in model.graph.node}
    heavy = [name for name, kind in nodes.items() if kind in ("Conv", "MatMul")]
    convolutions = [name for name in heavy if nodes[name] == "Conv"]
    ends = {"first": convolutions[0], "last": convolutions[-1]} if convolutions else {}
    unknown = [n for n in names if n not in ends and n not in nodes]
    if unknown:
        raise ConfigError(
            f"no node {', '.join(unknown)} to keep in float32: name first or last, or nodes of the graph, "
            f"such as {', '.join(nearest(unknown[0], heavy, 0.6) or heavy[:4])}"
        )
    return [ends.get(n, n) for n in names]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ONNX Runtime's tools, which log advice, from adding a handler to the root logger."""
    root = logging.getLogger()
    guard = logging.NullHandler()
    root.addHandler(guard)
    try:
        yield
    finally:
        root.removeHandler(guard)
