"""Functions that make, copy and keep models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core import registry
from pycnn.core.custom_objects import custom_object_scope
from pycnn.models.model import Model

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from pycnn.core.layer import Layer


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Any = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    lazy: bool = False,
) -> Model:
    """The model that `model.save` wrote; see `pycnn.saving.load_model`."""
    from pycnn import saving

    return saving.load_model(filepath, custom_objects, compile, safe_mode, lazy=lazy)  # type: ignore[no-any-return]


def save_model(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
    """The same as `model.save(filepath)`."""
    model.save(filepath, overwrite, **kwargs)


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same layers with new weights, compiled in the same way where the model is.

    Args:
        model: any. One of a class of your own needs `get_config`, and `from_config` where the constructor
            does not take what it returns.
        input_tensors: symbols to begin with, such as another model's output; in the structure of
            `model.inputs`. None for new Inputs.
        clone_function: called with each layer, gives the one in its place; None for a copy by its
            configuration.
        call_function: f(layer, *args, **kwargs) that calls a new layer; None for layer(*args, **kwargs). For
            models that are no Sequential.
        recursive: whether models inside are cloned with these functions, too, rather than by
            `clone_function` in one piece.

    Returns:
        A new model whose layers have the same names. Its optimizer and metrics are new, too.

    Raises:
        TypeError, ValueError: if it is no model, a layer cannot be described, or `clone_function` returns no
            layer.

    Example:
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> keras.models.clone_model(model).output_shape
        (None, 2)
    """
    from pycnn.models.cloning import cloned

    if not isinstance(model, Model):
        raise TypeError(f"clone_model: model is {model!r:.200}; expected a model")
    if not all(function is None or callable(function) for function in (clone_function, call_function)):
        raise TypeError(
            f"clone_model: clone_function is {clone_function!r:.100}, call_function {call_function!r:.100}; "
            f"expected functions. Symbols to begin with are `input_tensors`, the second argument"
        )
    copy = cloned(model, input_tensors, clone_function, call_function, recursive)
    copy.compile_like(model)
    return copy


def model_from_json(json_string: str, custom_objects: Any = None) -> Model:
    """The model, with new weights, whose `to_json` this is.

    Args:
        json_string: JSON text.
        custom_objects: dict from names to classes and functions of your own; None for registered ones alone.

    Returns:
        A new model, not compiled.

    Raises:
        TypeError, ValueError: if the text does not describe a model.
    """
    import json

    with custom_object_scope(custom_objects):
        model = registry.deserialize_layer(json.loads(json_string))
    if not isinstance(model, Model):
        raise ValueError(f"The text describes a {type(model).__name__}")
    return model
