"""The plain ONNX graph of a network: float32, any batch and input size, logits at the network's own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper, shape_inference, version_converter
from torch import Tensor, nn

from faceparse.errors import ConfigError, WeightsError
from faceparse.export.gelu import regroup_gelu
from faceparse.models import Network

OPSET = 18
"""Default opset: the oldest that PyTorch's exporter writes without conversion; ONNX Runtime 1.14 and later run it."""

OLDEST_OPSET = 15
"""Oldest possible opset: older ones cannot read a single side of a shape, which a graph of any size must do."""


def graph_of(origin: Network | Path, size: tuple[int, int], opset: int = OPSET) -> Any:
    """Make the graph of a network, or of an ONNX file that was exported from one, as an `onnx.ModelProto`.

    Input `image` and output `logits` have free height and width if the network takes any size
    (`Network.any_size`). The exporter's notes and metadata are removed.

    Args:
        origin: A network on the CPU in eval mode, or the path of a plain float32 export.
        size: Height and width of the input, for a network that takes one size only.
        opset: ONNX opset, `OLDEST_OPSET` to the newest of the installed onnx.

    Raises:
        ConfigError: the opset is out of range.
        WeightsError: an ONNX file that is not a plain export, or a graph that the opset cannot express.
    """
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise ConfigError(f"opset is {OLDEST_OPSET} to {newest} (onnx {onnx.__version__}), got {opset}")
    model = _load_plain(origin, size) if isinstance(origin, Path) else _trace(origin, size)
    _strip(model)
    regroup_gelu(model)
    _pool_globally(model)
    if opset != opset_of(model):
        try:
            model = version_converter.convert_version(model, opset)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-200:]
            raise WeightsError(f"the graph cannot be written in opset {opset}: {reason}") from None
    # Programs refuse a file format that is newer than they are, so use the oldest format that has the opset.
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    any_size = takes_any_size(model)
    name_dimensions(
        model.graph.input[0], ("batch", None, *(("height", "width") if any_size else (None,) * 2))
    )
    cells = ("grid_height", "grid_width") if any_size else (None,) * 2
    name_dimensions(model.graph.output[0], ("batch", None, *cells))
    return model


def takes_any_size(model: Any) -> bool:
    """Return whether the height and width of a graph's input are free."""
    return not any(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[2:])


def opset_of(model: Any) -> int:
    """Return the opset of a graph: the version of the ONNX operators in it."""
    return next(int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx"))


def name_dimensions(value: Any, names: Sequence[str | int | None]) -> None:
    """Set the sizes of a graph's input or output: a name means a free size, None leaves a size unchanged."""
    for dimension, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
        if isinstance(name, str):
            dimension.dim_param = name
        elif name is not None:
            dimension.dim_value = name


def shapes(values: Any) -> dict[str, tuple[int | str, ...]]:
    """Return name → sizes of a graph's inputs or outputs."""
    return {v.name: tuple(d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}


def constants(model: Any) -> dict[str, Any]:
    """Return name → array of a graph's initialisers."""
    return {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}


class _Head(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.grid_logits(image)


def _trace(network: Network, size: tuple[int, int]) -> Any:
    free = torch.export.Dim.DYNAMIC
    # The sides differ, so that the exporter does not merge height and width into one size.
    example = torch.zeros(2, 3, *((128, 192) if network.any_size else size))
    dynamic = {0: free, 2: free, 3: free} if network.any_size else {0: free}
    program = torch.onnx.export(
        _Head(network).eval(),
        (example,),
        dynamo=True,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes={"image": dynamic},
        opset_version=OPSET,
        verbose=False,
    )
    assert program is not None  # None only if the exporter writes the file itself
    return program.model_proto


def _load_plain(path: Path, size: tuple[int, int]) -> Any:
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's errors, which differ between versions
        raise WeightsError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from None
    inputs, outputs = shapes(model.graph.input), shapes(model.graph.output)
    sides = inputs.get("image", ())[2:]
    fits = sides == tuple(size) or all(isinstance(side, str) for side in sides)
    if list(inputs) != ["image"] or list(outputs) != ["logits"] or not fits:
        raise WeightsError(
            f"{path} is not a plain export of faceparse (input image, output logits); it has inputs {inputs} "
            f"and its outputs {outputs}: start from the checkpoint"
        )
    del model.metadata_props[:]
    return model


def _strip(model: Any) -> None:
    """Drop the exporter's notes, which hold stack traces with paths of this machine."""
    graph = model.graph
    values = (*graph.value_info, *graph.input, *graph.output)
    for message in (model, graph, *graph.node, *graph.initializer, *values):
        message.ClearField("doc_string")
        message.ClearField("metadata_props")
    graph.ClearField("value_info")  # these shapes use symbols of the exporter


def _pool_globally(model: Any) -> None:
    """Write global average pooling as one operator, which phones and int8 support.

    The exporter writes it as a mean over the last two axes.
    """
    values = constants(model)
    inferred = shape_inference.infer_shapes(model).graph
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in (*inferred.value_info, *inferred.input)}
    for node in model.graph.node:
        if node.op_type != "ReduceMean" or len(node.input) < 2 or ranks.get(node.input[0]) != 4:
            continue
        axes = {int(a) % 4 for a in values.get(node.input[1], ())}
        keeps = all(a.i for a in node.attribute if a.name == "keepdims")
        if axes == {2, 3} and keeps:
            node.op_type = "GlobalAveragePool"
            del node.attribute[:]
            del node.input[1:]
    drop_unused(model)


def drop_unused(model: Any) -> None:
    """Remove initialisers that no node reads."""
    read = {name for node in model.graph.node for name in node.input}
    read |= {value.name for value in model.graph.output}
    for i in reversed(range(len(model.graph.initializer))):
        if model.graph.initializer[i].name not in read:
            del model.graph.initializer[i]
