"""Models in HDF5 files as Keras 2 wrote them: weights by the layers' order or names."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pycnn.saving import description, hdf5, in_keras, keras_weights
from pycnn.saving.description import SavableModel, from_json, reading, to_json
from pycnn.saving.files import Part, opened, write
from pycnn.saving.in_keras import KERAS_VERSION
from pycnn.saving.legacy_config import current_form
from pycnn.saving.restoring import Restoring
from pycnn.saving.state import OptimizerState, legacy_weights

if TYPE_CHECKING:
    from pycnn.core.variable import Variable
    from pycnn.saving.hdf5 import Reader, Writer

_MODEL, _TOP, _OPTIMIZER = "model_weights", "top_level_model_weights", "optimizer_weights"
_WRITTEN_BY = {"keras_version": KERAS_VERSION, "backend": "tensorflow"}  # whose kernels have pycnn's axes


# --- writing ------------------------------------------------------------------------------------------------
def save_model(model: SavableModel, path: str, overwrite: bool, include_optimizer: bool) -> None:
    """Writes a model, into a new folder where there is none: as Keras in this format only."""
    described = model.serialize()
    attributes = {"model_config": to_json({key: described[key] for key in ("class_name", "config")})}
    if model.class_names is not None:
        attributes["class_names"] = to_json(model.class_names)
    if model.compiled and include_optimizer:
        config = dict(model.get_compile_config() or {})
        optimizer = config.pop("optimizer")
        nothing = {"metrics": None, "weighted_metrics": None, "loss_weights": None}
        attributes["training_config"] = to_json(nothing | config | {"optimizer_config": optimizer})
    writer = hdf5.Writer()
    writer.attributes("", _WRITTEN_BY | attributes)
    _write_layers(writer, model, _MODEL)
    if model.compiled and include_optimizer:
        _write_optimizer(writer, model)
    content = writer.content()
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    write(path, overwrite, lambda file: file.write(content))


def save_weights(model: SavableModel, path: str, overwrite: bool) -> None:
    """Writes a model's weights."""
    writer = hdf5.Writer()
    _write_layers(writer, model, "")
    content = writer.content()
    write(path, overwrite, lambda file: file.write(content))


def _write_layers(writer: Writer, model: SavableModel, group: str) -> None:
    names = [layer.name for layer in model.layers]
    writer.attributes(group, {"layer_names": names, **_WRITTEN_BY})
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_weights(writer, _in(group, layer.name), legacy_weights(layer))
    _write_weights(writer, _in(group, _TOP), _own_weights(model))


def _write_weights(writer: Writer, group: str, variables: list[Variable]) -> None:
    names: list[str] = []
    for variable in variables:
        taken = sum(name == variable.path or name.startswith(f"{variable.path}_") for name in names)
        names.append(f"{variable.path}_{taken}" if taken else variable.path)
    writer.attributes(group, {"weight_names": names})
    for name, variable in zip(names, variables, strict=True):
        writer.array(_in(group, name), variable.value)


def _write_optimizer(writer: Writer, model: SavableModel) -> None:
    optimizer = model.optimizer_in_use(begin=True)
    state = OptimizerState(optimizer, model.trainable_weights)
    entries = [(f"{optimizer.name}/{name}", value) for name, value in [*state.numbers(), *state.arrays]]
    names: list[str] = []
    for name, _ in entries:  # two models inside may have layers of one name
        names.append(f"{name}_{len(names)}" if name in names else name)
    writer.attributes(_OPTIMIZER, {"weight_names": names})
    for name, (_, value) in zip(names, entries, strict=True):
        writer.array(_in(_OPTIMIZER, name), value)


def _own_weights(model: Any) -> list[Variable]:
    """The weights of a model that are no layer's."""
    return sorted(model.own_weights, key=lambda variable: not variable.trainable)


def _in(group: str, name: str) -> str:
    return f"{group}/{name}" if group else name


# --- reading ------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _opened(path: str) -> Iterator[Reader]:
    hdf5.h5py()
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        with hdf5.opened_hdf5(path, Part(path, file, 0, size)) as reader:
            yield reader


def load_model(path: str, compile: bool) -> Any:
    """Reads a model."""
    with _opened(path) as reader:
        text = reader.text("", "model_config")
        if text is None:
            raise ValueError(
                f"No model config found in the file at {path}. Weights alone are read by `model.load_weights`"
            )
        with reading(path, "does not describe a model of pycnn"):
            described = current_form(from_json(text))
        model = description.model_of(path, described)
        restoring = Restoring()
        _restore_in_order(reader, model, _MODEL, restoring, False)
        names = reader.text("", "class_names")
        if names is not None:
            with reading(path, "has damaged class names"):
                described_names = from_json(names)
            description.set_class_names(path, model, described_names)
        training = reader.text("", "training_config")
        if compile and training is not None:
            with reading(path, "has a damaged optimizer or loss"):
                config = dict(current_form(from_json(training)))
                config["optimizer"] = config.pop("optimizer_config")
            description.compile_model(path, model, config)
            _restore_optimizer(reader, model, restoring)
        elif compile:
            logging.getLogger("pycnn").warning(
                "No training configuration found in the save file, so the model was *not* compiled. Compile "
                "it manually."
            )
        restoring.into_new_model()
    return model


