"""Models and what they were compiled with as JSON, and back: what all formats share."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from pycnn.core import registry
from pycnn.core.variable import Variable
from pycnn.saving.state import HasLayers, check_built

_LARGEST_JSON = 1 << 24  # characters
_WRONG = (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError)


@runtime_checkable
class SavableModel(HasLayers, Protocol):
    """What is asked of a model here."""

    class_names: list[str] | None

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that the optimizer may change."""

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


def checked_model(model: Any) -> SavableModel:
    """The model; TypeError where it is none, ValueError where it has no weights."""
    if not isinstance(model, SavableModel):
        raise TypeError(f"{model!r:.200} is no model that can be saved")
    check_built(model)
    return model


def to_json(value: Any) -> str:
    """Plain data as JSON."""
    return json.dumps(value, allow_nan=False)


def from_json(text: str) -> Any:
    """Plain data from JSON that is not too long."""
    if len(text) > _LARGEST_JSON:
        raise ValueError(f"a description of {len(text):,} characters is too long")

    def refuse(name: str) -> None:
        raise ValueError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)


@contextlib.contextmanager
def reading(path: str, fault: str) -> Iterator[None]:
    """Makes what goes wrong with a description a ValueError that names the file and says what is wrong."""
    try:
        yield
    except _WRONG as error:
        raise ValueError(f"{path!r} {fault}: {error!s:.400}") from error


def model_of(path: str, description: Any) -> SavableModel:
    """The model of a description, whose weights are not made yet: their shapes are checked first."""
    with reading(path, "does not describe a model of pycnn"):
        model = registry.deserialize_layer(description)
        shape = (description.get("build_config") or {}).get("input_shape")
        if shape is not None and not getattr(model, "built", True):
            model.build(shape)
        if not isinstance(model, SavableModel) or not model.built:
            raise ValueError("expected a model with a known input shape")
    return model


def set_class_names(path: str, model: SavableModel, names: Any) -> None:
    """Gives the model the names of its classes."""
    with reading(path, "has damaged class names"):
        model.class_names = names


def compile_model(path: str, model: SavableModel, config: Any) -> None:
    """Compiles the model as it was."""
    with reading(path, "has a damaged optimizer or loss"):
        model.compile_from_config(config)
