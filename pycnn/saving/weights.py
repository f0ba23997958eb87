"""The weights of a model by name, and files of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pycnn.core.names import snake_case
from pycnn.saving.files import Reader, checked_path, opened, write

if TYPE_CHECKING:
    from pycnn.core.layer import Layer
    from pycnn.core.variable import Variable
    from pycnn.saving.files import Path


@runtime_checkable
class HasLayers(Protocol):
    """What is asked of a model here; single layers have no `layers`."""

    name: str
    built: bool

    @property
    def layers(self) -> list[Layer]:
        """The layers, from the input to the output."""


def named_variables(model: HasLayers) -> dict[str, Variable]:
    """All weights by `dense_1/kernel`: the layer's class and its number among those of its class, from 0.

    The names of layers do not matter, so that weights fit every model of the same architecture.
    """
    own = {variable.name: variable for variable in getattr(model, "own_weights", ())}
    return own | _named(model.layers, "")


def _named(layers: Iterable[Layer], prefix: str) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    counts: dict[str, int] = {}
    for layer in layers:
        kind = snake_case(type(layer).__name__)
        number = counts.setdefault(kind, 0)
        counts[kind] += 1
        place = f"{prefix}{kind}_{number}" if number else f"{prefix}{kind}"
        found |= {f"{place}/{variable.name}": variable for variable in layer.own_weights}
        inside = layer.layers if isinstance(layer, HasLayers) else layer.sublayers()
        found |= _named(inside, f"{place}/")
    return found


def checked_variables(model: HasLayers) -> dict[str, Variable]:
    """The same, for a model that has its weights."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights yet; give it an Input, or call `build(input_shape)` first"
        )
    return named_variables(model)


def save_weights(model: HasLayers, filepath: Path, overwrite: bool) -> None:
    """Writes a model's weights; see `Model.save_weights`."""
    path = checked_path(filepath)
    arrays = {f"weights/{name}": variable.numpy() for name, variable in checked_variables(model).items()}
    write(path, arrays, {"format": "pycnn-weights"}, overwrite)


def load_weights(model: HasLayers, filepath: Path, skip_mismatch: bool) -> None:
    """Reads a model's weights; see `Model.load_weights`."""
    variables = checked_variables(model)
    with opened(filepath) as reader:
        if not skip_mismatch:
            check_weights(reader, variables)
        fitting = {
            name: variable
            for name, variable in variables.items()
            if reader.shapes.get(f"weights/{name}") == variable.shape
        }
        arrays = {name: reader.array(f"weights/{name}") for name in fitting}
    for name, array in arrays.items():
        fitting[name].assign(array)


def check_weights(reader: Reader, variables: Mapping[str, Variable]) -> None:
    """ValueError unless the file has exactly these weights."""
    found = {name[len("weights/") :] for name in reader.shapes if name.startswith("weights/")}
    for what, names in (("lacks", variables.keys() - found), ("has unknown", found - variables.keys())):
        if names:
            raise ValueError(f"{reader.path!r} {what} weights: {', '.join(sorted(names))!s:.300}")
    for name, variable in variables.items():
        shape = reader.shapes[f"weights/{name}"]
        if shape != variable.shape:
            raise ValueError(
                f"{reader.path!r}: {name!r} has shape {shape}, but the model's is {variable.shape}"
            )
