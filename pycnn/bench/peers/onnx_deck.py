"""The network "deck" as an ONNX model, for the two peers that read it. Needs the package onnx."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from common import channels_first_weights  # type: ignore

_OPSET = 17


def onnx_deck() -> bytes:
    """The model: input x (n, 1, 28, 28), output y (n, 10) with the probabilities."""
    onnx: Any = import_module("onnx")
    helper: Any = onnx.helper
    names = ["w1", "b1", "w2", "b2", "w3", "b3", "w4", "b4"]
    weights = [
        onnx.numpy_helper.from_array(weight, name)
        for name, weight in zip(names, channels_first_weights(), strict=True)
    ]
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], **pool),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], **pool),
        helper.make_node("Flatten", ["p2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["d3"], transB=1),
        helper.make_node("Relu", ["d3"], ["r3"]),
        helper.make_node("Gemm", ["r3", "w4", "b4"], ["d4"], transB=1),
        helper.make_node("Softmax", ["d4"], ["y"], axis=1),
    ]
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "deck",
        [helper.make_tensor_value_info("x", float32, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("y", float32, ["n", 10])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
