"""Models in safetensors files: weights and optimizer state as arrays, the rest as JSON in the header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from pycnn._version import __version__
from pycnn.core import registry
from pycnn.core.custom_objects import custom_object_scope
from pycnn.saving.files import Reader, checked_path, opened, write
from pycnn.saving.weights import HasLayers, check_weights, checked_variables, named_variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.variable import Variable

    F32: TypeAlias = NDArray[np.float32]
    Path: TypeAlias = str | os.PathLike[str]

_LARGEST_JSON = 1 << 24  # characters


@runtime_checkable
class SavableModel(HasLayers, Protocol):
    """What is asked of a model here."""

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""

    class_names: list[str] | None

    def serialize(self) -> dict[str, Any]:
        """The architecture as plain data."""

    def graph_json(self, names: Mapping[int, str]) -> str | None:
        """What programs in C++ and C load: `names` are those of the arrays, by the ids of variables."""

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain data."""

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what `get_compile_config` returned."""

    def optimizer_in_use(self, begin: bool = False) -> Any:
        """The optimizer given to `compile`; None where it has not begun, unless it shall."""


def save_model(model: SavableModel, filepath: Path, overwrite: bool = True, zipped: None = None) -> None:
    """Writes a model; see `Model.save`.

    Args:
        model: that is built.
        filepath: ending in '.safetensors'.
        overwrite: whether a file of that name may be replaced.
        zipped: only None.
    """
    path = checked_path(filepath)
    if zipped is not None:
        raise ValueError(f"`zipped` is not supported; expected None, not {zipped!r}")
    variables = checked_variables(model)
    arrays = {f"weights/{name}": variable.numpy() for name, variable in variables.items()}
    metadata = {"format": "pycnn", "version": __version__, "model": _to_json(model.serialize())}
    graph = model.graph_json({id(variable): f"weights/{name}" for name, variable in variables.items()})
    if graph is not None:
        metadata["graph"] = graph
    if model.class_names is not None:
        metadata["class_names"] = _to_json(model.class_names)
    if model.compiled:
        metadata["compile"] = _to_json(model.get_compile_config())
    optimizer = model.optimizer_in_use()
    if optimizer is not None:
        metadata["iterations"] = str(optimizer.iterations)
        metadata["accumulated"] = str(optimizer.accumulated)
        for name, view in _optimizer_state(optimizer, variables).items():
            arrays[name] = view.reshape(-1).copy()
    write(path, arrays, metadata, overwrite)


def load_model(
    filepath: Path,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Reads a model that `save_model` wrote. Nothing in a file is ever executed.

    Args:
        filepath: ending in '.safetensors'.
        custom_objects: dict from names to classes and functions of your own that the file names; None for
            those that are registered (`keras.saving.register_keras_serializable`) alone.
        compile: whether the model is compiled as it was, with the optimizer's state.
        safe_mode: only True; there is no other.

    Returns:
        The model.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, is damaged, is larger than 4 GiB, or names classes that pycnn
            lacks.
    """
    if not safe_mode:
        raise ValueError("`safe_mode` can only be True: nothing in a file is executed")
    with opened(filepath) as reader, custom_object_scope(custom_objects):
        if reader.metadata.get("format") != "pycnn":
            raise ValueError(f"{reader.path!r} is a safetensors file, but not a model that pycnn saved")
        try:
            model = _described(reader)
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"{reader.path!r} does not describe a model of pycnn: {error!s:.400}") from error
        variables = named_variables(model)
        check_weights(reader, variables)
        for name, variable in variables.items():
            variable.assign(reader.array(f"weights/{name}"))
        if "class_names" in reader.metadata:
            try:
                model.class_names = _from_json(reader.metadata["class_names"])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{reader.path!r} has damaged class names: {error!s:.400}") from error
        if compile and "compile" in reader.metadata:
            try:
                model.compile_from_config(_from_json(reader.metadata["compile"]))
                _restore_optimizer(reader, model)
            except (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError) as error:
                raise ValueError(
                    f"{reader.path!r} has a damaged optimizer or loss: {error!s:.400}"
                ) from error
    return model


def _described(reader: Reader) -> SavableModel:
    """The model of the header, whose weights are not made yet: their shapes are checked first."""
    description = _from_json(reader.metadata["model"])
    model = registry.deserialize_layer(description)
    if "build_config" in description and not getattr(model, "built", True):
        model.build(description["build_config"]["input_shape"])
    if not isinstance(model, SavableModel) or not model.built:
        raise ValueError("expected a model with a known input shape")
    return model


def _restore_optimizer(reader: Reader, model: SavableModel) -> None:
    names = [name for name in reader.shapes if name.startswith("optimizer/")]
    if "iterations" not in reader.metadata:
        if names:
            raise ValueError("the optimizer's state has no count of steps")
        return
    optimizer = model.optimizer_in_use(begin=True)
    expected = _optimizer_state(optimizer, named_variables(model))
    if expected.keys() != set(names):
        raise ValueError("the optimizer's state does not belong to the model")
    iterations = int(reader.metadata["iterations"])
    if not 0 <= iterations < 2**62:
        raise ValueError(f"{iterations} steps of the optimizer")
    for name, view in expected.items():
        if reader.shapes[name] != (view.size,):
            raise ValueError(f"{name!r} has shape {reader.shapes[name]}, expected {(view.size,)}")
        view[...] = reader.array(name).reshape(view.shape)
    accumulated = int(reader.metadata.get("accumulated", "0"))
    if not 0 <= accumulated < (optimizer.gradient_accumulation_steps or 1):
        raise ValueError(f"gradients of {accumulated} batches that wait for a step")
    optimizer.iterations = iterations
    optimizer.accumulated = accumulated


def _optimizer_state(optimizer: Any, variables: Mapping[str, Variable]) -> dict[str, F32]:
    """Views of what the optimizer keeps for each weight."""
    return {f"optimizer/{name}": array for name, array in optimizer.arrays(variables).items()}


def _to_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _from_json(text: str) -> Any:
    if len(text) > _LARGEST_JSON:
        raise ValueError(f"a description of {len(text):,} characters is too long")

    def refuse(name: str) -> None:
        raise ValueError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)
