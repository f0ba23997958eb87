"""Models of the same layers with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core import tree
from pycnn.core.layer import Layer
from pycnn.core.operations.base import FUNCTIONS, Operation
from pycnn.core.symbolic import KerasTensor
from pycnn.layers.input import InputLayer
from pycnn.models.sequential import Sequential

if TYPE_CHECKING:
    from pycnn.core.symbolic import Node
    from pycnn.models.model import Model


def cloned(model: Model, clone_function: Callable[[Layer], Layer] | None) -> Model:
    """See `clone_model`."""
    clone = clone_function or copy_of
    if isinstance(model, Sequential):
        inputs = [_new(layer) for layer in model._input_layers]
        copy: Model = Sequential(
            [*inputs, *(_checked(clone(layer), layer) for layer in model.layers)], name=model.name
        )
        copy._trainable, copy.dtype_policy = model._trainable, model.dtype_policy
        return copy
    if model._is_traced:
        return _from_config(model)
    new: dict[Any, Layer] = {layer: _new(layer) for layer in model.input_layers}
    new |= {
        layer: _checked(clone(layer), layer)
        for layer in model.operations
        if isinstance(layer, Layer) and layer not in new
    }
    found = {
        symbol: new[layer].output for symbol, layer in zip(model.inputs, model.input_layers, strict=True)
    }
    for step in model.steps:
        outputs = _called(step, new.get(step.operation, step.operation), found)
        found.update(zip(step.outputs, tree.flatten(outputs), strict=True))
    ends = [
        tree.transformed(lambda symbol: found[symbol], structure)
        for structure in (model._source_structure, model._target_structure)
    ]
    copy = type(model)(*ends, name=model.name)
    copy._trainable = model._trainable
    return copy


def copy_of(layer: Layer) -> Layer:
    """A layer, or a model inside a model, with new weights."""
    from pycnn.models.model import Model

    if isinstance(layer, Model):
        return cloned(layer, None)
    copy: Layer = layer.copied()
    return copy


def _new(layer: InputLayer) -> InputLayer:
    return InputLayer.from_config(layer.get_config())  # type: ignore[no-any-return]


def _checked(copy: Any, layer: Layer) -> Layer:
    if not isinstance(copy, Layer):
        raise ValueError(f"clone_function returned {copy!r:.200} for layer {layer.name!r}; expected a layer")
    return copy


def _from_config(model: Model) -> Model:
    """A model of a class of one's own."""
    return type(model).from_config(model.get_config())  # type: ignore[no-any-return]


def _called(step: Node, operation: Any, found: dict[KerasTensor, KerasTensor]) -> Any:
    """The call of a step once more, on other symbols."""

    def symbol(leaf: Any) -> Any:
        return found.get(leaf, leaf) if isinstance(leaf, KerasTensor) else leaf

    args, kwargs = step.arguments if step.arguments is not None else ((step.inputs[0],), {})
    args, kwargs = tree.transformed(symbol, args), tree.transformed(symbol, kwargs)
    if isinstance(operation, Operation):
        return FUNCTIONS[operation.function.name](*args, **operation.attributes)
    return operation(*args, **kwargs, **({} if step.training is None else {"training": step.training}))
