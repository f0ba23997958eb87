"""Models as ONNX files, for the many runtimes that read them. Needs the package onnx."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from pycnn._version import __version__
from pycnn.saving import files
from pycnn.saving.description import SavableModel, checked_model, to_json
from pycnn.saving.onnx_operations import add_operation
from pycnn.saving.onnx_writer import OPSET, Writer
from pycnn.saving.state import named_variables

_LARGEST = (1 << 31) - 1  # bytes of a message of protobuf


def export_model(model: Any, filepath: files.Path) -> str:
    """Writes a model's inference, and returns the path; see `Model.export`."""
    path = files.path_string(filepath)
    onnx = _onnx()
    message = onnx_model(checked_model(model))
    size = message.ByteSize()
    if size > _LARGEST:
        raise ValueError(f"{path!r} would have {size:,} bytes; an ONNX file has at most {_LARGEST:,}")
    onnx.checker.check_model(message)
    files.write(path, True, lambda file: file.write(message.SerializeToString()))
    return path


def _onnx() -> Any:
    try:
        return import_module("onnx")
    except ImportError as error:
        raise ImportError("ONNX files need the package onnx: pip install 'pycnn[onnx]'") from error


def onnx_model(model: SavableModel) -> Any:
    """The model as ONNX' message: inputs and outputs as in pycnn, images (batch, h, w, c)."""
    onnx = _onnx()
    helper: Any = onnx.helper
    variables = named_variables(model)
    described = model.graph_json({id(variable): name for name, variable in variables.items()})
    if described is None:
        raise NotImplementedError(
            "The model has a step that Python does, or a `call` that assigns to a variable in inference too: "
            "ONNX can say neither"
        )
    graph = json.loads(described)
    writer = Writer({name: variable.numpy() for name, variable in variables.items()})
    for node in graph["nodes"]:
        add_operation(writer, node)
    outputs, taken = [], {value.name for value in writer.inputs}
    for node, name in zip(graph["outputs"], graph["output_names"], strict=True):
        name = f"{name}_output" if name in taken else name
        writer.nodes.append(helper.make_node("Identity", [writer.name_of(node)], [name]))
        value = writer.values[node]
        shape = [*(["batch"] if value.batched else []), *value.shape]
        outputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    used = {name for node in writer.nodes for name in node.input}
    weights = [tensor for name, tensor in writer.initializers.items() if name in used]
    message = helper.make_model(
        helper.make_graph(writer.nodes, "pycnn", writer.inputs, outputs, weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="pycnn",
        producer_version=__version__,
    )
    message.ir_version = 8  # of the operator set's time: older runtimes read it too
    if model.class_names is not None:
        helper.set_model_props(message, {"class_names": to_json(model.class_names)})
    return message
