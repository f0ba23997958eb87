"""The HDF5 file of weights in Keras 3: a group for each layer, with its weights by their numbers."""

from __future__ import annotations

from pycnn.saving.description import SavableModel, reading
from pycnn.saving.hdf5 import Reader, Writer
from pycnn.saving.restoring import Restoring
from pycnn.saving.state import LayerGroup, OptimizerState, layer_groups

_OPTIMIZER = "optimizer/vars"


def written(model: SavableModel, include_optimizer: bool) -> bytes:
    """The weights of a model and the state of its optimizer as a file."""
    writer = Writer()
    for group in layer_groups(model):
        variables = _variables_of(group)
        writer.attributes(variables, {"name": group.name})
        for number, variable in enumerate(group.variables):
            writer.array(f"{variables}/{number}", variable.value)
    if include_optimizer and model.compiled:
        optimizer = model.optimizer_in_use(begin=True)
        state = OptimizerState(optimizer, model.trainable_weights)
        writer.attributes(_OPTIMIZER, {"name": optimizer.name})
        for number, (_, value) in enumerate([*state.numbers(), *state.arrays]):
            writer.array(f"{_OPTIMIZER}/{number}", value)
    return writer.content()


def restore_layers(
    reader: Reader, model: SavableModel, restoring: Restoring, skip_mismatch: bool = False
) -> None:
    """Notes what is to be read into a model's weights.

    Raises:
        ValueError: if a layer's weights are not there or have other shapes, and mismatches are not skipped.
    """
    failures: list[tuple[str, str]] = []
    old = "_layer_checkpoint_dependencies"
    renamed = reader.has_group(old)  # by TensorFlow 2.13
    for group in layer_groups(model):
        path = _variables_of(group)
        fault = _restore_layer(reader, group, path.replace("layers", old) if renamed else path, restoring)
        if fault is not None:
            failures.append((group.name, fault))
    if not failures:
        return
    name, fault = failures[0]
    message = (
        f"{reader.path!r}: A total of {len(failures)} objects could not be loaded. Example error message for "
        f"object {name!r}:\n\n{fault}\n\nList of objects that could not be loaded:\n"
        f"{[name for name, _ in failures]}"
    )
    if not skip_mismatch:
        raise ValueError(message)
    import warnings

    warnings.warn(message, stacklevel=5)


def _variables_of(group: LayerGroup) -> str:
    return f"{group.path}/vars" if group.path else "vars"


def _restore_layer(reader: Reader, group: LayerGroup, path: str, restoring: Restoring) -> str | None:
    """Notes what is to be read into a layer, or nothing and says why."""
    variables = group.variables
    found = reader.names(path)
    if len(found) != len(variables):
        return (
            f"Layer {group.name!r} expected {len(variables)} variables, but received {len(found)} variables "
            f"during loading. Expected: {[variable.name for variable in variables]}"
        )
    pairs = [(variable, reader.array(f"{path}/{number}")) for number, variable in enumerate(variables)]
    for variable, array in pairs:
        if variable.shape != array.shape:
            return (
                f"The shape of the target variable {variable.path} is {variable.shape}, but the file has "
                f"{array.shape}"
            )
    for variable, array in pairs:
        restoring.add(variable, array)
    return None


def restore_optimizer(reader: Reader, model: SavableModel, restoring: Restoring) -> None:
    """Notes what is to be read into the state of a compiled model's optimizer."""
    count = len(reader.names(_OPTIMIZER))
    restore_state(reader, model, restoring, [f"{_OPTIMIZER}/{number}" for number in range(count)])


def restore_state(reader: Reader, model: SavableModel, restoring: Restoring, paths: list[str]) -> None:
    """The same for arrays of these names, in Keras' order; a warning where there are too many or too few."""
    optimizer = model.optimizer_in_use(begin=True)
    state = OptimizerState(optimizer, model.trainable_weights)
    without_arrays = len(state) - len(state.arrays)
    if not optimizer.has_begun and len(paths) > without_arrays:
        state = OptimizerState(optimizer, model.trainable_weights, begin=True)
    if len(paths) != len(state):
        if optimizer.has_begun or len(paths) > without_arrays:
            import warnings

            warnings.warn(
                f"{reader.path!r}: Skipping variable loading for optimizer {optimizer.name!r}, because it "
                f"has {len(state)} variables whereas the saved optimizer has {len(paths)} variables.",
                stacklevel=6,
            )
        return
    with reading(reader.path, "has a damaged optimizer or loss"):
        values = state.checked_numbers([reader.array(path).number() for path in paths[:without_arrays]])
        for path, (name, view) in zip(paths[without_arrays:], state.arrays, strict=True):
            array = reader.array(path)
            if array.shape != view.shape:
                raise ValueError(f"{name!r} has shape {array.shape}, expected {view.shape}")
            restoring.add(view, array)
    restoring.at_the_end(lambda: state.set_numbers(values))
