"""The base of all layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn.core import policy, serialization
from pycnn.core.arguments import checked_name, checked_shape
from pycnn.core.arrays import as_samples
from pycnn.core.names import auto_name
from pycnn.core.program import Blueprint, Program, run
from pycnn.core.symbolic import KerasTensor, Node, is_symbolic
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycnn._core import Graph
    from pycnn.core.variable import Initializer

    F32: TypeAlias = NDArray[np.float32]
    Shape: TypeAlias = tuple[int | None, ...]


class WeightSpec(NamedTuple):
    """What a layer asks for: a weight's name, shape and initial values."""

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    trainable: bool = True


class Layer(policy.HasDTypePolicy):
    """One step of a network.

    A subclass says in `weight_specs` which weights it needs for an input shape, and in `lower` which nodes of
    the core's graph it is. Everything else is here.

    Args:
        trainable: whether the optimizer may change its weights.
        dtype: None for the global policy, or one: 'float32' or 'mixed_bfloat16' (see DTypePolicy).
        name: None for an automatic one (`conv2d`, `conv2d_1`, ...).
        input_shape: for the first layer of a model without an Input: the shape of one sample.
        input_dim: the same for samples of one axis, as an integer.
        batch_input_shape: the same with the batch axis first.
        activity_regularizer: only None.
        autocast: has no effect, as arrays between layers are float32.
    """

    def __init__(
        self,
        *,
        trainable: bool = True,
        dtype: Any = None,
        name: str | None = None,
        input_shape: Sequence[int] | None = None,
        input_dim: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        activity_regularizer: None = None,
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
        self._calls: list[Node] = []  # on symbols
        self._called: Program | None = None  # for arrays
        self._reject(activity_regularizer=activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = checked_shape(self.name, batch_input_shape[1:])
        self.requested_input_shape = None if input_shape is None else checked_shape(self.name, input_shape)

    # --- what a subclass defines ----------------------------------------------------------------------------
    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        """The weights for samples of this shape; ValueError where the layer cannot take them."""
        return []

    def lower(self, graph: Graph, node: int) -> int:
        """Adds the layer to a graph, behind `node`, and returns the node of its output."""
        raise NotImplementedError(f"{type(self).__name__} is no layer that the C++ core can run")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, in Keras' form."""
        return {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": serialization.serialize(self.dtype_policy, "keras"),
        }

    # --- building -------------------------------------------------------------------------------------------
    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the weights.

        Args:
            input_shape: shape of the input, with the batch axis first.

        Raises:
            ValueError: if the layer cannot take such an input, or has weights for another one.
        """
        self._build(checked_shape(self.name, input_shape[1:]))

    def _build(self, *shapes: tuple[int, ...]) -> None:
        (shape,) = shapes
        specs = self.weight_specs(shape)
        if not self.built:
            for spec in specs:
                variable = Variable(f"{self.name}/{spec.name}", spec.shape, spec.initializer, spec.trainable)
                self._variables.append(variable)
                setattr(self, spec.name, variable)
            self.built = True
        for variable, spec in zip(self._variables, specs, strict=True):
            if variable.shape != spec.shape:
                raise ValueError(
                    f"Layer {self.name!r} has a {spec.name} of shape {variable.shape}, "
                    f"but an input of shape {(None, *shape)} needs {spec.shape}"
                )

    def forget_weights(self) -> None:
        """Goes back to before `build`, when the layer turns out not to fit into its model."""
        self._variables = []
        self.built = False

    def connect(self, graph: Blueprint, nodes: Sequence[int]) -> int:
        """Adds the layer to a graph behind `nodes`, one for each input; returns the node of its output."""
        return graph.add_layer(self, nodes)

    def _shape_behind(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The output's shape for inputs of these shapes."""
        graph = Blueprint()
        return graph.shape(self.connect(graph, [graph.input(shape) for shape in shapes]))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Shape:
        """The shape of the output.

        Args:
            input_shape: shape of the input, with the batch axis first.

        Returns:
            The shape of the output, with the batch axis first.

        Example:
            >>> import pycnn as keras
            >>> keras.layers.Conv2D(8, 3).compute_output_shape((None, 28, 28, 1))
            (None, 26, 26, 8)
        """
        shape = checked_shape(self.name, input_shape[1:])
        self.weight_specs(shape)
        return (input_shape[0], *self._shape_behind(shape))

    # --- calling --------------------------------------------------------------------------------------------
    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """The layer's output: an array for an array, as in inference; a symbol for a symbol.

        Args:
            x: samples, the batch axis first; or what an `Input` or another layer returned.
            training: only None or, for arrays, False. `fit` trains, `predict` does not.

        Returns:
            A float32 array, or a symbol for `keras.Model`.

        Raises:
            TypeError, ValueError: if the layer cannot take x.

        Example:
            >>> import pycnn as keras
            >>> keras.layers.Flatten()([[[1, 2], [3, 4]]])
            array([[1., 2., 3., 4.]], dtype=float32)
            >>> keras.layers.Flatten()(keras.Input((2, 2))).shape
            (None, 4)
        """
        if is_symbolic(x):
            if training is not None:
                raise ValueError(
                    f"Layer {self.name!r}: training={training!r} is not supported on symbols: `fit` trains, "
                    f"`predict` does not, and `trainable = False` keeps a layer in inference mode"
                )
            return self._call_on_symbols(self._symbols(x))
        if training:
            raise ValueError(f"Layer {self.name!r}: training=True works in `fit` and `train_on_batch` only")
        return self._call_on_arrays(x)

    def _call_on_arrays(self, x: Any) -> F32:
        samples = as_samples("x", x)
        if self._called is None or self._called.input_shape != samples.shape[1:]:
            self._build(samples.shape[1:])
            self._called = Program(self, samples.shape[1:])
        return run(self._called, samples)

    def _symbols(self, x: Any) -> tuple[KerasTensor, ...]:
        """The inputs of a call on symbols."""
        if not isinstance(x, KerasTensor) and len(x) == 1:
            (x,) = x
        if not isinstance(x, KerasTensor):
            raise ValueError(f"Layer {self.name!r} takes one input, but was called on {len(x)}: {x}")
        return (x,)

    def _call_on_symbols(self, inputs: tuple[KerasTensor, ...]) -> KerasTensor:
        shapes = [checked_shape(self.name, tensor.shape[1:]) for tensor in inputs]
        fresh = not self.built
        try:
            self._build(*shapes)
            shape = self._shape_behind(*shapes)
        except Exception:
            if fresh:
                self.forget_weights()
            raise
        output = KerasTensor((None, *shape))
        self._calls.append(Node(self, inputs, output))
        return output

    def forget_call(self, call: Node) -> None:
        """Takes a call on symbols back, when the model that made it does not want it any longer."""
        self._calls.remove(call)

    # --- weights --------------------------------------------------------------------------------------------
    def leaves(self) -> list[Layer]:
        """The layers that have weights of their own: this one, or those inside a model."""
        return [self]

    @property
    def has_weights(self) -> bool:
        """Whether this kind of layer has weights, built or not."""
        return type(self).weight_specs is not Layer.weight_specs

    @property
    def weights(self) -> list[Variable]:
        """All weights, in Keras' order."""
        return list(self._variables)

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that the optimizer may change."""
        return [v for leaf in self.leaves() if leaf.trainable for v in leaf.weights if v.trainable]

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
        arrays = [np.asarray(weight, np.float32) for weight in weights]
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
    def output(self) -> KerasTensor:
        """The symbol that its first call returned; AttributeError before."""
        return self._first_call().output

    @property
    def input_shape(self) -> Any:
        """Shape of `input`, or else of the array it was called on, None for the batch axis."""
        if not self._calls and self._called is not None:
            return (None, *self._called.input_shape)
        found = self.input
        return [tensor.shape for tensor in found] if isinstance(found, list) else found.shape

    @property
    def output_shape(self) -> Shape:
        """Shape of `output`, or else of the array that it returned, None for the batch axis."""
        if not self._calls and self._called is not None:
            return (None, *self._called.output_shape)
        return self.output.shape

    def _first_call(self) -> Node:
        if not self._calls:
            raise AttributeError(f"Layer {self.name!r} is not part of a model with a known input shape yet")
        return self._calls[0]

    # --- configuration --------------------------------------------------------------------------------------
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer from the dict that `get_config` returned."""
        return cls(**config)

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
