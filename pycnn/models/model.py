"""A model made of layers that were called on symbols, and what all models share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pycnn.core import serialization
from pycnn.core.layer import Layer
from pycnn.core.names import auto_name, unknown
from pycnn.core.program import Blueprint, Program
from pycnn.core.symbolic import KerasTensor, Node, layers_by_depth, trace
from pycnn.layers.input import InputLayer
from pycnn.models.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.variable import Variable

    Path: TypeAlias = str | os.PathLike[str]

_making = threading.Lock()  # two threads may be the first to predict


class Model(Trainer):
    """Layers called on symbols, from one `Input` to one output: branches, sums, shared layers.

    Args:
        inputs: the symbol that `Input` returned, or one in the midst of another model; alone or in a list.
        outputs: the symbol that the last layer returned; alone or in a list.
        trainable: whether the optimizer may change the weights.
        name: None for an automatic one.

    Raises:
        TypeError, ValueError: if these are no symbols, there are several of them, `outputs` needs another
            input than `inputs`, or two layers have one name.

    Example:
        >>> import pycnn as keras
        >>> from pycnn import layers
        >>> inputs = keras.Input((28, 28, 1))
        >>> x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
        >>> y = layers.Conv2D(8, 3, padding="same")(x)
        >>> x = layers.Activation("relu")(layers.Add()([x, y]))
        >>> outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
        >>> model = keras.Model(inputs, outputs)
        >>> model.output_shape, model.count_params()
        ((None, 10), 754)
    """

    _input_layer: InputLayer | None
    _layers: list[Layer]
    _steps: list[Node]  # calls in the order in which they run
    _source: KerasTensor | None
    _target: KerasTensor | None

    def __init__(
        self, inputs: Any = None, outputs: Any = None, *, trainable: bool = True, name: str | None = None
    ) -> None:
        self._begin(name or auto_name("Functional"))
        if inputs is None or outputs is None:
            raise ValueError(
                "A Model needs `inputs` and `outputs`: Model(inputs, outputs). Models of your own class, "
                "with a `call` method, are not supported"
            )
        source, target = _the_symbol("inputs", inputs), _the_symbol("outputs", outputs)
        self._source, self._target, self._steps = source, target, trace(source, target)
        origin = None if source.node is None else source.node.layer
        if not isinstance(origin, InputLayer):  # a symbol in the midst of another model
            origin = InputLayer(batch_shape=source.shape, dtype=source.dtype)
        self._input_layer = origin
        self._layers = cast("list[Layer]", layers_by_depth(origin, source, self._steps))
        _check_names(self._layers)
        self.built = True
        if not trainable:
            self.trainable = False

    def _begin(self, name: str | None) -> None:
        """What every kind of model starts with."""
        self._input_layer = self._source = self._target = self._program = None
        self._layers = []
        self._steps = []
        super().__init__(name=name)

    # --- layers ---------------------------------------------------------------------------------------------
    @property
    def layers(self) -> list[Layer]:
        """The layers, the Input included, from the input to the output."""
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

    def leaves(self) -> list[Layer]:
        return list(dict.fromkeys(leaf for layer in self._layers for leaf in layer.leaves()))

    @property
    def has_weights(self) -> bool:
        return any(layer.has_weights for layer in self._layers)

    @property
    def weights(self) -> list[Variable]:
        return [variable for leaf in self.leaves() for variable in leaf.weights]

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._layers:
            layer.trainable = self._trainable

    # --- symbols --------------------------------------------------------------------------------------------
    @property
    def input(self) -> KerasTensor:
        """The symbol of the input; AttributeError before its shape is known."""
        return self.input_layer.output if self._source is None else self._source

    @property
    def output(self) -> KerasTensor:
        """The symbol of the output; AttributeError before its shape is known."""
        if self._target is None:
            raise AttributeError(f"Model {self.name!r} has no known output shape yet")
        return self._target

    @property
    def input_layer(self) -> InputLayer:
        """The Input; AttributeError where there is none yet."""
        if self._input_layer is None:
            raise AttributeError(f"Model {self.name!r} has no known input shape yet")
        return self._input_layer

    @property
    def steps(self) -> list[Node]:
        """The calls of layers, in the order in which they run."""
        return list(self._steps)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbol of the input, in a list."""
        return [self.input]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbol of the output, in a list."""
        return [self.output]

    # --- as a layer of another model ------------------------------------------------------------------------
    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Does nothing but check: a model between symbols has its weights.

        Args:
            input_shape: with the batch axis first; None where it is known.

        Raises:
            ValueError: if it is not the shape of `input`.
        """
        if input_shape is not None:
            super().build(input_shape)

    def _build(self, *shapes: tuple[int, ...]) -> None:
        shape = self._known_input_shape()
        if shape is not None and shapes[0] != shape:
            raise ValueError(
                f"Model {self.name!r} was made for inputs of shape {(None, *shape)}, not {(None, *shapes[0])}"
            )

    def connect(self, graph: Blueprint, nodes: Sequence[int]) -> int:
        (node,) = nodes
        places: dict[KerasTensor | None, int] = {self._source: node}
        for step in self._steps:
            node = step.layer.connect(graph, [places[tensor] for tensor in step.inputs])
            places[step.output] = node
        return node if self._target is None else places[self._target]

    def lower(self, graph: Any, node: int) -> int:
        return self.connect(graph, [node])

    # --- the program ----------------------------------------------------------------------------------------
    def _is_ready(self) -> bool:
        return self._input_layer is not None

    def _known_input_shape(self) -> tuple[int, ...] | None:
        return None if self._input_layer is None else self._input_layer.shape

    def _known_output_shape(self) -> tuple[int, ...] | None:
        return None if self._target is None else self._target.shape[1:]  # type: ignore[return-value]

    def _ready(self, samples: NDArray[Any] | None) -> Program:
        if self._program is not None:
            return self._program
        with _making:
            return self._program or self._made(samples)

    def _made(self, samples: NDArray[Any] | None) -> Program:
        assert self._input_layer is not None
        self._program = Program(self, self._input_layer.shape, self._input_layer.name)
        return self._program

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
        from pycnn.saving import weights

        weights.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Path, skip_mismatch: bool = False) -> None:
        """Reads weights that `save_weights` or `save` wrote.

        Args:
            filepath: ending in '.safetensors'.
            skip_mismatch: whether weights that are missing or have another shape are left as they are.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no such file, or does not fit; nothing is changed then.
        """
        from pycnn.saving import weights

        weights.load_weights(self, filepath, skip_mismatch)

    def get_config(self) -> dict[str, Any]:
        from pycnn.models.functional_config import model_config

        return model_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: None = None) -> Any:
        from pycnn.models.functional_config import symbols_of

        if custom_objects is not None:
            raise ValueError("`custom_objects` is not supported; expected None")
        inputs, outputs = symbols_of(config)
        model = cls(inputs, outputs, name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        return model

    def serialize(self) -> dict[str, Any]:
        names = {"class_name": "Functional", "registered_name": "Functional"}  # as Keras writes and reads it
        return serialization.serialize(self, "keras.src.models.functional") | names

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text; `keras.models.model_from_json` reads it."""
        import json

        return json.dumps(self.serialize(), **kwargs)


def _the_symbol(name: str, given: Any) -> KerasTensor:
    """The one symbol that was given, alone or in a list."""
    items = list(given) if isinstance(given, (list, tuple)) else [given]
    if isinstance(given, dict) or (len(items) != 1 and all(isinstance(x, KerasTensor) for x in items)):
        raise ValueError(
            f"Model: `{name}` has {len(given)} symbols; models with one input and one output are supported"
        )
    if len(items) != 1 or not isinstance(items[0], KerasTensor):
        raise TypeError(
            f"Model: `{name}` is {given!r:.200}; expected the symbol that `Input` or a layer returned"
        )
    return items[0]


def _check_names(layers: Sequence[Layer]) -> None:
    names: dict[str, Layer] = {}
    for layer in layers:
        if names.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f"The name {layer.name!r} is used by several layers of the model. All layer names should be "
                f"unique; give one of them another `name`"
            )
