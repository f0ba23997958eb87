"""Every operation of a graph that has a counterpart in ONNX, as its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pycnn.saving.onnx_expressions import activation, expression
from pycnn.saving.onnx_writer import CHANNELS_FIRST, CHANNELS_LAST, Value, Writer

Described = dict[str, Any]  # a node of the graph's JSON
_FIRST_AXES = {0: 2, 1: 3, 2: 1}  # of (h, w, c) with a batch, channels first
_REDUCTIONS = {"mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}


def add_operation(writer: Writer, node: Described) -> None:
    """Adds a node of the graph, whose inputs are there; NotImplementedError where ONNX cannot say it."""
    if node["op"] in _LEAVES:
        writer.values.append(_LEAVES[node["op"]](writer, node))
        return
    if node["op"] not in _OPERATIONS or node.get("always"):
        raise _refusal(node)
    layout, name = _OPERATIONS[node["op"]](writer, node)
    batched = any(writer.values[i].batched for i in node["inputs"])
    writer.values.append(Value(tuple(node["shape"]), batched, {layout: name}))


def _refusal(node: Described) -> NotImplementedError:
    return NotImplementedError(
        f"{node['name']!r} ({node['op']}) cannot be exported to ONNX; save('model.safetensors') writes what "
        "programs in C++ and C load"
    )


# --- values that nothing computes ---------------------------------------------------------------------------
def _input(writer: Writer, node: Described) -> Value:
    onnx = writer.onnx
    name, shape = node["name"], tuple(node["shape"])
    kind = {"float32": "FLOAT", "uint8": "UINT8", "int32": "INT32"}[node["dtype"]]
    element = getattr(onnx.TensorProto, kind)
    writer.inputs.append(onnx.helper.make_tensor_value_info(name, element, ["batch", *shape]))
    if kind != "FLOAT":
        name = writer.add("Cast", [name], to=onnx.TensorProto.FLOAT)
    return Value(shape, True, {CHANNELS_LAST: name})


def _parameter(writer: Writer, node: Described) -> Value:
    array = writer.arrays[node["array"]]
    return Value(
        tuple(node["shape"]), False, {CHANNELS_LAST: writer.constant(array, name=node["array"])}, array
    )


def _constant(writer: Writer, node: Described) -> Value:
    array = np.array([math.inf if value is None else value for value in node["values"]], np.float32)
    array = array.reshape(node["shape"])
    return Value(tuple(node["shape"]), False, {CHANNELS_LAST: writer.constant(array)}, array)


# --- layers -------------------------------------------------------------------------------------------------
def _conv2d(writer: Writer, node: Described) -> tuple[str, str]:
    x, kernel, *bias = node["inputs"]
    image, pads = writer.name_of(x, CHANNELS_FIRST), _begins_and_ends(node["padding"])
    if node["pad_value"] != 0 and any(pads):
        image, pads = _padded(writer, image, node["padding"], "constant", node["pad_value"]), [0] * 4
    weights = writer.values[kernel].array
    if weights is None:  # computed from other weights
        first = writer.add("Transpose", [writer.name_of(kernel)], perm=(3, 2, 0, 1))
    else:
        first = writer.constant(weights.transpose(3, 2, 0, 1), name=f"{writer.name_of(kernel)}:oihw")
    y = writer.add(
        "Conv", [image, first, *map(writer.name_of, bias)], node["name"], strides=node["strides"],
        dilations=node["dilation"], pads=pads, group=node["groups"],
    )  # fmt: skip
    return CHANNELS_FIRST, y


def _begins_and_ends(padding: Sequence[int]) -> list[int]:
    top, bottom, left, right = padding
    return [top, left, bottom, right]


def _padded(writer: Writer, x: str, padding: Sequence[int], mode: str, value: float) -> str:
    top, bottom, left, right = padding
    pads = writer.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return writer.add("Pad", [x, pads, writer.constant(value)], mode=mode)


def _dense(writer: Writer, node: Described) -> tuple[str, str]:
    x, kernel, *bias = node["inputs"]
    y = writer.add("MatMul", [writer.name_of(x), writer.name_of(kernel)], node["name"])
    return CHANNELS_LAST, writer.add("Add", [y, writer.name_of(bias[0])], node["name"]) if bias else y


def _activation(writer: Writer, node: Described) -> tuple[str, str]:
    layout = writer.layout_of(node["inputs"])
    return layout, activation(writer, writer.name_of(node["inputs"][0], layout), node["activation"])


def _softmax(writer: Writer, node: Described) -> tuple[str, str]:
    kind = "LogSoftmax" if node["log"] else "Softmax"
    return CHANNELS_LAST, writer.add(kind, [writer.name_of(node["inputs"][0])], node["name"], axis=-1)


def _maxout(writer: Writer, node: Described) -> tuple[str, str]:
    *before, features = node["shape"]
    x = writer.reshape(writer.name_of(node["inputs"][0]), (*before, features, node["pieces"]), batched=True)
    return CHANNELS_LAST, writer.add("ReduceMax", [x], node["name"], axes=[-1], keepdims=0)


def _pool2d(writer: Writer, node: Described) -> tuple[str, str]:
    more = {"count_include_pad": int(node["count_padding"])} if node["average"] else {}
    y = writer.add(
        "AveragePool" if node["average"] else "MaxPool", [writer.name_of(node["inputs"][0], CHANNELS_FIRST)],
        node["name"], kernel_shape=node["pool_size"], strides=node["strides"],
        pads=_begins_and_ends(node["padding"]), **more,
    )  # fmt: skip
    return CHANNELS_FIRST, y


def _batch_norm(writer: Writer, node: Described) -> tuple[str, str]:
    x, *given = node["inputs"]
    names = [writer.name_of(i) for i in given]
    channels = node["shape"][-1]
    if not node["center"]:
        names.insert(int(node["scale"]), writer.constant(np.zeros(channels)))
    if not node["scale"]:
        names.insert(0, writer.constant(np.ones(channels)))
    image = writer.is_image(x)
    layout = CHANNELS_FIRST if image else CHANNELS_LAST
    value = writer.name_of(x, layout)
    if not image:  # ONNX has the channels second
        value = writer.reshape(value, (channels,), batched=True)
    y = writer.add("BatchNormalization", [value, *names], node["name"], epsilon=node["epsilon"])
    return layout, y if image else writer.reshape(y, node["shape"], batched=True)


def _pad2d(writer: Writer, node: Described) -> tuple[str, str]:
    x = writer.name_of(node["inputs"][0], CHANNELS_FIRST)
    return CHANNELS_FIRST, _padded(writer, x, node["padding"], node["mode"], node["value"])


def _same(writer: Writer, node: Described) -> tuple[str, str]:
    layout = writer.layout_of(node["inputs"])
    return layout, writer.name_of(node["inputs"][0], layout)


def _add(writer: Writer, node: Described) -> tuple[str, str]:
    layout = writer.layout_of(node["inputs"])
    total, *others = (writer.name_of(i, layout) for i in node["inputs"])
    for other in others:
        total = writer.add("Add", [total, other], node["name"])
    return layout, total


def _concat(writer: Writer, node: Described) -> tuple[str, str]:
    layout, axis = writer.layout_of(node["inputs"]), node["axis"] % len(node["shape"])
    names = [writer.name_of(i, layout) for i in node["inputs"]]
    batched = writer.values[node["inputs"][0]].batched
    at = _FIRST_AXES[axis] if layout == CHANNELS_FIRST else axis + batched
    return layout, writer.add("Concat", names, node["name"], axis=at)


# --- arrays -------------------------------------------------------------------------------------------------
def _reshape(writer: Writer, node: Described) -> tuple[str, str]:
    x = node["inputs"][0]
    value = writer.values[x]
    flat = writer.is_image(x) and value.shape[:2] == (1, 1)  # the same numbers in both layouts
    name = writer.name_of(x, writer.layout_of([x]) if flat else CHANNELS_LAST)
    return CHANNELS_LAST, writer.reshape(name, node["shape"], value.batched)


def _map(writer: Writer, node: Described) -> tuple[str, str]:
    inputs, rank = node["inputs"], len(node["shape"])
    images = rank == 3 and all(
        writer.values[i].array is not None or (writer.values[i].batched and len(writer.values[i].shape) == 3)
        for i in inputs
    )
    layout = writer.layout_of(inputs) if images else CHANNELS_LAST
    if any(writer.values[i].batched for i in inputs):
        names = [writer.operand(i, rank, layout) for i in inputs]
    else:
        names = [writer.name_of(i) for i in inputs]
    return layout, expression(writer, names, node["code"])


def _reduce(writer: Writer, node: Described) -> tuple[str, str]:
    x, kind = node["inputs"][0], node["kind"]
    batched = writer.values[x].batched
    parts = writer.reshape(writer.name_of(x), (node["outer"], node["n"], node["inner"]), batched)
    axis = 1 + batched
    if kind == "sum":
        y = writer.add("ReduceSum", [parts, writer.constant([axis], np.int64)], node["name"], keepdims=0)
    elif kind in ("argmax", "argmin"):
        index = writer.add("ArgMax" if kind == "argmax" else "ArgMin", [parts], axis=axis, keepdims=0)
        y = writer.add("Cast", [index], node["name"], to=writer.onnx.TensorProto.FLOAT)
    elif kind in ("any", "all"):
        truth = expression(writer, [parts, writer.constant(0.0)], [("not_equal", 0, 1)])
        y = writer.add(
            "ReduceMax" if kind == "any" else "ReduceMin", [truth], node["name"], axes=[axis], keepdims=0
        )
    else:
        y = writer.add(_REDUCTIONS[kind], [parts], node["name"], axes=[axis], keepdims=0)
    return CHANNELS_LAST, writer.reshape(y, node["shape"], batched)


def _positions(node: Described, shape: Sequence[int]) -> Any:
    """Where the elements of a strided view of `shape` lie."""
    index = np.full((1,) * len(shape) or (1,), node["offset"], np.int64)
    for axis, (size, stride) in enumerate(zip(shape, node["strides"], strict=True)):
        index = index + np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(shape))]) * stride
    return index.reshape(-1)


def _taken(writer: Writer, x: str, index: Any, node: Described, batched: bool) -> str:
    y = writer.add("Gather", [x, writer.constant(index, np.int64)], node["name"], axis=int(batched))
    return writer.reshape(y, node["shape"], batched)


def _strided(writer: Writer, node: Described) -> tuple[str, str]:
    x = node["inputs"][0]
    value = writer.values[x]
    flat = writer.reshape(writer.name_of(x), (math.prod(value.shape),), value.batched)
    return CHANNELS_LAST, _taken(writer, flat, _positions(node, node["shape"]), node, value.batched)


def _scatter(writer: Writer, node: Described) -> tuple[str, str]:
    x = node["inputs"][0]
    value = writer.values[x]
    size = math.prod(value.shape)
    flat = writer.reshape(writer.name_of(x), (size,), value.batched)
    pads = writer.constant([0, 0, 0, 1] if value.batched else [0, 1], np.int64)
    with_fill = writer.add("Pad", [flat, pads, writer.constant(node["fill"])], mode="constant")
    index = np.full(math.prod(node["shape"]), size, np.int64)
    index[_positions(node, value.shape)] = np.arange(size)
    return CHANNELS_LAST, _taken(writer, with_fill, index, node, value.batched)


def _matmul(writer: Writer, node: Described) -> tuple[str, str]:
    names = []
    for i, transposed in zip(node["inputs"], (node["transpose_a"], node["transpose_b"]), strict=True):
        axes = list(range(len(writer.values[i].shape) + writer.values[i].batched))
        order = [*axes[:-2], axes[-1], axes[-2]]
        name = writer.name_of(i)
        names.append(writer.add("Transpose", [name], perm=order) if transposed else name)
    return CHANNELS_LAST, writer.add("MatMul", names, node["name"])


def _take(writer: Writer, node: Described) -> tuple[str, str]:
    x, given = (writer.values[i] for i in node["inputs"])
    if given.array is None:
        raise _refusal(node)
    axis = node["axis"] % len(x.shape)
    count = x.shape[axis]
    index = given.array.astype(np.int64)
    index = np.clip(np.where(index < 0, index + count, index), 0, count - 1)
    name, at = writer.name_of(node["inputs"][0]), axis + x.batched
    return CHANNELS_LAST, writer.add(
        "Gather", [name, writer.constant(index, np.int64)], node["name"], axis=at
    )


_LEAVES: dict[str, Callable[[Writer, Described], Value]] = {
    "input": _input, "parameter": _parameter, "constant": _constant,
}  # fmt: skip
# Each returns the layout and the name of its result.
_OPERATIONS: dict[str, Callable[[Writer, Described], tuple[str, str]]] = {
    "conv2d": _conv2d, "dense": _dense, "activation": _activation, "softmax": _softmax, "maxout": _maxout,
    "pool2d": _pool2d, "dropout": _same, "batch_norm": _batch_norm, "pad2d": _pad2d, "add": _add,
    "concat": _concat, "reshape": _reshape, "map": _map, "reduce": _reduce, "strided": _strided,
    "scatter": _scatter, "matmul": _matmul, "stop_gradient": _same, "take": _take,
}  # fmt: skip
