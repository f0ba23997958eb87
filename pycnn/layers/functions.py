"""Functions as layers: traced ones, none, and ones that Python computes in the midst of a network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pycnn.core import custom_objects, serialization, tree
from pycnn.core.arguments import checked_shape
from pycnn.core.layer import Layer
from pycnn.core.symbolic import KerasTensor, as_symbol

if TYPE_CHECKING:
    from pycnn.core.blueprint import Blueprint


class Identity(Layer):
    """The input as it is.

    Args:
        kwargs: name, trainable, input_shape.

    Example:
        >>> import pycnn as keras
        >>> keras.layers.Identity()([[1, 2]])
        array([[1., 2.]], dtype=float32)
    """

    @property
    def takes_further_axes(self) -> bool:
        return True

    def lower(self, graph: Blueprint, node: int) -> int:
        return node


class _OfFunctions(Layer):
    """What holds functions of a program, which no file can bring."""

    def _functions(self) -> dict[str, Any]:
        """The constructor's arguments that are functions."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {name: _described(f) for name, f in self._functions().items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer; functions that it names are those that the program has made known."""
        config = {name: _known(value) for name, value in config.items()}
        if not callable(config.get("function", config.get("forward"))):
            raise ValueError(
                f"{cls.__name__} {config.get('name')!r:.80} holds functions, which a file cannot bring, as "
                f"nothing in a file is executed. Make the model in the program and call `load_weights`; or "
                f"make it a class with a `call`, registered by keras.saving.register_keras_serializable()"
            )
        return cls(**config)

    def copied(self) -> Any:
        """The same layer with new weights, for `clone_model`."""
        return type(self).from_config(self.get_config() | self._functions())


def _described(function: Any) -> Any:
    """A function of a name as plain data, by which `custom_objects` or the registration finds it again."""
    if function is None or not callable(function):
        return function
    name = getattr(function, "__name__", type(function).__name__)
    return serialization.serialize_function(function) if name.isidentifier() else name


def _known(value: Any) -> Any:
    """The function of a description, where the program has made it known; anything else as it is."""
    if not isinstance(value, Mapping) or value.get("class_name") != "function":
        return value
    name = value.get("config")
    found = custom_objects.found(name, value.get("registered_name")) if isinstance(name, str) else None
    return value if found is None else found


