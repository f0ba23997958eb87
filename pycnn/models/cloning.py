"""Models of the same layers with new weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pycnn.core import tree
from pycnn.core.layer import Layer
from pycnn.core.operations.base import FUNCTIONS, Operation
from pycnn.core.rows import like, whole_of
from pycnn.core.symbolic import KerasTensor
from pycnn.layers.input import InputLayer
from pycnn.models.sequential import Sequential

if TYPE_CHECKING:
    from pycnn.core.symbolic import Node
    from pycnn.models.model import Model


def cloned(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """See `clone_model`."""
    if model._is_traced:
        for name, value in (("input_tensors", input_tensors), ("clone_function", clone_function)):
            if value is not None:
                raise ValueError(
                    f"clone_model: `{name}` needs a Sequential model or one made of inputs and outputs; "
                    f"{model.name!r} is of the class {type(model).__name__}, with a `call`"
                )
        return _from_config(model)

    def clone(layer: Layer) -> Layer:
        from pycnn.models.model import Model

        if recursive and isinstance(layer, Model):
            return cloned(layer, None, clone_function, call_function, recursive)
        return _checked((clone_function or copy_of)(layer), layer)

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("clone_model: `call_function` is not for a Sequential model")
        inputs = model._input_layers if input_tensors is None else [_one_symbol(input_tensors)]
        begin = [_new(entry) if isinstance(entry, InputLayer) else entry for entry in inputs]
        copies = [clone(layer) for layer in model.layers]
        if begin and isinstance(begin[0], KerasTensor) and begin[0].node is not None and begin[0].node.inputs:
            return _called_in_a_row(model, begin[0], copies)
        copy: Model = Sequential([*begin, *copies], name=model.name)
        copy._trainable, copy.dtype_policy = model._trainable, model.dtype_policy
        return copy
    new: dict[Any, Layer] = {layer: _new(layer) for layer in model.input_layers}
    new |= {
        layer: clone(layer) for layer in model.operations if isinstance(layer, Layer) and layer not in new
    }
    begins = (
        [new[layer].output for layer in model.input_layers]
        if input_tensors is None
        else _begins(model, input_tensors)
    )
    found = dict(zip(model.inputs, begins, strict=True))
    for step in model.steps:
        outputs = _called(step, new.get(step.operation, step.operation), found, call_function)
        found.update(zip(step.outputs, map(whole_of, tree.flatten(outputs)), strict=True))
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
        return cloned(layer)
    copy: Layer = layer.copied()
    return copy


def _begins(model: Model, given: Any) -> list[KerasTensor]:
    """The symbols to begin with."""
    symbols = tree.flatten(given)
    expected = [symbol.shape for symbol in model.inputs]
    if not all(isinstance(x, KerasTensor) for x in symbols) or [x.shape for x in symbols] != expected:
        raise ValueError(
            f"clone_model: input_tensors is {given!r:.200}; expected symbols of shapes {expected}"
        )
    return symbols


def _one_symbol(given: Any) -> KerasTensor:
    symbols = tree.flatten(given)
    if len(symbols) != 1 or not isinstance(symbols[0], KerasTensor):
        raise ValueError(f"clone_model: input_tensors is {given!r:.200}; expected one symbol")
    return symbols[0]


def _called_in_a_row(model: Model, begin: KerasTensor, layers: list[Layer]) -> Model:
    """A model from a symbol in the midst of another one."""
    from pycnn.models.model import Model

    symbol: Any = begin
    for layer in layers:
        symbol = layer(symbol)
    return Model(begin, symbol, name=model.name)


def _new(layer: InputLayer) -> InputLayer:
    return InputLayer.from_config(layer.get_config())  # type: ignore[no-any-return]


def _checked(copy: Any, layer: Layer) -> Layer:
    if not isinstance(copy, Layer):
        raise ValueError(f"clone_function returned {copy!r:.200} for layer {layer.name!r}; expected a layer")
    return copy


def _from_config(model: Model) -> Model:
    """A model of a class of one's own."""
    return type(model).from_config(model.get_config())  # type: ignore[no-any-return]


def called_again(
    model: Model, found: dict[KerasTensor, KerasTensor], training: bool | None
) -> dict[KerasTensor, KerasTensor]:
    """The calls of a model on rows of all samples.

    Args:
        model: with its calls.
        found: for each of its inputs the rows.
        training: what it is called with; None for nothing.

    Returns:
        What stands for each symbol of the model.
    """
    for step in model.steps:
        operation, output = step.operation, step.outputs[0]
        if isinstance(operation, Operation) and operation.function.name == "reshape" and output.is_batched:
            (x,) = step.inputs
            outputs = FUNCTIONS["reshape"](found.get(x, x), (-1, *output.sample_shape))
        else:
            outputs = _called(step, operation, found, functools.partial(_in_phase, training))
        found.update(zip(step.outputs, tree.flatten(outputs), strict=True))
    return found


def _in_phase(training: bool | None, layer: Any, *args: Any, **kwargs: Any) -> Any:
    """A call of a layer with the `training` of the model, unless it has one of its own."""
    return layer(*args, **({"training": training} | kwargs))


def _called(
    step: Node,
    operation: Any,
    found: dict[KerasTensor, KerasTensor],
    call_function: Callable[..., Any] | None,
) -> Any:
    """The call of a step once more, on other symbols."""

    def symbol(leaf: Any) -> Any:
        whole = whole_of(leaf)
        return like(leaf, found.get(whole, whole)) if isinstance(leaf, KerasTensor) else leaf

    args, kwargs = step.arguments if step.arguments is not None else ((step.inputs[0],), {})
    args, kwargs = tree.transformed(symbol, args), tree.transformed(symbol, kwargs)
    if isinstance(operation, Operation):
        return FUNCTIONS[operation.function.name](*args, **operation.attributes)
    kwargs = kwargs | ({} if step.training is None else {"training": step.training})
    return operation(*args, **kwargs) if call_function is None else call_function(operation, *args, **kwargs)
