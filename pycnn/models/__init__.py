"""Models: layers in a row, what trains them, and what keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn.core import registry
from pycnn.models.model import Model
from pycnn.models.sequential import Sequential

if TYPE_CHECKING:
    import os

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

registry.add_layers({"Functional": Model, "Model": Model, "Sequential": Sequential})


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Model:
    """The model that `model.save` wrote; see `pycnn.saving.load_model`."""
    from pycnn import saving

    return saving.load_model(filepath, custom_objects, compile, safe_mode)  # type: ignore[no-any-return]


def save_model(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
    """The same as `model.save(filepath)`."""
    model.save(filepath, overwrite, **kwargs)


def clone_model(model: Model) -> Model:
    """A model of the same layers with new weights, not compiled.

    Args:
        model: any.

    Returns:
        A new model whose layers have the same names.

    Example:
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> keras.models.clone_model(model).output_shape
        (None, 2)
    """
    return type(model).from_config(model.get_config())  # type: ignore[no-any-return]


def model_from_json(json_string: str, custom_objects: None = None) -> Model:
    """The model, with new weights, whose `to_json` this is.

    Args:
        json_string: JSON text.
        custom_objects: only None.

    Returns:
        A new model, not compiled.

    Raises:
        TypeError, ValueError: if the text does not describe a model.
    """
    import json

    if custom_objects is not None:
        raise ValueError("`custom_objects` is not supported; expected None")
    model = registry.deserialize_layer(json.loads(json_string))
    if not isinstance(model, Model):
        raise ValueError(f"The text describes a {type(model).__name__}")
    return model