def load_weights(model: SavableModel, path: str, skip_mismatch: bool, by_name: bool) -> None:
    """Reads weights, of Keras 2's form or Keras 3's, whatever the file's name is."""
    with _opened(path) as reader:
        group = _MODEL if not reader.has_attribute("", "layer_names") and reader.has_group(_MODEL) else ""
        if not reader.has_attribute(group, "layer_names"):
            if by_name:
                raise ValueError(
                    f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {path}"
                )
            in_keras.load_weights_from(reader, model, skip_mismatch)
            return
        restoring = Restoring()
        restore = _restore_by_name if by_name else _restore_in_order
        restore(reader, model, group, restoring, skip_mismatch)
        restoring.into_model()


def _restore_in_order(
    reader: Reader, model: SavableModel, group: str, restoring: Restoring, skip_mismatch: bool
) -> None:
    """Pairs the layers that have weights with those of the file, in Keras' order of layers."""
    _check_backend(reader, group)
    layers = [layer for layer in model.layers if legacy_weights(layer)]
    saved = {name: _paths(reader, _in(group, name)) for name in reader.texts(group, "layer_names")}
    saved = {name: paths for name, paths in saved.items() if paths}
    if len(saved) != len(layers):
        raise ValueError(
            f"{reader.path!r}: Layer count mismatch when loading weights from file. Model expected "
            f"{len(layers)} layers, found {len(saved)} saved layers."
        )
    for number, (layer, (name, paths)) in enumerate(zip(layers, saved.items(), strict=True)):
        variables = legacy_weights(layer)
        if len(paths) != len(variables):
            raise ValueError(
                f"{reader.path!r}: Weight count mismatch for layer #{number} (named {layer.name} in the "
                f"current model, {name} in the save file). Layer expects {len(variables)} weight(s). "
                f"Received {len(paths)} saved weight(s)"
            )
        where = f"layer #{number} (named {layer.name})"
        _restore_weights(reader, where, variables, paths, restoring, skip_mismatch)
    _restore_top(reader, model, group, restoring, skip_mismatch)


def _restore_by_name(
    reader: Reader, model: SavableModel, group: str, restoring: Restoring, skip_mismatch: bool
) -> None:
    """Pairs layers of one name; others stay as they are."""
    _check_backend(reader, group)
    layers = {layer.name: layer for layer in model.layers}
    for number, name in enumerate(reader.texts(group, "layer_names")):
        if name not in layers:
            continue
        paths, variables = _paths(reader, _in(group, name)), legacy_weights(layers[name])
        where = f"layer #{number} (named {name})"
        if len(paths) == len(variables):
            _restore_weights(reader, where, variables, paths, restoring, skip_mismatch)
            continue
        counts = f"Layer expects {len(variables)} weight(s). Received {len(paths)} saved weight(s)"
        if not skip_mismatch:
            raise ValueError(f"{reader.path!r}: Weight count mismatch for {where}. {counts}")
        _warn(f"Skipping loading of weights for {where} due to mismatch in number of weights. {counts}")
    _restore_top(reader, model, group, restoring, skip_mismatch)


def _restore_top(
    reader: Reader, model: SavableModel, group: str, restoring: Restoring, skip_mismatch: bool
) -> None:
    """Pairs the model's own weights."""
    if not reader.has_group(_in(group, _TOP)):
        return
    paths, variables = _paths(reader, _in(group, _TOP)), _own_weights(model)
    if len(paths) == len(variables):
        _restore_weights(reader, "top-level model", variables, paths, restoring, skip_mismatch)
        return
    counts = (
        f"Model expects {len(variables)} top-level weight(s). Received {len(paths)} saved top-level weight(s)"
    )
    if not skip_mismatch:
        raise ValueError(f"{reader.path!r}: Weight count mismatch for top-level weights of model. {counts}")
    _warn(f"Skipping loading top-level weights for model due to mismatch in number of weights. {counts}")


def _restore_weights(
    reader: Reader,
    where: str,
    variables: list[Variable],
    paths: list[str],
    restoring: Restoring,
    skip_mismatch: bool,
) -> None:
    for variable, path in zip(variables, paths, strict=True):
        array = reader.array(path)
        if array.shape == variable.shape:
            restoring.add(variable, array)
            continue
        shapes = f"Weight expects shape {variable.shape}. Received saved weight with shape {array.shape}"
        if not skip_mismatch:
            raise ValueError(
                f"{reader.path!r}: Shape mismatch in {where} for weight {variable.path}. {shapes}"
            )
        _warn(
            f"Skipping loading weights for {where} due to mismatch in shape for weight {variable.path}. "
            f"{shapes}"
        )


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=7)


def _paths(reader: Reader, group: str) -> list[str]:
    """Where the weights of a layer are."""
    if not reader.has_group(group):
        raise ValueError(f"{reader.path!r} has no group {group!r:.200}")
    return [_in(group, name) for name in reader.texts(group, "weight_names")]


def _check_backend(reader: Reader, group: str) -> None:
    backend = reader.text(group, "backend")
    if backend in ("theano", "cntk"):
        raise ValueError(
            f"{reader.path!r} was saved with the backend {backend!r}, whose kernels are turned around; save "
            f"it with another one"
        )


def _restore_optimizer(reader: Reader, model: SavableModel, restoring: Restoring) -> None:
    if reader.has_group(_OPTIMIZER):
        keras_weights.restore_state(reader, model, restoring, _paths(reader, _OPTIMIZER))
