"""A network to one ONNX file: one head, any batch, any size where the network allows, its card inside."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from faceparse.errors import ConfigError, WeightsError
from faceparse.export.gelu import regroup_gelu
from faceparse.export.parity import LEAST_EQUAL, Parity, compare
from faceparse.files import atomic
from faceparse.models import Network
from faceparse.runtime.engines.onnx import OnnxEngine
from faceparse.weights import Card
from faceparse.weights.checkpoint import CARD_KEY

OPSET = 18
"""The oldest opset that PyTorch's exporter writes as it is; ONNX Runtime 1.14 and later run it."""

IR_VERSION = 8
"""The file format of that opset's time: the exporter's own is newer than older runtimes read."""


@dataclass(frozen=True)
class Exported:
    """What `export_onnx` wrote.

    Attributes:
        path: The file.
        card: The card inside it.
        parity: How near it comes to the network.
        size: Bytes.
        inputs: Name → shape with names for what is free, `{"image": ("batch", 3, "height", "width")}`.
        outputs: Likewise.
    """

    path: Path
    card: Card
    parity: Parity
    size: int
    inputs: dict[str, tuple[int | str, ...]]
    outputs: dict[str, tuple[int | str, ...]]


def export_onnx(
    network: Network, card: Card, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Exported:
    """Write a network as ONNX, float32, and compare the file with it.

    >>> export_onnx(network, card, "model.onnx").parity.equal  # doctest: +SKIP
    1.0

    The graph takes `image`, float32 (batch, 3, height, width), normalised as the card says, and gives
    `logits` at the network's own resolution (`Network.grid_logits`): upsampling belongs to whoever
    knows the size that is wanted. Weights are inside the file; the card is in the metadata under
    `faceparse.card`. A network whose graph holds for one size only (`Network.any_size`, Swin's windows) is
    exported for the card's; an engine then says so where it is given another.

    Args:
        network: Left as it is; a copy on the CPU in eval mode is exported.
        card: Its card.
        path: An .onnx file, written whole or not at all.
        overwrite: Replace a file that exists.

    Raises:
        ConfigError: `path` does not end in .onnx.
        WeightsError: the card is another network's, or fewer than 99.9 % of pixels come out equal.
        OutputError: `path` exists and `overwrite` is False, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise ConfigError(f"the output is an .onnx file, got {path.name}")
    if network.grid != card.output:
        raise WeightsError(
            f"card {card.id} says of its logits {card.output}, and network {card.network} has {network.grid}: "
            "correct the card's [output] table"
        )
    with atomic(path, overwrite=overwrite, make_folder=True) as temporary:
        ready = copy.deepcopy(network).cpu().float().eval()
        model = _graph(ready, card)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, temporary)
        parity = compare(ready, OnnxEngine(temporary, card))
        if not parity.holds:
            raise WeightsError(
                f"the ONNX file differs from the network: {parity}, at least {100 * LEAST_EQUAL:.1f} % is asked; "
                "nothing was written"
            )
    size = path.stat().st_size
    return Exported(path, card, parity, size, _shapes(model.graph.input), _shapes(model.graph.output))


class _Head(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.grid_logits(image)


def _graph(network: Network, card: Card) -> Any:
    free = torch.export.Dim.DYNAMIC
    # Sides that differ, so that the exporter does not take height and width for one.
    example = torch.zeros(2, 3, *((128, 192) if network.any_size else card.input.size))
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
    assert program is not None  # is None only where it writes the file itself
    model = program.model_proto
    model.ir_version = IR_VERSION
    _strip(model)
    regroup_gelu(model)
    sides, cells = (
        (("height", "width"), ("grid_height", "grid_width")) if network.any_size else ((None,) * 2,) * 2
    )
    _name(model.graph.input[0], ("batch", None, *sides))
    _name(model.graph.output[0], ("batch", None, *cells))
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    return model


def _strip(model: Any) -> None:
    """Drop the exporter's notes: they hold stack traces with paths of the machine it ran on."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.value_info,
        *graph.input,
        *graph.output,
    ):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    graph.ClearField("value_info")  # shapes in the exporter's private symbols


def _name(value: Any, names: tuple[str | None, ...]) -> None:
    for dimension, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
        if name is not None:
            dimension.dim_param = name


def _shapes(values: Any) -> dict[str, tuple[int | str, ...]]:
    return {v.name: tuple(d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim) for v in values}
