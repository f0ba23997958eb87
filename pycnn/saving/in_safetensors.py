"""Models in safetensors files: weights and optimizer state as arrays, the rest as JSON in the header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pycnn._version import __version__
from pycnn.core.variable import Variable
from pycnn.saving import description
from pycnn.saving.description import SavableModel, from_json, reading, to_json
from pycnn.saving.restoring import Restoring
from pycnn.saving.state import HasLayers, named_variables
from pycnn.saving.tensor_file import Reader, opened_tensors, write_tensors


def save_model(model: SavableModel, path: str, overwrite: bool, include_optimizer: bool) -> None:
    """Writes a model."""
    variables, arrays = named_variables(model), weights_of(model)
    metadata = {"format": "pycnn", "version": __version__, "model": to_json(model.serialize())}
    graph = model.graph_json({id(variable): f"weights/{name}" for name, variable in variables.items()})
    if graph is not None:
        metadata["graph"] = graph
    if model.class_names is not None:
        metadata["class_names"] = to_json(model.class_names)
    if model.compiled and include_optimizer:
        metadata["compile"] = to_json(model.get_compile_config())
        add_optimizer(model, arrays, metadata)
    write_tensors(path, arrays, metadata, overwrite)


def weights_of(model: HasLayers) -> dict[str, Any]:
    """The arrays of all weights."""
    return {f"weights/{name}": variable.numpy() for name, variable in named_variables(model).items()}


def add_optimizer(model: SavableModel, arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    """Adds the state of the optimizer, if it has one yet."""
    optimizer = model.optimizer_in_use()
    if optimizer is None:
        return
    metadata["iterations"] = str(int(optimizer.iterations))
    metadata["accumulated"] = str(optimizer.accumulated)
    for name, view in optimizer.arrays(named_variables(model)).items():
        arrays[f"optimizer/{name}"] = view.reshape(-1).copy()


def load_model(path: str, compile: bool, lazy: bool) -> Any:
    """Reads a model; with `lazy`, its weights stay in the file until they are asked for."""
    with opened_tensors(path) as reader:
        if reader.metadata.get("format") != "pycnn":
            raise ValueError(f"{path!r} is a safetensors file, but not a model that pycnn saved")
        with reading(path, "does not describe a model of pycnn"):
            described = from_json(reader.metadata["model"])
        model = description.model_of(path, described)
        restoring = (left_in if lazy else weights_in)(reader, named_variables(model))
        if "class_names" in reader.metadata:
            with reading(path, "has damaged class names"):
                model.class_names = from_json(reader.metadata["class_names"])
        if compile and "compile" in reader.metadata:
            with reading(path, "has a damaged optimizer or loss"):
                model.compile_from_config(from_json(reader.metadata["compile"]))
                restore_optimizer(reader, model, restoring)
        restoring.into_new_model()
    return model


def save_weights(model: SavableModel, path: str, overwrite: bool) -> None:
    """Writes a model's weights."""
    write_tensors(path, weights_of(model), {"format": "pycnn-weights"}, overwrite)


def load_weights(model: SavableModel, path: str, skip_mismatch: bool) -> None:
    """Reads a model's weights."""
    with opened_tensors(path) as reader:
        weights_in(reader, named_variables(model), skip_mismatch).into_model()


def weights_in(reader: Reader, variables: Mapping[str, Variable], skip_mismatch: bool = False) -> Restoring:
    """What is to be read; ValueError unless the file has exactly these weights, or mismatches are skipped."""
    if not skip_mismatch:
        _check_weights(reader, variables)
    restoring = Restoring()
    for name, variable in variables.items():
        tensor = reader.tensors.get(f"weights/{name}")
        if tensor is not None and tensor.shape == variable.shape:
            restoring.add(variable, tensor)
    return restoring


def left_in(reader: Reader, variables: Mapping[str, Variable]) -> Restoring:
    """Leaves a new model's weights in the file; what has values is to be read. ValueError as `weights_in`."""
    _check_weights(reader, variables)
    restoring, file = Restoring(), reader.kept_open()
    for name, variable in variables.items():
        tensor = reader.tensors[f"weights/{name}"]
        if variable.has_values:
            restoring.add(variable, tensor)
        else:
            variable.leave_in(file, tensor.offset)
    return restoring


def _check_weights(reader: Reader, variables: Mapping[str, Variable]) -> None:
    found = {name[len("weights/") :] for name in reader.tensors if name.startswith("weights/")}
    for what, names in (("lacks", variables.keys() - found), ("has unknown", found - variables.keys())):
        if names:
            raise ValueError(f"{reader.path!r} {what} weights: {', '.join(sorted(names))!s:.300}")
    for name, variable in variables.items():
        shape = reader.tensors[f"weights/{name}"].shape
        if shape != variable.shape:
            raise ValueError(
                f"{reader.path!r}: {name!r} has shape {shape}, but the model's is {variable.shape}"
            )


def restore_optimizer(reader: Reader, model: SavableModel, restoring: Restoring) -> None:
    """Notes what is to be read into the optimizer; ValueError where it does not fit."""
    names = [name for name in reader.tensors if name.startswith("optimizer/")]
    if "iterations" not in reader.metadata:
        if names:
            raise ValueError("the optimizer's state has no count of steps")
        return
    iterations = int(reader.metadata["iterations"])
    if not 0 <= iterations < 2**62:
        raise ValueError(f"{iterations} steps of the optimizer")
    optimizer = model.optimizer_in_use(begin=True)
    accumulated = int(reader.metadata.get("accumulated", "0"))
    if not 0 <= accumulated < (optimizer.gradient_accumulation_steps or 1):
        raise ValueError(f"gradients of {accumulated} batches that wait for a step")
    kept = optimizer.arrays(named_variables(model))
    expected = {f"optimizer/{name}": view for name, view in kept.items()}
    if expected.keys() != set(names):
        raise ValueError("the optimizer's state does not belong to the model")
    for name, view in expected.items():
        if reader.tensors[name].shape != (view.size,):
            raise ValueError(f"{name!r} has shape {reader.tensors[name].shape}, expected {(view.size,)}")
        restoring.add(view.reshape(-1), reader.tensors[name])
    optimizer.iterations = iterations
    optimizer.accumulated = accumulated
