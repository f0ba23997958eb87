"""A model made of layers that were called on symbols, or of a `call`, and what all models share."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pycnn.core import serialization, tree
from pycnn.core.arguments import checked_shape
from pycnn.core.arrays import as_samples
from pycnn.core.blueprint import Blueprint
from pycnn.core.custom_objects import custom_object_scope
from pycnn.core.function import Function, ModelFunction, is_tracing
from pycnn.core.layer import Layer
from pycnn.core.names import auto_name, unknown
from pycnn.core.program import Program, lowered
from pycnn.core.rows import Rows
from pycnn.core.symbolic import Call, KerasTensor, Node, operations_by_depth
from pycnn.layers.input import InputLayer
from pycnn.models.feeding import Ends
from pycnn.models.trainer import Trainer

if TYPE_CHECKING:
    Path: TypeAlias = str | os.PathLike[str]

_making = threading.Lock()  # two threads may be the first to predict


class Model(Trainer):
    """Layers called on symbols, from inputs to outputs: branches, sums, shared layers, models inside models.

    A model of your own class has no `inputs` and `outputs`, but layers as attributes and a method `call` that
    calls them; its shapes are known with the first data.

    Args:
        inputs: the symbol that `Input` returned, or one in the midst of another model; or several in a list
            or dict.
        outputs: the symbol that the last layer returned; or several in a list or dict.
        trainable: whether the optimizer may change the weights.
        name: None for an automatic one.

    Raises:
        TypeError, ValueError: if these are no symbols, `outputs` needs another input than `inputs`, or two
            layers have one name.

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

    _input_layers: list[InputLayer]
    _operations: list[Any]  # layers and functions of symbols, from the inputs to the outputs
    _step_list: list[Node]  # calls in the order in which they run
    _sources: list[KerasTensor]
    _target_list: list[KerasTensor]
    _whole: Call | None  # the one call of a model with a `call`, which must not keep the model alive
    _source_structure: Any  # as `inputs` and `outputs` were given
    _target_structure: Any

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        *,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if inputs is None and outputs is None and (self._is_traced or self.overrides("train_step")):
            self._begin(name, trainable=trainable, **kwargs)
            self._has_parts = True
            return
        self._begin(name or auto_name("Functional"), **kwargs)
        if inputs is None or outputs is None:
            raise ValueError(
                "A Model needs `inputs` and `outputs`: Model(inputs, outputs); or a class of your own "
                "with a `call`"
            )
        self._connect(inputs, outputs)
        if not trainable:
            self.trainable = False

    def _begin(self, name: str | None, **kwargs: Any) -> None:
        """What every kind of model starts with."""
        self._program: Program | None = None
        self._class_names: list[str] | None = None
        self._input_layers, self._operations, self._step_list = [], [], []
        self._sources, self._target_list = [], []
        self._whole = None
        self._lowered: list[KerasTensor] = []  # the targets that are known to make a graph
        self._source_structure = self._target_structure = None
        self._has_parts = False  # attributes that are layers, which a `call` or a `train_step` uses
        super().__init__(name=name, **kwargs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        """Takes the calls between two ends."""
        self._sources, self._target_list = _symbols("inputs", inputs), _symbols("outputs", outputs)
        self._source_structure, self._target_structure = inputs, outputs
        if len(set(self._sources)) < len(self._sources):
            raise ValueError("`inputs` has one symbol twice; expected each input once")
        self._step_list = Function(self._sources, self._targets).calls
        origins: dict[KerasTensor, Any] = {}
        for source in self._sources:
            origin = None if source.node is None else source.node.operation
            if not isinstance(origin, InputLayer):  # a symbol in the midst of another model
                origin = InputLayer(batch_shape=source.shape, dtype=source.dtype)
            origins[source] = origin
        self._input_layers = list(origins.values())
        self._operations = operations_by_depth(origins, self._steps, self._targets)
        _check_names(self.layers)
        self.built = True

    @property
    def _targets(self) -> list[KerasTensor]:
        return self._target_list if self._whole is None else list(self._whole.node_of(self).outputs)

    @property
    def _steps(self) -> list[Node]:
        return self._step_list if self._whole is None else [self._whole.node_of(self)]

    def _set_calls(self, steps: list[Node], targets: list[KerasTensor]) -> None:
        """Sets the calls that make the outputs."""
        if steps and steps[0].operation is self:
            self._whole = steps[0].call
        else:
            self._whole, self._step_list, self._target_list = None, steps, targets

    # --- layers ---------------------------------------------------------------------------------------------
    @property
    def operations(self) -> list[Any]:
        """Layers and functions of symbols, from the inputs to the outputs."""
        return list(self._operations)

    @property
    def layers(self) -> list[Layer]:
        """The layers, the inputs' included, from the inputs to the outputs."""
        if self._has_parts:
            return list(dict.fromkeys(self.sublayers()))
        return [operation for operation in self._operations if isinstance(operation, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """One layer.

        Args:
            name: its name, or
            index: its number.

        Raises:
            ValueError: if there is no such layer, or not exactly one argument is given.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("get_layer needs either a name or an index")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"There is no layer {index}: the model has {len(layers)} layers")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise unknown("layer", name, [layer.name for layer in layers])

    def leaves(self) -> list[Layer]:
        own = [self] if self._is_traced else []
        return list(dict.fromkeys([*own, *(leaf for layer in self.layers for leaf in layer.leaves())]))

    @property
    def can_be_called(self) -> bool:
        return self._is_traced or not self._has_parts

    @property
    def has_parts(self) -> bool:
        return self._has_parts

    @property
    def saved_class(self) -> str:
        return "Functional" if type(self) is Model else type(self).__name__

    @property
    def has_weights(self) -> bool:
        return any(layer.has_weights for layer in self.layers)

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.layers:
            layer.trainable = self._trainable

    # --- symbols --------------------------------------------------------------------------------------------
    def _known(self, symbols: list[KerasTensor], what: str) -> list[KerasTensor]:
        if not symbols:
            raise AttributeError(f"Model {self.name!r} has no known {what} shape yet")
        return list(symbols)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbols of the inputs; AttributeError before their shapes are known."""
        return self._known(self._sources, "input")

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbols of the outputs; AttributeError before their shapes are known."""
        return self._known(self._targets, "output")

    @property
    def input(self) -> Any:
        """The symbol of the input, or the structure of several."""
        return _unwrapped(self.inputs, self._source_structure)

    @property
    def output(self) -> Any:
        """The symbol of the output, or the structure of several."""
        return _unwrapped(self.outputs, self._target_structure)

    @property
    def input_layers(self) -> list[InputLayer]:
        """The Inputs; AttributeError where there are none yet."""
        if not self._input_layers:
            raise AttributeError(f"Model {self.name!r} has no known input shape yet")
        return list(self._input_layers)

    @property
    def steps(self) -> list[Node]:
        """The calls of layers and functions, in the order in which they run."""
        return list(self._steps)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        if isinstance(self._source_structure, dict):
            return list(self._source_structure)
        return [layer.name for layer in self.input_layers]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: of the layers that make them, or the keys where they were given as a dict."""
        if isinstance(self._target_structure, dict):
            return list(self._target_structure)
        if not self._targets:
            return ["output"]  # of a model whose shapes are not known yet
        names: list[str] = []
        for target in self._targets:
            name = target.name if target.node is None else target.node.operation.name
            names.append(f"{name}_{names.count(name)}" if name in names else name)
        return names

    # --- as a layer of another model ------------------------------------------------------------------------
    def build(self, input_shape: Any = None) -> None:
        """Creates the weights of a model with a `call`; does nothing but check for others, which have theirs.

        Args:
            input_shape: with the batch axis first; None where it is known.

        Raises:
            ValueError: if it is not the shape of `input`.
        """
        if input_shape is None:
            return
        several = isinstance(input_shape[0], (list, tuple))
        shapes = [checked_shape(self.name, s[1:]) for s in (input_shape if several else [input_shape])]
        if self._is_traced and not self._sources:
            inputs = [InputLayer(shape).output for shape in shapes]
            self._call_once(inputs if several else inputs[0])
        else:
            self._build(*shapes)

    def _ensure_built(
        self, args: Any, inputs: Sequence[KerasTensor], kwargs: dict[str, Any] | None = None
    ) -> None:
        if self._is_traced and type(self).build is Model.build:
            self.built = True  # the layers inside are built when they are called
        else:
            super()._ensure_built(args, inputs, kwargs)

    def _build(self, *shapes: tuple[int, ...]) -> None:
        known = [symbol.sample_shape for symbol in self._sources]
        if known and list(shapes) != known:
            raise ValueError(
                f"Model {self.name!r} was made for inputs of shape {_batches(known)}, "
                f"not {_batches(list(shapes))}"
            )

    def call_on_rows(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: bool) -> Any:
        """Its layers on the rows, in the `call` of a layer, which is no part of a model's description."""
        from pycnn.models.cloning import called_again

        symbols = self._symbols(args[0])
        self._build(*(symbol.sample_shape for symbol in symbols))
        inner = [x for step in self.steps for x in tree.flatten(step.arguments or ())]
        if not is_tracing() or any(isinstance(x, Rows) for x in inner):
            return super().call_on_rows(args, kwargs, record)
        _, _, training = self._taken_apart(args, kwargs)
        found = called_again(self, dict(zip(self.inputs, symbols, strict=True)), training)
        return tree.transformed(lambda symbol: found[symbol], self._target_structure)

    def _symbols(self, x: Any) -> list[KerasTensor]:
        if isinstance(x, dict):
            return [x[name] for name in self.input_names]
        return [symbol for symbol in tree.flatten(x) if isinstance(symbol, KerasTensor)]

    def _inferred(self, call: Node) -> tuple[list[Any], Any]:
        if self._is_traced:
            return super()._inferred(call)
        if not self._targets:  # a model without layers
            return [symbol.shape for symbol in call.inputs], None
        single = len(self._targets) == 1 and not isinstance(self._target_structure, dict)
        # Once; `_build` checks the inputs of every call.
        if [*map(id, self._lowered)] != [*map(id, self._targets)]:
            super()._inferred(call)
            self._lowered = list(self._targets)
        shapes = [symbol.shape for symbol in self._targets]
        return shapes, None if single else self._target_structure

    def lower(self, graph: Blueprint, *nodes: int) -> Any:
        return self._function().lower(graph, nodes) if self._targets else list(nodes)

    # --- the program ----------------------------------------------------------------------------------------
    def _is_ready(self) -> bool:
        return bool(self._sources)

    def _ends(self) -> Ends:
        return Ends(
            {name: s.sample_shape for name, s in zip(self.input_names, self._sources, strict=True)},
            {name: s.sample_shape for name, s in zip(self.output_names, self._targets, strict=True)},
        )

    def _as_given(self, outputs: list[Any]) -> Any:
        if len(outputs) == 1 and not isinstance(self._target_structure, dict):
            return outputs[0]
        return tree.packed(self._target_structure, outputs)

    def _function(self) -> Function:
        return ModelFunction(self._sources, self._targets)

    def _ready(self, x: Any) -> Program:
        if self._program is not None:
            return self._program
        with _making:
            if self._program is None:
                if not self._is_ready():
                    self._make_ready(x)
                self._program = Program(self._function())
            return self._program

    def _make_ready(self, x: Any) -> None:
        if self._is_ready():
            return
        if x is None:
            raise ValueError(
                f"Model {self.name!r} does not know its inputs' shapes yet; call it on data first"
            )

        def symbol(array: Any) -> KerasTensor:
            samples = as_samples("x", array)
            return InputLayer(samples.shape[1:], dtype=str(samples.dtype)).output  # type: ignore[no-any-return]

        several = (
            isinstance(x, (list, tuple)) and all(hasattr(item, "__array__") for item in x) and len(x) > 0
        )
        inputs = tree.transformed(symbol, x) if several or isinstance(x, dict) else symbol(x)
        self._call_once(inputs)

    def _call_once(self, inputs: Any) -> None:
        """Calls a model with a `call` on the symbols of Inputs, which become its own."""
        outputs = self.call_on_symbols((inputs,), {}, record=False)
        self._sources, targets = tree.flatten(inputs), tree.flatten(outputs)
        self._source_structure = inputs
        self._target_structure = tree.transformed(lambda _: None, outputs)
        self._input_layers = [source.node.operation for source in self._sources]  # type: ignore[misc, union-attr]
        self._set_calls(Function(self._sources, targets).calls, targets)

    def _call_on_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._is_traced or kwargs.get("training") or len(args) != 1:
            return super()._call_on_arrays(args, kwargs)
        program = self._ready(args[0])
        if program.adds_losses or (kwargs.get("training") is None and program.works_undecided):
            return super()._call_on_arrays(args, kwargs)
        self.note_losses([])
        return self.predict_on_batch(args[0])

    def as_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if self._is_traced or not self._is_ready() or len(args) != 1:
            return super().as_inputs(args)
        samples = self._ends().samples("x", args[0])
        return (samples if len(samples) > 1 else samples[0],)

    def _takes_several(self, x: Any) -> bool:
        return isinstance(x, (list, tuple)) and (len(self._sources) > 1 or super()._takes_several(x))

    def precompute_features(self, x: Any, cache_dir: Path | None = None) -> Any:
        """The outputs of a frozen model, beyond Keras: to train new layers on them for many epochs.

        That is the same as to train these layers on top of the frozen ones, and takes the time of one epoch
        for all, as nothing in the model differs from epoch to epoch: a model that has trainable weights, or
        layers that draw at random in training, is refused.

        Args:
            x: an array (n, ...).
            cache_dir: folder for files of features, named by the network, the values of its weights and the
                data: what is there already is not computed again. None keeps nothing.

        Returns:
            A float32 array (n, ...).

        Raises:
            TypeError, ValueError: if x is no such array, or the model's features are not always the same.
            OSError: if the file cannot be written.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> base = keras.applications.MobileNet(
            ...     weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg", alpha=0.25
            ... )
            >>> base.trainable = False
            >>> features = base.precompute_features(np.zeros((4, 32, 32, 3)))
            >>> features.shape
            (4, 256)
        """
        from pycnn.models.features import precomputed

        return precomputed(self, x, cache_dir)

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

    @property
    def class_names(self) -> list[str] | None:
        """What the values of the output stand for; None where it was not said.

        They are saved with the model, for `pycnn predict` and for programs in C++.

        Raises:
            TypeError, ValueError: when set to something else than one name for each value of the one output.
        """
        return self._class_names

    @class_names.setter
    def class_names(self, names: Sequence[str] | None) -> None:
        if names is not None:
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise TypeError(f"`class_names` is {names!r:.200}; expected a list of strings")
            names = list(names)
            if self._targets and [len(names)] != [math.prod(t.sample_shape) for t in self._targets]:
                raise ValueError(
                    f"`class_names` has {len(names)} names, but the outputs have shapes "
                    f"{[target.shape for target in self._targets]}"
                )
        self._class_names = names

    def graph_json(self, names: Mapping[int, str]) -> str | None:
        """The model as programs in C++ and C load it; None where a step of it is Python's, or assigns.

        Args:
            names: of the arrays in the file, by the ids of the variables.
        """
        graph = Blueprint()
        outputs = lowered(self._function(), graph)
        if graph.assigned or any(graph.node(node)[0] == "host" for node in range(len(graph))):
            return None
        of_core = {id(variable.core): names[id(variable)] for variable in graph.variables_of.values()}
        return graph.json(outputs, self.output_names, [of_core[id(core)] for core in graph.variables])

    def save(self, filepath: Path, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Writes configuration, weights and the optimizer's state to one file.

        The ending says the format: '.keras' and '.h5' (or '.hdf5', Keras 2's) are read by Keras too and need
        h5py (`pip install 'pycnn[h5]'`); '.safetensors' also holds what C++ and C programs run.
        The file appears all at once: a crash leaves the old one.

        Args:
            filepath: ending in '.keras', '.h5', '.hdf5' or '.safetensors'.
            overwrite: whether a file of that name may be replaced.
            zipped: only None or True.
            kwargs: `include_optimizer`: whether the optimizer and the other arguments of `compile` are kept;
                True. `save_format` of old programs: has no effect.

        Raises:
            ValueError: if the name has another ending, or the model has no weights yet.
            FileExistsError: if the file exists and must not be replaced.
            ImportError: if the format needs h5py, which is not installed.
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

        saving.save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(self, filepath: Path, overwrite: bool = True, max_shard_size: None = None) -> None:
        """Writes the weights to a file; errors as in `save`.

        Args:
            filepath: ending in '.weights.h5' (Keras' form, with the state of the optimizer), '.h5' or '.hdf5'
                (Keras 2's), or '.safetensors'.
            overwrite: whether a file of that name may be replaced.
            max_shard_size: only None.
        """
        from pycnn import saving

        saving.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: Path, skip_mismatch: bool = False, by_name: bool = False) -> None:
        """Reads weights that `save_weights` or `save` of pycnn or Keras wrote.

        Layers are found by their order in the model; in '.h5' files that is Keras' order of layers.

        Args:
            filepath: ending in '.keras', '.weights.h5', '.h5', '.hdf5' or '.safetensors'. From the first two
                a compiled model gets the state of its optimizer as well.
            skip_mismatch: whether weights that are missing or have another shape are left as they are.
            by_name: for '.h5' and '.hdf5' files: whether layers are found by their names, and those that the
                file lacks are left as they are.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no such file, or does not fit; nothing is changed then.
            ImportError: if the format needs h5py, which is not installed.
        """
        from pycnn import saving

        saving.load_weights(self, filepath, skip_mismatch, by_name)

    def __getstate__(self) -> dict[str, Any]:
        from pycnn.models import copying

        return copying.state_of(self, super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        from pycnn.models import copying

        super().__setstate__(
            state["attributes"] | {"_whole": None, "_sources": [], "_step_list": [], "_target_list": []}
        )
        copying.restore(self, state)

    @classmethod
    def _is_own(cls) -> bool:
        """Whether this is a class of somebody's own, with a `call`."""
        return cls.call is not Layer.call

    def get_config(self) -> dict[str, Any]:
        from pycnn.models.functional_config import model_config

        if not self._is_traced:
            return model_config(self)
        config = Layer.get_config(self)
        if type(self).get_config is Model.get_config and type(self).__init__ is not Model.__init__:
            raise NotImplementedError(
                f"Model {self.name!r} is of the class {type(self).__name__}, which cannot be described: give "
                f"it `get_config` and register it by keras.saving.register_keras_serializable(); or use "
                f"`save_weights`"
            )
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        from pycnn.models.functional_config import symbols_of

        if cls._is_own():
            return cls(**config)
        with custom_object_scope(custom_objects):
            inputs, outputs = symbols_of(config)
        model = cls(inputs, outputs, name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        return model

    def serialize(self) -> dict[str, Any]:
        if self._is_traced:
            shapes = [list(source.shape) for source in self._sources]
            return serialization.serialize(self, "keras") | (
                {"build_config": {"input_shape": shapes[0] if len(shapes) == 1 else shapes}} if shapes else {}
            )
        names = {"class_name": "Functional", "registered_name": "Functional"}  # as Keras writes and reads it
        return serialization.serialize(self, "keras.src.models.functional") | names

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text; `keras.models.model_from_json` reads it."""
        import json

        return json.dumps(self.serialize(), **kwargs)


def _symbols(name: str, given: Any) -> list[KerasTensor]:
    """The symbols of a structure."""
    items = tree.flatten(given)
    for item in items:
        if not isinstance(item, KerasTensor):
            raise TypeError(
                f"Model: `{name}` is {given!r:.200}; expected symbols, as `Input` and layers return them"
            )
    if not items:
        raise ValueError(f"Model: `{name}` is empty; expected at least one symbol")
    return items


def _unwrapped(symbols: list[KerasTensor], structure: Any) -> Any:
    """The one symbol, or several in their structure."""
    return (
        symbols[0]
        if len(symbols) == 1 and not isinstance(structure, dict)
        else tree.packed(structure, symbols)
    )


def _batches(shapes: list[tuple[int, ...]]) -> Any:
    found = [(None, *shape) for shape in shapes]
    return found[0] if len(found) == 1 else found


def _check_names(layers: Sequence[Layer]) -> None:
    names: dict[str, Layer] = {}
    for layer in layers:
        if names.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f"The name {layer.name!r} is used by several layers of the model. All layer names should be "
                f"unique; give one of them another `name`"
            )
