"""Where the weights of a model and the state of its optimizer are in files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from pycnn.core.layer import Layer
from pycnn.core.names import snake_case

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.variable import Variable

    F32: TypeAlias = NDArray[np.float32]


@runtime_checkable
class HasLayers(Protocol):
    """What is asked of a model here; single layers have no `layers`."""

    name: str
    built: bool

    @property
    def layers(self) -> list[Layer]:
        """The layers, from the input to the output."""


def check_built(model: HasLayers) -> None:
    """ValueError unless the model has its weights."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights yet; give it an Input, or call `build(input_shape)` first"
        )


# --- in safetensors files -----------------------------------------------------------------------------------
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
        path = f"{prefix}{_numbered(type(layer).__name__, counts)}"
        found |= {f"{path}/{variable.name}": variable for variable in layer.own_weights}
        inside = layer.layers if isinstance(layer, HasLayers) else layer.sublayers()
        found |= _named(inside, f"{path}/")
    return found


def _numbered(class_name: str, counts: dict[str, int]) -> str:
    """dense, dense_1, ... for the layers of a list."""
    kind = snake_case(class_name)
    number = counts[kind] = counts.get(kind, -1) + 1
    return f"{kind}_{number}" if number else kind


# --- in Keras' files ----------------------------------------------------------------------------------------
class LayerGroup(NamedTuple):
    """A layer and its own weights in the group `path`/vars of a file.

    Args:
        path: '' for the model itself.
        name: of the layer.
        variables: in the order of the file.
    """

    path: str
    name: str
    variables: list[Variable]


def layer_groups(model: Any) -> list[LayerGroup]:
    """The layers of a model, the model first, each once: along attributes in the order of their names.

    Layers in a list are found by their class and their number among those of their class.
    """
    return list(_groups(model, "", set()))


def _groups(layer: Any, path: str, seen: set[int]) -> Iterator[LayerGroup]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield LayerGroup(path, layer.name, layer.own_weights)
    for name, value in _attributes(layer):
        inside = f"{path}/{name}" if path else name
        if isinstance(value, Layer):
            yield from _groups(value, inside, seen)
        elif isinstance(value, (list, tuple, dict)):
            yield from _in_container(value, inside, seen)


def _attributes(layer: Any) -> list[tuple[str, Any]]:
    known = [("layers", layer.layers)] if not layer.has_parts else []
    return known + sorted(layer.own_attributes(), key=lambda item: (item[0].startswith("_"), item[0]))


def _in_container(container: Any, path: str, seen: set[int]) -> Iterator[LayerGroup]:
    counts: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, Layer):
            yield from _groups(item, f"{path}/{_numbered(item.saved_class, counts)}", seen)
        elif isinstance(item, (list, tuple, dict)):
            yield from _in_container(item, f"{path}/{_numbered('container', counts)}", seen)


# --- in HDF5 files of Keras 2 -------------------------------------------------------------------------------
def legacy_weights(layer: Any) -> list[Variable]:
    """A layer's weights in the order of these files: those that train first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# --- optimizers ---------------------------------------------------------------------------------------------
class OptimizerState:
    """An optimizer's state as Keras' files have it: a count of batches, the learning rate, arrays of weights.

    Args:
        optimizer: the optimizer.
        variables: that it trains, in the model's order.
        begin: whether one that has not begun keeps arrays already.
    """

    def __init__(self, optimizer: Any, variables: Iterable[Variable], begin: bool = False) -> None:
        self._optimizer = optimizer
        self.arrays: list[tuple[str, F32]] = (
            optimizer.saved_state(list(variables)) if begin or optimizer.has_begun else []
        )
        self.has_rate = not optimizer.follows_schedule

    def __len__(self) -> int:
        return 1 + self.has_rate + len(self.arrays)

    def numbers(self) -> list[tuple[str, Any]]:
        """Names and values of what comes before the arrays."""
        optimizer = self._optimizer
        steps = optimizer.gradient_accumulation_steps or 1
        count = np.int64(int(optimizer.iterations) * steps + optimizer.accumulated)
        rate = [("learning_rate", np.float32(float(optimizer.learning_rate)))] if self.has_rate else []
        return [("iteration", count), *rate]

    def checked_numbers(self, values: list[float | int]) -> list[float | int]:
        """The same numbers from a file; ValueError if they cannot be."""
        count, *rate = values
        if not isinstance(count, int) or not 0 <= count < 2**62:
            raise ValueError(f"{count!r} steps of the optimizer")
        if rate and not 0 <= rate[0] < np.inf:
            raise ValueError(f"a learning rate of {rate[0]!r}")
        return values

    def set_numbers(self, values: list[float | int]) -> None:
        """Sets count and rate to what `checked_numbers` has seen."""
        optimizer = self._optimizer
        steps = optimizer.gradient_accumulation_steps or 1
        if values[0] or optimizer.has_begun:
            optimizer.iterations, optimizer.accumulated = divmod(int(values[0]), steps)
        if self.has_rate and np.float32(float(optimizer.learning_rate)) != np.float32(values[1]):
            optimizer.learning_rate = float(values[1])
