"""A network as an ONNX model, for the two peers that read it. Needs the package onnx."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from common import channels_first_weights, classes  # type: ignore
from networks import (  # type: ignore
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAverage,
    MaxPool,
    Network,
    Relu,
    Residual,
    top_steps,
)

_OPSET = 17


class _Writer:
    """Collects the nodes and weights of a model."""

    def __init__(self, network: Network) -> None:
        onnx: Any = import_module("onnx")
        self._node, self._tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
        self._arrays: Iterator[Any] = iter(channels_first_weights(network))
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def _weights(self, count: int) -> list[str]:
        names = [f"w{len(self.weights) + i}" for i in range(count)]
        self.weights += [self._tensor(next(self._arrays), name) for name in names]
        return names

    def add(self, operation: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Adds a node, and returns the name of its output."""
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(self._node(operation, list(inputs), [output], **attributes))
        return output

    def layers(self, layers: Sequence[Any], shape: Any, x: str) -> str:
        """Adds layers behind x."""
        for layer, before, after in top_steps(layers, shape):
            if isinstance(layer, Residual):
                body = self.layers(layer.body, before, x)
                x = self.add("Add", [body, self.layers(layer.shortcut, before, x)])
            else:
                x = self._layer(layer, before, after, x)
        return x

    def _layer(self, layer: Any, before: Any, after: Any, x: str) -> str:
        if isinstance(layer, Conv):
            totals = [_padding(layer, a, b) for a, b in zip(before[:2], after[:2], strict=True)]
            begins = [total // 2 for total in totals]
            ends = [total - begin for total, begin in zip(totals, begins, strict=True)]
            return self.add(
                "Conv", [x, *self._weights(2 if layer.bias else 1)], kernel_shape=[layer.size] * 2,
                strides=[layer.strides] * 2, pads=begins + ends,
            )  # fmt: skip
        if isinstance(layer, Dense):
            return self.add("Gemm", [x, *self._weights(2)], transB=1)
        if isinstance(layer, BatchNorm):
            return self.add("BatchNormalization", [x, *self._weights(4)], epsilon=1e-3)
        if isinstance(layer, MaxPool):
            return self.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        if isinstance(layer, GlobalAverage):
            return self.add("Flatten", [self.add("GlobalAveragePool", [x])])
        return self.add({Relu: "Relu", Flatten: "Flatten"}[type(layer)], [x])


def _padding(layer: Any, before: int, after: int) -> int:
    return max((after - 1) * layer.strides + layer.size - before, 0) if layer.padding == "same" else 0


def onnx_network(network: Network) -> bytes:
    """The model: input x (n, channels, height, width), output y (n, classes) with the probabilities."""
    onnx: Any = import_module("onnx")
    helper: Any = onnx.helper
    writer, (height, width, channels), units = _Writer(network), network.input, classes(network)
    logits = writer.layers(network.layers, network.input, "x")
    if units == 1:
        writer.add("Sigmoid", [logits], "y")
    else:
        writer.add("Softmax", [logits], "y", axis=1)
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        writer.nodes,
        "network",
        [helper.make_tensor_value_info("x", float32, ["n", channels, height, width])],
        [helper.make_tensor_value_info("y", float32, ["n", units])],
        writer.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
