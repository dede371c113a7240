"""Make tiny.onnx, a model for tests: each 4 × 4 block gets the class whose palette colour is nearest.

A picture painted in a scheme's palette comes out as the labels it was painted from. Needs onnx:
python tests/engines/make_tiny.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceparse.labels import scheme
from faceparse.weights import Card, Grid, Licence, Preprocessing, Source
from faceparse.weights.checkpoint import CARD_KEY

SHARPNESS = 20.0

CARD = Card(
    id="tiny",
    title="Nearest palette colour, for tests",
    network="tiny",
    scheme="celebamask19",
    input=Preprocessing((64, 64), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    output=Grid(stride=4, align_corners=False),
    source=Source("tiny.onnx"),
    licence=Licence("Apache-2.0", "None: it has learned nothing."),
    training="None",
)


def tiny() -> onnx.ModelProto:
    colours = scheme(CARD.scheme).palette[: len(scheme(CARD.scheme))].astype(np.float32) / 255
    # −|x − p|² without |x|², which is the same for every class.
    weight = (2 * SHARPNESS * colours)[:, :, None, None].astype(np.float32)
    bias = (-SHARPNESS * (colours**2).sum(1)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["blocks"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["blocks", "weight", "bias"], ["logits"], kernel_shape=[1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [
            helper.make_tensor_value_info(
                "logits", TensorProto.FLOAT, ["batch", len(bias), "grid_height", "grid_width"]
            )
        ],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {CARD_KEY: CARD.to_json()})
    return model


if __name__ == "__main__":
    Path(__file__).with_name("tiny.onnx").write_bytes(tiny().SerializeToString(deterministic=True))