class Lambda(_OfFunctions):
    """A function of symbols as a layer, written with layers and `keras.ops`; traced, it runs in the core.

    Args:
        function: of the input (a symbol, or a list or dict of them), of `arguments` and, where it takes it,
            `training`.
        output_shape: the shape of a sample of the output, or a function that gives the whole shape, with the
            batch axis, for that of the input; to be checked. None for any.
        mask: only None.
        arguments: dict of further arguments of the function.
        kwargs: name, trainable, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value. A saved model with such a layer can
            be used in C++ and C, but `load_model` refuses it, unless the function has a name that
            `custom_objects` or keras.saving.register_keras_serializable() makes known.

    Example:
        >>> import pycnn as keras
        >>> square = keras.layers.Lambda(lambda x, shift: keras.ops.square(x) + shift, arguments={"shift": 1})
        >>> square([[1, 2]])
        array([[2., 5.]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: None = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda: function is {function!r:.200}; expected a function of symbols")
        self._reject(mask=mask)
        self.function = function
        self.arguments = dict(arguments or {})
        shape = (
            None if output_shape is None or callable(output_shape) else checked_shape("Lambda", output_shape)
        )
        self._output_shape = shape if shape is not None else output_shape

    def _wanted(self, inputs: Any) -> tuple[int, ...] | None:
        """The shape that a sample of the output shall have."""
        if not callable(self._output_shape):
            return self._output_shape
        shape = self._output_shape(tree.transformed(lambda x: x.shape, inputs))
        return checked_shape(f"Lambda {self.name!r}: output_shape", shape[1:])

    def call(self, inputs: Any, training: bool = False) -> Any:
        given = dict(self.arguments)
        if _takes(self.function, "training"):
            given["training"] = training
        result = self.function(inputs, **given)
        wanted = self._wanted(inputs)
        for leaf in tree.flatten(result):
            if wanted is not None and isinstance(leaf, KerasTensor) and leaf.sample_shape != wanted:
                raise ValueError(
                    f"Lambda {self.name!r}: the function returned {leaf.shape}; `output_shape` says "
                    f"{(None, *wanted)}"
                )
        return result

    @property
    def has_weights(self) -> bool:
        return False

    def _accepts_training(self) -> bool:
        return _takes(self.function, "training")

    def _functions(self) -> dict[str, Any]:
        shape = {"output_shape": self._output_shape} if callable(self._output_shape) else {}
        return {"function": self.function} | shape

    def get_config(self) -> dict[str, Any]:
        shape = {} if self._output_shape is None else {"output_shape": self._output_shape}
        return shape | super().get_config() | {"arguments": self.arguments}


class PythonStep(_OfFunctions):
    """A Python function of NumPy arrays in the midst of a network, beyond Keras: for what `keras.ops` lack.

    All other layers still run in the core. The functions are called once for each batch (in `predict`, for
    each of the parts in which it computes), on the thread that called the model; what they raise comes out of
    `fit`, `predict` and so on, and the step is not made. They get float32 arrays with the batch axis first.
    These are views of the network's memory: read them only, and only during the call; keep copies. They may
    call other models, but not the one that they are part of.

    Args:
        forward: forward(x) or forward(x, training) gives the output, an array of shape (n, *output_shape). x
            is the input, or a list of the inputs.
        backward: backward(x, y, dy) gives the gradient by x, of its shape; a list of them for several inputs,
            None for those that need none. y is the output, dy the gradient by it. None: gradients stop here.
        output_shape: the shape of a sample of the output; None for that of the (first) input.
        kwargs: name, input_shape.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value; a call on arrays of the wrong
            shape.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> sort = keras.layers.PythonStep(lambda x: np.sort(x, axis=-1))
        >>> sort([[3, 1, 2]])
        array([[1., 2., 3.]], dtype=float32)
        >>> double = keras.layers.PythonStep(lambda x: 2 * x, backward=lambda x, y, dy: 2 * dy)
        >>> dense = keras.layers.Dense(3)
        >>> model = keras.Sequential([keras.Input((3,)), dense, double, keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.fit(np.eye(3), np.ones(3), verbose=0).epoch
        [0]
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None = None,
        output_shape: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, function in (("forward", forward), ("backward", backward)):
            if not callable(function) and (name == "forward" or function is not None):
                raise TypeError(f"PythonStep: {name} is {function!r:.200}; expected a function of arrays")
        self.forward = forward
        self.backward = backward
        self._output_shape = None if output_shape is None else checked_shape("PythonStep", output_shape)

    def _symbols(self, x: Any) -> list[KerasTensor]:
        items = list(x) if isinstance(x, (list, tuple)) else [x]
        if not items:
            raise ValueError(f"Layer {self.name!r} was called on no inputs; expected at least one")
        return [as_symbol(item) for item in items]

    def _takes_several(self, x: Any) -> bool:
        return isinstance(x, (list, tuple)) and all(hasattr(item, "__array__") for item in x)

    def _build(self, *shapes: tuple[int, ...]) -> None:
        self.built = True

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        forward, backward = self.forward, self.backward
        single, takes_training = len(nodes) == 1, _takes(forward, "training", position=1)

        def run(arrays: Sequence[Any], training: bool) -> Any:
            x = arrays[0] if single else list(arrays)
            return forward(x, training) if takes_training else forward(x)

        def run_back(arrays: Sequence[Any], y: Any, dy: Any) -> Any:
            assert backward is not None
            found = backward(arrays[0] if single else list(arrays), y, dy)
            return [found] if single else found

        shape = graph.shape(nodes[0]) if self._output_shape is None else self._output_shape
        node: int = graph.host(
            list(nodes),
            shape=list(shape),
            forward=run,
            backward=run_back if backward else None,
            name=self.name,
        )
        return node

    def _functions(self) -> dict[str, Any]:
        return {"forward": self.forward, "backward": self.backward}

    def get_config(self) -> dict[str, Any]:
        shape = None if self._output_shape is None else list(self._output_shape)
        return super().get_config() | {"output_shape": shape}


def _takes(function: Callable[..., Any], name: str, position: int | None = None) -> bool:
    """Whether a function has a parameter of that name or, where it is positional, in that place."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        return False
    required = [
        p for p in parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]  # fmt: skip
    return name in parameters or (position is not None and len(required) > position)
