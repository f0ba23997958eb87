"""The base of all layers."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn.core import call_on_rows, policy, recording, registry, serialization, tree
from pycnn.core.arguments import checked_name, checked_shape
from pycnn.core.arrays import as_float32, as_samples
from pycnn.core.blueprint import Blueprint
from pycnn.core.effects import RecordedCall, with_effects
from pycnn.core.function import Function, Trace, apart, current_trace, is_tracing, tracing
from pycnn.core.input_spec import check_inputs
from pycnn.core.interface import Interface
from pycnn.core.names import auto_name
from pycnn.core.program import Program
from pycnn.core.results import answering
from pycnn.core.rows import Rows, axis_of_rows, joined, like, whole_of
from pycnn.core.symbolic import Call, KerasTensor, Node, as_symbol
from pycnn.core.tensor import Tensor
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycnn.core.variable import Initializer

    F32: TypeAlias = NDArray[np.float32]
    Shape: TypeAlias = tuple[int | None, ...]


class WeightSpec(NamedTuple):
    """What a layer asks for: a weight's name, shape and initial values."""

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    trainable: bool = True
    regularizer: Any = None
    constraint: Any = None


class Layer(policy.HasDTypePolicy, Interface):
    """One step of a network.

    A layer of your own has a `call`, written with layers and `keras.ops`; its weights are made by
    `add_weight`, in `__init__` or in `build`. `call` is traced and runs in the C++ core, in training too.
    Where it takes an argument `training`, it is told whether it is one. What it assigns to its weights (see
    `Variable.assign`) is there for each batch.

    The layers of this package say in `weight_specs` which weights they need for an input shape, and in
    `lower` which nodes of the core's graph they are.

    Args:
        trainable: whether the optimizer may change its weights.
        dtype: None for the global policy, or one: 'float32' or 'mixed_bfloat16' (see DTypePolicy).
        name: None for an automatic one (`conv2d`, `conv2d_1`, ...).
        input_shape: for the first layer of a model without an Input: the shape of one sample.
        input_dim: the same for samples of one axis, as an integer.
        batch_input_shape: the same with the batch axis first.
        activity_regularizer: name, object or function of the output whose result, divided by the number of
            samples, is added to the loss; None for none.
        autocast: has no effect, as arrays between layers are float32.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> class Scale(keras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
        ...
        ...     def call(self, x):
        ...         return keras.ops.exp(x * self.scale)
        >>> Scale()(np.zeros((1, 2)))
        array([[1., 1.]], dtype=float32)
    """

    _given: tuple[tuple[Any, ...], dict[str, Any]]
    # What the last call on arrays has added to the loss, by `add_loss` and by `activity_regularizer`.
    _added_losses: tuple[Any, ...] = ()
    _has_noted = False  # whether such a call was one of this layer, rather than of one around it

    # Whether arrays may be one sample without an axis of the samples: layers that prepare images.
    takes_one_sample = False

    # Further arguments of a call that are inputs, for layers of this package.
    call_inputs: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
        input_dim: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        activity_regularizer: Any = None,
        autocast: bool = True,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        self.dtype_policy = policy.policy_of(dtype, type(self).__name__)
        self.name = checked_name(name) if name is not None else auto_name(type(self).__name__)
        self.built = False
        self._trainable = bool(trainable)
        self._variables: list[Variable] = []
        self._calls: list[Call] = []  # the first one on symbols; `_later_calls` are weak references
        # For arrays: their shapes, the outputs' structure, whose losses follow them.
        self._called: tuple[Any, Program, Any, list[int]] | None = None
        self._losses: list[KerasTensor] | None = None  # that `call` has added, while it is traced
        self.activity_regularizer = registry.resolved("regularizers", activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = checked_shape(self.name, batch_input_shape[1:])
        self.requested_input_shape = None if input_shape is None else checked_shape(self.name, input_shape)

    # --- what a subclass defines ----------------------------------------------------------------------------
    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        """The weights for samples of this shape; ValueError where the layer cannot take them."""
        return []

    # With **, as subclasses name their nodes.
    def lower(self, graph: Blueprint, *nodes: Any, **_: Any) -> Any:
        """Adds the layer to a graph, after `nodes`, and returns the node of its output, or a list of them."""
        raise NotImplementedError(f"{type(self).__name__} has neither `call` nor `lower`")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes, from symbols: layers of your own override it."""
        return self._native_call(args[0] if args else None)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, in Keras' form."""
        config = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": serialization.serialize(self.dtype_policy, "keras"),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = registry.described("regularizers", self.activity_regularizer)
        return config if type(self).get_config is not Layer.get_config else self._with_own_arguments(config)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Notes the constructor's arguments, for layers of one's own without a `get_config`."""
        layer = super().__new__(cls)
        if cls.call is not Layer.call:
            layer._given = (args, kwargs)
        return layer

    def _with_own_arguments(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration of a class without a `get_config`: what its own constructor takes, as given."""
        if type(self).__init__ is Layer.__init__ or not self._is_traced:
            return config
        args, kwargs = self._given
        signature = inspect.signature(type(self).__init__)
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        names = {p.kind: name for name, p in signature.parameters.items()}
        given |= given.pop(names.get(inspect.Parameter.VAR_KEYWORD, ""), {})
        del given[next(iter(signature.parameters))]
        own = {key: value for key, value in given.items() if key not in _OF_ALL_LAYERS}
        for key, value in own.items():
            if not _is_plain(value):
                raise NotImplementedError(
                    f"Layer {self.name!r} ({type(self).__name__}) cannot be described: its argument {key!r} "
                    f"is {value!r:.100}, no plain data. Give the class a `get_config`"
                )
        taken = signature.parameters if inspect.Parameter.VAR_KEYWORD not in names else config
        return {key: value for key, value in config.items() if key in taken} | own

    # --- building -------------------------------------------------------------------------------------------
    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the weights.

        Args:
            input_shape: shape of the input, with the batch axis first.

        Raises:
            ValueError: if the layer cannot take such an input, or has weights for another one.
        """
        if not self._is_traced or type(self).weight_specs is not Layer.weight_specs:
            self._build(checked_shape(self.name, input_shape[1:]))
        self._built_for = tuple(input_shape)
        self.built = True

    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: Any = None,
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new weight of this layer.

        Args:
            shape: positive integers; () for a single number.
            initializer: name, object or function of the shape; None for Glorot's uniform distribution.
            dtype: only None or 'float32'.
            trainable: whether the optimizer may change it.
            autocast: has no effect, as `aggregation`.
            regularizer: name, object or function of the weight whose result is added to the loss, or None.
            constraint: name, object or function that gives the weight after each step, or None.
            overwrite_with_gradient: only False.
            name: None for an automatic one.

        Returns:
            The weight, to compute with in `call`.

        Raises:
            TypeError, ValueError: if an argument is wrong.
        """
        if isinstance(shape, str):  # the old order: name, shape
            raise TypeError(f"Layer {self.name!r}: add_weight takes the shape first; give `name` by name")
        self._reject(overwrite_with_gradient=overwrite_with_gradient or None)
        serialization.checked_dtype(dtype, f"add_weight of {self.name!r}")
        sizes = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if not all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes):
            raise ValueError(f"Layer {self.name!r}: a weight of shape {shape!r}; expected positive integers")
        variable = Variable(
            f"{self.name}/{self._weight_name(name)}",
            tuple(int(size) for size in sizes),
            registry.resolved("initializers", initializer or "glorot_uniform"),
            trainable,
            regularizer=registry.resolved("regularizers", regularizer),
            constraint=registry.resolved("constraints", constraint),
        )
        self._variables.append(variable)
        return variable

    def _weight_name(self, name: str | None) -> str:
        """A name that no other weight of this layer has."""
        wanted = checked_name(name) if name else "variable"
        taken = {variable.name for variable in self._variables}
        return next(
            free
            for free in (wanted, *(f"{wanted}_{i}" for i in range(1, len(taken) + 2)))
            if free not in taken
        )

    def add_loss(self, loss: Any) -> None:
        """Adds to the loss that training makes small; called in `call`.

        Args:
            loss: a symbol, whose sum over all its values, those of all samples included, is added; or a list
                of symbols.

        Raises:
            TypeError: if it is no symbol.
            RuntimeError: outside of `call`.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> class Small(keras.layers.Layer):
            ...     def call(self, x):
            ...         self.add_loss(0.5 * keras.ops.mean(keras.ops.square(x)))
            ...         return x
            >>> model = keras.Sequential([keras.Input((2,)), Small()])
            >>> model.compile("sgd", "mse")
            >>> model.evaluate(np.ones((3, 2)), np.ones((3, 2)), verbose=0)
            0.5
        """
        if self._losses is None:
            raise RuntimeError(
                f"Layer {self.name!r}: add_loss is called outside of `call`; give what the loss is made of "
                f"to a layer of your own, which adds the loss in its `call` and returns its input"
            )
        for item in loss if isinstance(loss, (list, tuple)) else [loss]:
            if not isinstance(item, KerasTensor):
                raise TypeError(f"Layer {self.name!r}: add_loss was given {item!r:.200}; expected a symbol")
            self._losses.append(whole_of(item))

    def _build(self, *shapes: tuple[int, ...]) -> None:
        if len(shapes) != 1:
            raise ValueError(f"Layer {self.name!r} takes one input, but was called on {len(shapes)}")
        (shape,) = shapes
        specs = self.weight_specs(shape)
        for spec in specs:
            if self.__dict__.get(spec.name) not in self._variables:
                variable = Variable(
                    f"{self.name}/{spec.name}", spec.shape, spec.initializer, spec.trainable,
                    regularizer=spec.regularizer, constraint=spec.constraint,
                )  # fmt: skip
                self._variables.append(variable)
                setattr(self, spec.name, variable)
        self.built = True
        for spec in specs:
            variable = getattr(self, spec.name)
            if variable.shape != spec.shape:
                raise ValueError(
                    f"Layer {self.name!r} has a {spec.name} of shape {variable.shape}, "
                    f"but an input of shape {(None, *shape)} needs {spec.shape}"
                )

    @property
    def losses(self) -> list[Any]:
        """What is added to the loss.

        First what the last call on arrays added by `add_loss` and by regularizers of outputs, Tensors inside
        a GradientTape; then the penalties of regularized weights that train, one number each.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> layer = keras.layers.ActivityRegularization(l1=0.5)
            >>> y = layer(np.ones((2, 4), np.float32))
            >>> [float(loss) for loss in layer.losses]
            [2.0]
        """
        added = [loss for leaf in self.leaves() for loss in leaf._added_losses]
        return [*added, *(v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None)]

    @property
    def may_add_losses(self) -> bool:
        """Whether a call can add to the loss."""
        return self._is_traced or self.activity_regularizer is not None

    def note_losses(self, losses: Sequence[tuple[int, Any]]) -> None:
        """Keeps what a call on arrays has added to the loss, with the leaves that have: -1 for itself."""
        if not losses and not self._has_noted:
            return
        leaves = self.leaves()
        for leaf in leaves:
            leaf.__dict__.pop("_added_losses", None)
        self._has_noted = bool(losses)
        for i, loss in losses:
            owner = self if i < 0 else leaves[i]
            owner._added_losses = (*owner._added_losses, loss)

    def forget_weights(self) -> None:
        """Goes back to before `build`, when the layer turns out not to fit into its model."""
        self._variables = []
        self.built = False

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output.

        Args:
            input_shape: shape of the input, with the batch axis first; a list of them for several.

        Returns:
            The shape of the output, with the batch axis first.

        Example:
            >>> import pycnn as keras
            >>> keras.layers.Conv2D(8, 3).compute_output_shape((None, 28, 28, 1))
            (None, 26, 26, 8)
        """
        several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
        shapes = input_shape if several else [input_shape]
        symbols = [KerasTensor((None, *checked_shape(self.name, shape[1:]))) for shape in shapes]
        fresh = not self.built
        with apart():
            output = self.call_on_symbols((symbols if several else symbols[0],), {}, record=False)
        if fresh:
            self.forget_weights()
        batch = shapes[0][0]
        return tree.transformed(lambda symbol: (batch, *symbol.sample_shape), output)

    # --- calling --------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's output: an array for an array, as in inference; a symbol for a symbol.

        Args:
            args: samples, the batch axis first; or what an `Input` or another layer returned; or several in a
                list or dict, where the layer takes them.
            kwargs: further arguments of `call`. `training`: whether it works as in training (dropout,
                statistics of the batch); None for: in `fit` it does, in `predict` it does not.

        Returns:
            A float32 array, or a symbol for `keras.Model`.

        Raises:
            TypeError, ValueError: if the layer cannot take the input.

        Example:
            >>> import pycnn as keras
            >>> keras.layers.Flatten()([[[1, 2], [3, 4]]])
            array([[1., 2., 3., 4.]], dtype=float32)
            >>> keras.layers.Flatten()(keras.Input((2, 2))).shape
            (None, 4)
        """
        leaves = tree.flatten((args, kwargs))
        if is_tracing() or any(isinstance(leaf, KerasTensor) for leaf in leaves):
            return self.call_on_symbols(args, kwargs)
        if recording.is_recording():
            return recording.call_layer(self, args, kwargs)
        if any(isinstance(leaf, Tensor) for leaf in leaves):
            outputs = self._call_on_arrays(recording.as_known(args), recording.as_known(kwargs))
            return tree.transformed(Tensor, outputs)
        return tree.transformed(answering, self._call_on_arrays(args, kwargs))

    def recorded_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call on symbols that belongs to no model."""
        return self.call_on_symbols(args, kwargs, record=False)

    def recorded_call_with_effects(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        value_of: Callable[[Variable], KerasTensor] | None = None,
    ) -> RecordedCall:
        """The same, and what it does besides; `value_of` gives the symbols of variables' values before it."""
        return with_effects(self, self.call_on_symbols(args, kwargs, record=False), value_of)

    def as_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the layer is called on, as arrays that the core takes."""
        return tuple(self._as_arrays(arg) for arg in args)

    @property
    def takes_further_axes(self) -> bool:
        """Whether it works on the last axes alone, or on each value, so that further axes may come before."""
        return False

    @property
    def _is_traced(self) -> bool:
        """Whether this is a layer of somebody's own, with a `call`."""
        return type(self).call is not Layer.call

    def _accepts_training(self) -> bool:
        return "training" in inspect.signature(self.call).parameters

    def _taken_apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool | None]:
        """args and kwargs of `call`, and `training`."""
        kwargs = dict(kwargs)
        training = kwargs.pop("training", None)
        if not self._is_traced:
            if len(args) == 2 and self.call_inputs:
                kwargs, args = {self.call_inputs[0]: args[1], **kwargs}, args[:1]
            elif len(args) == 2 and (args[1] is None or isinstance(args[1], bool)):
                training, args = args[1], args[:1]
            kwargs = {name: value for name, value in kwargs.items() if value is not None}
            if len(args) != 1 or not kwargs.keys() <= set(self.call_inputs):
                taken = "".join(f", `{name}`" for name in self.call_inputs)
                raise TypeError(
                    f"Layer {self.name!r} ({type(self).__name__}) takes its input{taken} and `training`; "
                    f"it was given {len(args)} inputs and {sorted(kwargs)}"
                )
        if training is not None and not isinstance(training, (bool, np.bool_, int)):
            raise TypeError(f"Layer {self.name!r}: training is {training!r}; expected True, False or None")
        return args, kwargs, None if training is None else bool(training)

    # On arrays
    def _call_on_arrays(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args, kwargs, training = self._taken_apart(args, kwargs)
        structure = (
            tuple(self._as_arrays(arg) for arg in args),
            {name: as_samples(name, kwargs.pop(name)) for name in self.call_inputs if name in kwargs},
        )
        arrays = [leaf for leaf in tree.flatten(structure) if isinstance(leaf, np.ndarray)]
        if len({len(array) for array in arrays}) > 1:
            raise ValueError(
                f"Layer {self.name!r} was given different numbers of samples: "
                f"{', '.join(str(len(array)) for array in arrays)}"
            )
        key = (tuple(array.shape[1:] for array in arrays), training, repr(kwargs))
        called = self._called  # which another thread may change
        if called is None or called[0] != key:
            called = self._called = (key, *self._program_for(structure, kwargs, training))
        _, program, outputs, owners = called
        found = program.run(arrays)
        count = len(found) - len(owners)
        self.note_losses(list(zip(owners, map(answering, found[count:]), strict=True)))
        values = iter(found)
        return tree.transformed(lambda axis: joined(next(values), axis), outputs)

    def _program_for(
        self, structure: Any, kwargs: dict[str, Any], training: bool | None
    ) -> tuple[Program, Any, list[int]]:
        """What computes a call; its outputs, as `axis_of_rows` of each; the leaves whose losses follow."""
        symbols: list[KerasTensor] = []

        def symbol_for(leaf: Any) -> Any:
            if not isinstance(leaf, np.ndarray):
                return leaf
            symbols.append(KerasTensor((None, *leaf.shape[1:]), name="input"))
            return symbols[-1]

        args, further = tree.transformed(symbol_for, structure)
        options = kwargs | further | {"training": training}
        outputs, losses, _ = self.recorded_call_with_effects(args, options)
        found = [*map(whole_of, tree.flatten(outputs)), *(loss for _, loss in losses)]
        program = Program(Function(symbols, found), training=training)
        return program, tree.transformed(axis_of_rows, outputs), [owner for owner, _ in losses]

    def _as_arrays(self, x: Any) -> Any:
        """Samples as the core takes them, in the structure in which they came."""
        if isinstance(x, dict):
            return {key: self._as_arrays(value) for key, value in x.items()}
        if self._takes_several(x):
            return [as_samples("x", item) for item in x]
        return as_samples("x", x)

    def _takes_several(self, x: Any) -> bool:
        """Whether x is a list of arrays, rather than one array written as a list."""
        return (
            isinstance(x, (list, tuple))
            and len(x) > 0
            and all(hasattr(item, "__array__") and np.ndim(item) > 1 for item in x)
            and self._is_traced
        )

    # On symbols
    def call_on_symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: bool = True) -> Any:
        """The symbols of the outputs; `record` for a call that may belong to a model."""
        if any(isinstance(x, Rows) for x in tree.flatten((args, kwargs))):
            call_on_rows.check(self, (args, kwargs))
            if not self._is_traced:
                return self.call_on_rows(args, kwargs, record)
        args, kwargs, training = self._taken_apart(args, kwargs)
        if self._is_traced:
            arguments = (args, kwargs)
            given = (whole_of(x) for x in tree.flatten(arguments) if isinstance(x, KerasTensor))
            inputs = list(dict.fromkeys(given))
        else:
            arguments = (args, kwargs)
            inputs = [*self._symbols(args[0]), *self._further_symbols(kwargs)]
        call = Node(self, inputs, (), arguments, training)
        fresh = not self.built
        try:
            if self.input_spec is not None:
                check_inputs(self.name, self.input_spec, inputs)
            self._ensure_built(arguments[0], inputs, arguments[1])
            if self.input_spec is not None and fresh:  # `build` may have said more
                check_inputs(self.name, self.input_spec, inputs)
            shapes, structure = self._inferred(call)
            self.check_mask(args, kwargs)
        except Exception:
            if fresh:
                self.forget_weights()
            raise
        symbols = [KerasTensor(shape) for shape in shapes]
        call.finish(symbols)
        if record and not is_tracing():
            self.note_call(call)
        if (trace := current_trace()) is not None:
            trace.calls.append(call)
        if structure is None:
            return symbols[0]
        made = iter(symbols)
        return tree.transformed(lambda leaf: like(leaf, next(made)), structure)

    def call_on_rows(self, args: tuple[Any, ...], kwargs: dict[str, Any], record: bool) -> Any:
        """The same of a layer without a `call` of one's own, where inputs are rows of all samples."""
        return call_on_rows.call(
            self, lambda given: self.call_on_symbols(given[0], given[1], record), (args, kwargs)
        )

    def _symbols(self, x: Any) -> list[KerasTensor]:
        """The input of a call on symbols; layers that take several override it."""
        if isinstance(x, (list, tuple)) and len(x) == 1:
            (x,) = x
        if isinstance(x, (list, tuple)) and any(isinstance(item, KerasTensor) for item in x):
            raise ValueError(f"Layer {self.name!r} takes one input, but was called on {len(x)}: {x}")
        return [as_symbol(x)]

    def _further_symbols(self, kwargs: dict[str, Any]) -> list[KerasTensor]:
        for name, value in kwargs.items():
            if not isinstance(value, KerasTensor):
                raise TypeError(
                    f"Layer {self.name!r} was called on a symbol, but {name} is {value!r:.200}; expected a "
                    f"symbol, too"
                )
        return list(kwargs.values())

    def _named_shapes(self, shapes: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of `build`: the first shape; or, of several, those of the arguments of `call`."""
        names = [
            name
            for name, parameter in inspect.signature(self.build).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        if len(names) == 1:
            return {names[0]: shapes[0]}
        given = inspect.signature(self.call).bind_partial(*shapes, **kwargs).arguments
        for name in names:
            if not name.endswith("_shape") or name[: -len("_shape")] not in given:
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}): `build` has an argument {name!r}; "
                    f"expected `input_shape` alone, or names of inputs of `call` with `_shape` at their end"
                )
        return {name: given[name[: -len("_shape")]] for name in names}

    def _ensure_built(
        self, args: tuple[Any, ...], inputs: Sequence[KerasTensor], kwargs: dict[str, Any] | None = None
    ) -> None:
        if not self._is_traced:
            self._build(*(checked_shape(self.name, symbol.sample_shape) for symbol in inputs))
        elif not self.built:
            shapes, kwargs = tree.transformed(_shape_or_none, (args, kwargs or {}))
            # Without a `build` of its own, a subclass of a layer of this package gets its weights from
            # `super().call`.
            if type(self).build is not Layer.build or type(self).weight_specs is Layer.weight_specs:
                with apart():
                    self.build(**self._named_shapes(shapes, kwargs))
            self.built = True

    def _inferred(self, call: Node) -> tuple[list[Shape], Any]:
        """The shapes of the outputs, and their structure; None for one output."""
        structure = None
        if self._is_traced:
            structure, function, losses = self._traced(call, False)
            outputs = function.outputs[: len(function.outputs) - losses]
            return [symbol.shape for symbol in outputs], structure
        graph = Blueprint()
        nodes = graph.call(call, [graph.stand_in(symbol) for symbol in call.inputs])
        shapes = [((None,) if graph.is_batched(n) else ()) + graph.shape(n) for n in nodes]
        return shapes, structure if len(shapes) == 1 else [None] * len(shapes)

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        """Adds a call to a graph, after `nodes`, one for each input; returns the nodes of its outputs."""
        graph.layers[id(self)] = self
        outputs = self._connected(graph, call, nodes)
        if self.activity_regularizer is not None:
            graph.penalties += [(self.activity_regularizer, node, self) for node in outputs]
        return outputs

    def _connected(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        if not self._is_traced:
            found = self.lower(graph, *nodes)
            return [found] if isinstance(found, int) else list(found)
        training = graph.phase() if self._accepts_training() else False
        _, function, losses = self._traced(call, training)
        shapes = [x.shape for x in function.outputs[: len(function.outputs) - losses]]
        if call.outputs and shapes != [x.shape for x in call.outputs]:
            raise ValueError(
                f"`call` of layer {self.name!r} returned shapes {shapes} "
                f"this time, and {[x.shape for x in call.outputs]} before"
            )
        found = function.lower(graph, nodes)
        outputs, added = found[: len(shapes)], found[len(shapes) :]
        graph.losses += [(node, self) for node in added]
        own = {id(variable) for variable in self._variables}
        for node, variable in graph.variables_of.items():
            if id(variable) in own:
                graph.trainable[node] = variable.trainable and not graph.is_frozen(self)
        return outputs

    def _traced(self, call: Node, training: bool) -> tuple[Any, Function, int]:
        """What `call` returns for symbols, the function that it is, and how many outputs are losses."""
        inner = {symbol: KerasTensor(symbol.shape, symbol.dtype, symbol.name) for symbol in call.inputs}
        args, kwargs = tree.transformed(
            lambda x: like(x, inner.get(whole_of(x), x)) if isinstance(x, KerasTensor) else x, call.arguments
        )
        if self._accepts_training():
            kwargs = kwargs | {"training": training if call.training is None else call.training}
        before, self._losses = self._losses, []
        trace = Trace(self)
        try:
            with tracing(trace):
                result = self.call(*args, **kwargs)
            losses = self._losses
        finally:
            self._losses = before
        leaves = tree.flatten(result)
        for leaf in leaves:
            if not isinstance(leaf, (KerasTensor, Variable)):
                raise TypeError(
                    f"`call` of layer {self.name!r} ({type(self).__name__}) returned {leaf!r:.200}; expected "
                    f"symbols, as layers and keras.ops return them. What NumPy computes goes into "
                    f"keras.layers.PythonStep"
                )
        inputs = [inner[symbol] for symbol in call.inputs]
        function = Function(inputs, [*(as_symbol(whole_of(leaf)) for leaf in leaves), *losses])
        if effects := trace.effects(function):
            function = Function(inputs, function.outputs, effects)
        alone = isinstance(result, (KerasTensor, Variable)) and not isinstance(result, Rows)
        return (None if alone else result), function, len(losses)

    def _native_call(self, x: Any) -> Any:
        """The layer as it is without a `call` of one's own: for subclasses of the layers of this package."""
        if any(isinstance(leaf, Rows) for leaf in tree.flatten(x)):
            return call_on_rows.call(self, self._native_call, x)
        inputs = [as_symbol(leaf) for leaf in tree.flatten(x)]
        if type(self).weight_specs is not Layer.weight_specs:
            self._build(*(symbol.sample_shape for symbol in inputs))
        call = Node(_Native(self), inputs, ())
        graph = Blueprint()
        nodes = graph.call(call, [graph.stand_in(symbol) for symbol in inputs])
        outputs = [KerasTensor(((None,) if graph.is_batched(n) else ()) + graph.shape(n)) for n in nodes]
        call.finish(outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def note_call(self, call: Node) -> None:
        """Remembers a call on symbols."""
        calls = self.__dict__.setdefault("_calls", [])
        if not calls:
            calls.append(call.call)
        else:  # what came before it may have come from this layer
            self.__dict__.setdefault("_later_calls", []).append(weakref.ref(call))

    def forget_call(self, call: Node) -> None:
        """Takes a call on symbols back, when the model that made it does not want it any longer."""
        later = self.__dict__.pop("_later_calls", [])
        nodes = [node for reference in later if (node := reference()) is not None and node is not call]
        if self._calls[0] is call.call:
            self._calls = []
        for node in nodes:
            self.note_call(node)

    # --- weights --------------------------------------------------------------------------------------------
    def sublayers(self) -> Iterator[Layer]:
        """The layers that are attributes of this one, alone or in lists and dicts."""
        for _, value in self.own_attributes():
            yield from (leaf for leaf in tree.flatten(value) if isinstance(leaf, Layer))

    def own_attributes(self) -> list[tuple[str, Any]]:
        """Attributes that may be or hold layers that nothing else counts."""
        return [(name, value) for name, value in self.__dict__.items() if name not in _NO_SUBLAYERS]

    @property
    def has_parts(self) -> bool:
        """Whether the layers inside are attributes."""
        return True

    def leaves(self) -> list[Layer]:
        """The layers that have weights of their own: this one, and those inside."""
        if not self._is_traced:
            return [self]
        return list(dict.fromkeys([self, *(leaf for layer in self.sublayers() for leaf in layer.leaves())]))

    @property
    def has_weights(self) -> bool:
        """Whether this kind of layer has weights, built or not."""
        return type(self).weight_specs is not Layer.weight_specs or self._is_traced

    @property
    def own_weights(self) -> list[Variable]:
        """The weights that are attributes or made by `add_weight`, those that train first."""
        found = [v for v in self.__dict__.values() if isinstance(v, Variable)]
        return sorted(dict.fromkeys([*self._variables, *found]), key=lambda v: not v.trainable)

    @property
    def weights(self) -> list[Variable]:
        """All weights, in Keras' order."""
        return list(dict.fromkeys(variable for leaf in self.leaves() for variable in leaf.own_weights))

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that the optimizer may change."""
        leaves = self.leaves()
        frozen = {v for leaf in leaves if not leaf.trainable for v in leaf.own_weights}
        found = dict.fromkeys(v for leaf in leaves if leaf.trainable for v in leaf.own_weights)
        return [v for v in found if v.trainable and v not in frozen]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the optimizer may change its weights. Takes effect at the next `compile`."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = self._trainable

    def get_weights(self) -> list[F32]:
        """Copies of all weights."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets all weights.

        Args:
            weights: arrays of the shapes that `get_weights` returns.

        Raises:
            ValueError: if their number or a shape differs; then nothing is changed.
        """
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet; call `build(input_shape)` first")
        variables = self.weights
        arrays = [as_float32("set_weights: an array", weight) for weight in weights]
        if len(arrays) != len(variables):
            raise ValueError(
                f"set_weights of {self.name!r} was given {len(arrays)} arrays, expected {len(variables)}: "
                f"{', '.join(f'{v.path} {v.shape}' for v in variables) or 'the layer has no weights'}"
            )
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"set_weights: {variable.path} has shape {variable.shape}, but was given {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Number of values in all weights.

        Raises:
            ValueError: if the weights do not exist yet.
        """
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet; call `build(input_shape)` first")
        return sum(variable.size for variable in self.weights)

    # --- shapes ---------------------------------------------------------------------------------------------
    @property
    def input(self) -> Any:
        """The symbol that it was called on first, in a model or by itself; AttributeError before."""
        inputs = self._first_call().inputs
        return inputs[0] if len(inputs) == 1 else list(inputs)

    @property
    def output(self) -> Any:
        """The symbol that its first call returned, several in a list; AttributeError before."""
        outputs = self._first_call().outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)

    @property
    def input_shape(self) -> Any:
        """Shape of `input`, or else of the array it was called on, None for the batch axis."""
        if not self._calls and self._called is not None:
            return _one_or_all([(None, *shape) for shape in self._called[1].input_shapes])
        return tree.transformed(lambda symbol: symbol.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """Shape of `output`, or else of the array that it returned, None for the batch axis."""
        if not self._calls and self._called is not None:
            return _one_or_all([(None, *shape) for shape in self._called[1].output_shapes])
        return tree.transformed(lambda symbol: symbol.shape, self.output)

    def _first_call(self) -> Node:
        if not self._calls:
            raise AttributeError(f"Layer {self.name!r} is not part of a model with a known input shape yet")
        return self._calls[0].node_of(self)

    # --- copies ---------------------------------------------------------------------------------------------
    def __getstate__(self) -> dict[str, Any]:
        """The attributes for `copy.deepcopy` and `pickle`: without the models it is part of."""
        return {name: value for name, value in self.__dict__.items() if name not in _OF_CALLS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"_calls": self.__dict__.get("_calls", []), "_called": None} | state)

    def __copy__(self) -> Any:
        """A copy with weights of its own, as Keras': layers that share weights are one layer called twice."""
        import copy

        return copy.deepcopy(self)

    # --- configuration --------------------------------------------------------------------------------------
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer from the dict that `get_config` returned."""
        return cls(**config)

    @property
    def saved_class(self) -> str:
        """The class's name in files, where weights are found by it."""
        return type(self).__name__

    def copied(self) -> Any:
        """The same layer with new weights, for `clone_model`."""
        copy = type(self).from_config(self.get_config())
        copy.name = self.name
        return copy

    def serialize(self) -> dict[str, Any]:
        """Class and configuration as plain data."""
        return serialization.serialize(self, "keras.layers")

    def _reject(self, **arguments: Any) -> None:
        """Arguments of Keras that must keep their default, None."""
        for name, value in arguments.items():
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` is not supported; expected None, not {value!r}"
                )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


# Arguments of every layer, which `Layer.get_config` describes or which say nothing about the layer's work.
_OF_ALL_LAYERS = {
    "name",
    "trainable",
    "dtype",
    "activity_regularizer",
    "input_shape",
    "input_dim",
    "autocast",
}


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


# Attributes that belong to calls.
_OF_CALLS = {"_calls", "_called", "_later_calls", "_taped", "_known_effects", "_added_losses", "_has_noted"}

# Attributes of layers and models that hold layers which are counted elsewhere.
_NO_SUBLAYERS = {*_OF_CALLS, "_losses", "_given", "_variables", "_layers", "_input_layers", "_operations"}


class _Native:
    """A layer of this package, called from a `call` that overrides it."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.name = layer.name

    def connect(self, graph: Blueprint, call: Node, nodes: Sequence[int]) -> Sequence[int]:
        graph.layers[id(self.layer)] = self.layer
        found = self.layer.lower(graph, *nodes)
        return [found] if isinstance(found, int) else list(found)


def _shape_or_none(x: Any) -> Any:
    return x.shape if isinstance(x, KerasTensor) else None


def _one_or_all(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items
