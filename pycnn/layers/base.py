"""The base of all layers."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from pycnn import _policy, _serialization
from pycnn._core import Graph
from pycnn._names import auto_name
from pycnn._program import Program
from pycnn._variable import Variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pycnn._variable import Initializer

    F32: TypeAlias = NDArray[np.float32]
    Shape: TypeAlias = tuple[int | None, ...]


class WeightSpec(NamedTuple):
    """What a layer asks for: a weight's name, shape and initial values."""

    name: str
    shape: tuple[int, ...]
    initializer: Initializer
    trainable: bool = True


class KerasTensor:
    """Stands for the arrays that go into or come out of a layer: shape, dtype and name, no values.

    Args:
        shape: with the batch axis first, which is None.
        name: its name.
        layer: the input layer that made it, or None.
        dtype: of the data.
    """

    def __init__(
        self, shape: Shape, name: str | None = None, layer: Layer | None = None, dtype: str = "float32"
    ) -> None:
        self.shape = shape
        self.name = name or auto_name("KerasTensor")
        self.layer = layer
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """Number of axes, the batch axis included."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Layer(_policy.HasDTypePolicy):
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
        self.dtype_policy = _policy.policy_of(dtype, type(self).__name__)
        self.name = _checked_name(name) if name is not None else auto_name(type(self).__name__)
        self.built = False
        self._trainable = bool(trainable)
        self._variables: list[Variable] = []
        self._input_shape: tuple[int, ...] | None = None
        self._output_shape: tuple[int, ...] | None = None
        self._called: Program | None = None
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
            "dtype": _serialization.serialize(self.dtype_policy, "keras"),
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

    def _build(self, shape: tuple[int, ...]) -> None:
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

    def connect(self, graph: Graph, node: int) -> int:
        """Builds the layer for a node's shape and adds it to the graph."""
        shape = tuple(graph.shape(node))
        self._build(shape)
        node = self.lower(graph, node)
        self._input_shape, self._output_shape = shape, tuple(graph.shape(node))
        return node

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
        graph = Graph()
        return (input_shape[0], *graph.shape(self.lower(graph, graph.input(shape))))

    def __call__(self, x: ArrayLike, training: bool = False) -> F32:
        """The layer's output for an array, as in inference.

        Args:
            x: samples, the batch axis first.
            training: only False.

        Returns:
            A float32 array.

        Example:
            >>> import pycnn as keras
            >>> keras.layers.Flatten()([[[1, 2], [3, 4]]])
            array([[1., 2., 3., 4.]], dtype=float32)
        """
        if isinstance(x, KerasTensor):
            raise TypeError(
                f"Layer {self.name!r} was called on a symbolic Input; build models with Sequential([...])"
            )
        if training:
            raise ValueError(f"Layer {self.name!r}: training=True works in `fit` and `train_on_batch` only")
        from pycnn.models.data import as_samples

        samples = as_samples("x", x)
        if self._called is None or self._called.input_shape != samples.shape[1:]:
            self._called = Program([self], samples.shape[1:])
        return run(self._called, samples)

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
    def input_shape(self) -> Shape:
        """Shape of the input, None for the batch axis; AttributeError before the layer is in a model."""
        return self._connected(self._input_shape)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, None for the batch axis; AttributeError before the layer is in a model."""
        return self._connected(self._output_shape)

    @property
    def input(self) -> KerasTensor:
        """The symbol of its input."""
        return KerasTensor(self.input_shape)

    @property
    def output(self) -> KerasTensor:
        """The symbol of its output."""
        return KerasTensor(self.output_shape)

    def _connected(self, shape: tuple[int, ...] | None) -> Shape:
        if shape is None:
            raise AttributeError(f"Layer {self.name!r} is not part of a model with a known input shape yet")
        return (None, *shape)

    # --- configuration --------------------------------------------------------------------------------------
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer from the dict that `get_config` returned."""
        return cls(**config)

    def serialize(self) -> dict[str, Any]:
        """Class and configuration as plain data."""
        return _serialization.serialize(self, "keras.layers")

    def _reject(self, **arguments: Any) -> None:
        """Arguments of Keras that must keep their default, None."""
        for name, value in arguments.items():
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` is not supported; expected None, not {value!r}"
                )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def run(program: Program, x: NDArray[Any]) -> F32:
    """The output for samples that the core takes as they are."""
    program.claim()
    y = np.empty((len(x), *program.output_shape), np.float32)
    program.network.predict(x, y)
    return y


def checked_shape(owner: str, shape: Any) -> tuple[int, ...]:
    """The shape of one sample: positive integers."""
    message = (
        f"{owner}: {shape!r} is not the shape of a sample; expected positive integers such as (28, 28, 1)"
    )
    try:
        dims = tuple(operator.index(length) for length in ((shape,) if isinstance(shape, int) else shape))
    except TypeError:
        hint = (
            "; sizes that vary (None) are not supported"
            if isinstance(shape, Sequence) and None in shape
            else ""
        )
        raise ValueError(message + hint) from None
    if any(length < 1 for length in dims) or math.prod(dims) > 2**31:
        raise ValueError(message)
    return dims


def checked_data_format(owner: Layer, data_format: str | None) -> str:
    """'channels_last', the one format there is."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"{type(owner).__name__}: data_format {data_format!r} is not supported; expected 'channels_last'"
        )
    return "channels_last"


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"The `name` of a layer must be a string without '/'; received {name!r:.80}")
    return name


def plain(value: Any) -> Any:
    """Tuples as lists, NumPy numbers as Python's: what JSON gives back."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
