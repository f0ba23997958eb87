"""A model made of layers in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pycnn.core import policy, registry, serialization
from pycnn.core.arguments import checked_shape
from pycnn.core.arrays import as_samples
from pycnn.core.custom_objects import custom_object_scope
from pycnn.core.layer import Layer
from pycnn.core.rows import Rows
from pycnn.core.symbolic import KerasTensor, Node
from pycnn.layers.input import InputLayer
from pycnn.models.model import Model


class Sequential(Model):
    """Layers in a row, each fed by the one before.

    The input's shape comes from an `Input` in front, from `input_shape=` of the first layer, from `build`, or
    from the first data.

    Args:
        layers: list of layers, or None for none yet.
        trainable: whether the optimizer may change the weights.
        name: None for an automatic one.

    Raises:
        TypeError, ValueError: if something is no layer, a name is there twice, or a layer does not fit its
            input.

    Example:
        >>> import pycnn as keras
        >>> model = keras.Sequential([
        ...     keras.Input((28, 28, 1)),
        ...     keras.layers.Conv2D(8, 3, activation="relu"),
        ...     keras.layers.Flatten(),
        ...     keras.layers.Dense(10, activation="softmax"),
        ... ])
        >>> model.output_shape, model.count_params()
        ((None, 10), 54170)
    """

    def __init__(
        self,
        layers: Sequence[Layer | KerasTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        self._layers: list[Layer] = []
        self._begin(name)
        if layers is not None and (isinstance(layers, str) or not isinstance(layers, Sequence)):
            raise TypeError(f"`layers` is {layers!r}; expected a list of layers")
        for layer in layers or ():
            self._append(layer)
        try:
            self._extend()
        except Exception:
            self._shorten(0)
            raise
        if not trainable:
            self.trainable = False

    def _call_on_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) == 1 and np.ndim(args[0]) == 3 and self._takes_one_image():
            x = np.asarray(args[0])
            for layer in self._layers:
                x = np.asarray(layer(x, **kwargs))
            return x
        return super()._call_on_arrays(args, kwargs)

    def _takes_one_image(self) -> bool:
        """Whether it prepares images and takes one (h, w, c) by itself, as all its layers do."""
        images = not self._input_layers or len(self._input_layers[0].batch_shape) == 4
        return images and bool(self._layers) and all(layer.takes_one_sample for layer in self._layers)

    # --- layers ---------------------------------------------------------------------------------------------
    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Adds a layer at the end.

        Args:
            layer: a layer or, as the first, an `Input`.
            rebuild: whether shapes are checked at once.

        Raises:
            TypeError, ValueError: if it is no layer, its name is there already, or it does not fit its input.
                The model stays as it was then.
        """
        before = (list(self._layers), list(self._input_layers))
        try:
            self._append(layer)
            if rebuild:
                self._extend()
        except Exception:
            self._layers, self._input_layers = before
            self._shorten(len(self._layers))
            raise

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Removes the last layer and returns it.

        Raises:
            IndexError: if there is none.
        """
        if not self._layers:
            raise IndexError(f"Model {self.name!r} has no layer to remove")
        layer = self._layers.pop()
        self._shorten(len(self._layers))
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor) and layer.node is not None and not layer.node.inputs:
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Only layers can be added to a Sequential model. Received: {layer!r} ({type(layer)})"
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._input_layers:
                raise ValueError(
                    f"Model {self.name!r} has an input already; an Input can only be the first entry"
                )
            self._input_layers = [layer]
            return
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"All layers of a Sequential model need different names, but there is a "
                f"{layer.name!r} already; give one of them another `name`"
            )
        if not self._layers and not self._input_layers:
            shape = layer.requested_input_shape
            if shape is None and isinstance(layer, Model) and len(layer._sources) == 1:
                shape = layer._sources[0].sample_shape
            if shape is not None:
                self._input_layers = [InputLayer(shape)]
        self._layers.append(layer)

    def _extend(self) -> None:
        """Calls the layers that are not connected yet, where the input's shape is known."""
        if not self._input_layers:
            return
        symbol = self._targets[0] if self._targets else self._input_layers[0].output
        for layer in self._layers[len(self._steps) :]:
            symbol = layer(symbol)
            if isinstance(symbol, Rows):
                raise ValueError(
                    f"Layer {layer.name!r} returned {symbol!r}, but the layers of a Sequential model pass on "
                    f"samples; use the functional form, keras.Model(inputs, outputs)"
                )
            if not isinstance(symbol, KerasTensor) or symbol.node is None:
                raise ValueError(
                    f"Layer {layer.name!r} has several outputs; the layers of a Sequential model have one"
                )
            self._step_list.append(symbol.node)
        self._note_ends()

    def _note_ends(self) -> None:
        self._program = self._trained = None
        self._sources = [layer.output for layer in self._input_layers]
        self._target_list = [self._steps[-1].output] if self._steps else []
        self._source_structure = self._sources[0] if self._sources else None
        self._target_structure = self._targets[0] if self._targets else None
        self._operations = [*self._input_layers, *self._layers]
        self.built = bool(self._steps)

    def _shorten(self, length: int) -> None:
        """Takes back all calls but the first ones."""
        for step in self._steps[length:]:
            step.operation.forget_call(step)  # type: ignore[attr-defined]
        del self._step_list[length:]
        self._note_ends()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._layers)

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Connects the layers and creates their weights.

        Args:
            input_shape: with the batch axis first; None where it is known.

        Raises:
            ValueError: if it is not known, or a layer does not fit its input.
        """
        if input_shape is not None:
            self._build(checked_shape(self.name, input_shape[1:]))
        elif not self._input_layers:
            raise ValueError(
                f"Model {self.name!r} has no Input; give `input_shape`, such as (None, 28, 28, 1)"
            )

    def _build(self, *shapes: tuple[int, ...]) -> None:
        super()._build(*shapes)
        fresh = [leaf for leaf in self.leaves() if not leaf.built]
        before = self._input_layers
        self._input_layers = before or [InputLayer(shapes[0])]
        try:
            self._extend()
        except Exception:
            self._input_layers = before
            self._shorten(len(self._steps) if before else 0)
            for leaf in fresh:
                leaf.forget_weights()
            raise

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        shape = tuple(input_shape)
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def _is_ready(self) -> bool:
        return bool(self._targets)

    def _make_ready(self, x: Any) -> None:
        if not self._layers:
            raise ValueError(f"Model {self.name!r} has no layers")
        if not self._input_layers:
            if x is None:
                raise ValueError(
                    f"Model {self.name!r} does not know its input's shape yet; give it an Input or "
                    f"call build()"
                )
            self.build((None, *as_samples("x", x).shape[1:]))
        self._extend()

    def _inferred(self, call: Node) -> tuple[list[Any], Any]:
        if not self._targets:
            self._build(call.inputs[0].sample_shape)
        return super()._inferred(call)

    # --- keeping it -----------------------------------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        layers = [*self._input_layers, *self._layers]
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialization.serialize(self.dtype_policy, "keras"),
            "layers": [layer.serialize() for layer in layers],
        }
        if self._input_layers:
            config["build_input_shape"] = [None, *self._input_layers[0].shape]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        entries = config.get("layers")
        if not isinstance(entries, list):
            raise ValueError(
                f"The configuration of a Sequential model needs a list `layers`, not {entries!r:.100}"
            )
        with custom_object_scope(custom_objects):
            model = cls([registry.deserialize_layer(entry) for entry in entries], name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        model.dtype_policy = policy.policy_of(config.get("dtype"), "Sequential")
        shape = config.get("build_input_shape")
        if shape is not None and not model._input_layers:
            model.build(shape)
        return model

    def serialize(self) -> dict[str, Any]:
        return serialization.serialize(self, "keras")
