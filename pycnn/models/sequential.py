"""A model made of layers in a row."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn import _policy, _serialization
from pycnn._names import unknown
from pycnn._program import Program, trainable_flags
from pycnn.layers.base import KerasTensor, Layer, WeightSpec, checked_shape
from pycnn.layers.input import InputLayer
from pycnn.models.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn._core import Graph
    from pycnn._variable import Variable

    Path: TypeAlias = str | os.PathLike[str]

_making = threading.Lock()  # two threads may be the first to predict


class Sequential(Trainer):
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
        self._input_layer: InputLayer | None = None
        self._program: Program | None = None
        super().__init__(name=name)
        if layers is not None and (isinstance(layers, str) or not isinstance(layers, Sequence)):
            raise TypeError(f"`layers` is {layers!r}; expected a list of layers")
        for layer in layers or ():
            self._append(layer)
        self._rebuild()
        if not trainable:
            self.trainable = False

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
        before = (list(self._layers), self._input_layer)
        try:
            self._append(layer)
            if rebuild:
                self._rebuild()
        except Exception:
            self._layers, self._input_layer = before
            self._rebuild()
            raise

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Removes the last layer and returns it.

        Raises:
            IndexError: if there is none.
        """
        if not self._layers:
            raise IndexError(f"Model {self.name!r} has no layer to remove")
        layer = self._layers.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor) and layer.layer is not None:
            layer = layer.layer
        if not isinstance(layer, Layer):
            raise TypeError(
                f"Only layers can be added to a Sequential model. Received: {layer!r} ({type(layer)})"
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._input_layer is not None:
                raise ValueError(
                    f"Model {self.name!r} has an input already; an Input can only be the first entry"
                )
            self._input_layer = layer
            return
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"All layers of a Sequential model need different names, but there is a "
                f"{layer.name!r} already; give one of them another `name`"
            )
        if not self._layers and self._input_layer is None:
            shape = layer.requested_input_shape or getattr(layer, "_known_input_shape", lambda: None)()
            if shape is not None:
                self._input_layer = InputLayer(shape)
        self._layers.append(layer)

    def _rebuild(self) -> None:
        """Connects all layers for the known input shape; the program is made when it is needed."""
        self._program = self._bound = None
        self._input_shape = self._output_shape = None
        self.built = False
        if self._input_layer is not None and self._layers:
            from pycnn._core import Graph

            graph = Graph()
            self.connect(graph, graph.input(self._input_layer.shape, name=self._input_layer.name))

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Connects the layers and creates their weights.

        Args:
            input_shape: with the batch axis first; None where it is known.

        Raises:
            ValueError: if it is not known, or a layer does not fit its input.
        """
        before = self._input_layer
        if input_shape is not None:
            self._set_input_shape(checked_shape(self.name, input_shape[1:]))
        elif before is None:
            raise ValueError(
                f"Model {self.name!r} has no Input; give `input_shape`, such as (None, 28, 28, 1)"
            )
        fresh = [leaf for leaf in self.leaves() if not leaf.built]
        try:
            self._rebuild()
        except Exception:
            self._input_layer = before
            for leaf in fresh:
                leaf.forget_weights()
            raise

    def _set_input_shape(self, shape: tuple[int, ...]) -> None:
        if self._input_layer is None:
            self._input_layer = InputLayer(shape)
        elif self._input_layer.shape != shape:
            raise ValueError(
                f"Model {self.name!r} was made for inputs of shape {(None, *self._input_layer.shape)}, "
                f"not {(None, *shape)}"
            )

    def _build(self, shape: tuple[int, ...]) -> None:
        self._set_input_shape(shape)

    def lower(self, graph: Graph, node: int) -> int:
        for layer in self._layers:
            node = layer.connect(graph, node)
        self.built = True
        return node

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        return []

    @property
    def has_weights(self) -> bool:
        return any(layer.has_weights for layer in self._layers)

    def leaves(self) -> list[Layer]:
        return [leaf for layer in self._layers for leaf in layer.leaves()]

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """One layer.

        Args:
            name: its name, or
            index: its number.

        Raises:
            ValueError: if there is no such layer, or not exactly one argument is given.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer needs either a name or an index")
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"There is no layer {index}: the model has {len(self._layers)} layers")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise unknown("layer", name, [layer.name for layer in self._layers])

    @property
    def weights(self) -> list[Variable]:
        return [variable for layer in self._layers for variable in layer.weights]

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._layers:
            layer.trainable = self._trainable

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbol of the input, in a list; AttributeError before its shape is known."""
        return [self.input if self._input_layer is None else self._input_layer.output]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbol of the output, in a list; AttributeError before its shape is known."""
        return [self.output]

    # --- the program ----------------------------------------------------------------------------------------
    def _is_ready(self) -> bool:
        return self._input_layer is not None

    def _known_input_shape(self) -> tuple[int, ...] | None:
        return None if self._input_layer is None else self._input_layer.shape

    def _known_output_shape(self) -> tuple[int, ...] | None:
        return self._output_shape

    def _ready(self, samples: NDArray[Any] | None) -> Program:
        if self._program is not None:
            return self._program
        with _making:
            return self._program or self._made(samples)

    def _made(self, samples: NDArray[Any] | None) -> Program:
        if not self._layers:
            raise ValueError(f"Model {self.name!r} has no layers")
        if self._input_layer is None:
            assert samples is not None
            self.build((None, *samples.shape[1:]))
        assert self._input_layer is not None
        self._program = Program(self._layers, self._input_layer.shape, self._input_layer.name)
        return self._program

    def _program_is_current(self) -> bool:
        return self._program is not None and self._program.trainable == trainable_flags(self._layers)

    # --- looking at it, keeping it --------------------------------------------------------------------------
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints a table of the layers.

        Args:
            line_length: characters in a line; None for the terminal's.
            positions: where the columns end, as fractions of the line.
            print_fn: called with the text instead of `print`.
            expand_nested: whether the layers of models inside are listed.
            show_trainable: whether there is a column for it.
            layer_range: names (or regular expressions) of the first and the last layer to list.

        Raises:
            ValueError: if the line is too short, or a name is unknown.
        """
        from pycnn.models.summary import summary_text

        text = summary_text(self, line_length, positions, expand_nested, show_trainable, layer_range)
        if print_fn is None:
            print(text, end="")
        else:
            print_fn(text)

    def save(self, filepath: Path, overwrite: bool = True, **kwargs: Any) -> None:
        """Writes configuration, weights and the optimizer's state to one safetensors file.

        The file appears all at once: a crash leaves the old one.

        Args:
            filepath: ending in '.safetensors'.
            overwrite: whether a file of that name may be replaced.

        Raises:
            ValueError: if the name has another ending, or the model has no weights yet.
            FileExistsError: if the file exists and must not be replaced.
            OSError: if it cannot be written.

        Example:
            >>> import tempfile, os
            >>> import pycnn as keras
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.save(os.path.join(folder, "m.safetensors"))
            ...     keras.models.load_model(os.path.join(folder, "m.safetensors")).count_params()
            5
        """
        from pycnn import saving

        saving.save_model(self, filepath, overwrite, **kwargs)

    def save_weights(self, filepath: Path, overwrite: bool = True) -> None:
        """Writes the weights to a safetensors file; arguments and errors as in `save`."""
        from pycnn.saving import files

        files.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Path, skip_mismatch: bool = False) -> None:
        """Reads weights that `save_weights` or `save` wrote.

        Args:
            filepath: ending in '.safetensors'.
            skip_mismatch: whether weights that are missing or have another shape are left as they are.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no such file, or does not fit; nothing is changed then.
        """
        from pycnn.saving import files

        files.load_weights(self, filepath, skip_mismatch)

    def get_config(self) -> dict[str, Any]:
        layers = [*([] if self._input_layer is None else [self._input_layer]), *self._layers]
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": _serialization.serialize(self.dtype_policy, "keras"),
            "layers": [layer.serialize() for layer in layers],
        }
        if self._input_layer is not None:
            config["build_input_shape"] = [None, *self._input_layer.shape]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: None = None) -> Any:
        from pycnn import layers

        if custom_objects is not None:
            raise ValueError("`custom_objects` is not supported; expected None")
        entries = config.get("layers")
        if not isinstance(entries, list):
            raise ValueError(
                f"The configuration of a Sequential model needs a list `layers`, not {entries!r:.100}"
            )
        model = cls([layers.deserialize(entry) for entry in entries], name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        model.dtype_policy = _policy.policy_of(config.get("dtype"), "Sequential")
        shape = config.get("build_input_shape")
        if shape is not None and model._input_layer is None:
            model.build(shape)
        return model

    def serialize(self) -> dict[str, Any]:
        return _serialization.serialize(self, "keras")

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text; `keras.models.model_from_json` reads it."""
        import json

        return json.dumps(self.serialize(), **kwargs)
