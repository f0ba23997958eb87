"""A fully connected layer along any axes, which an equation names."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pycnn import activations, constraints, initializers, regularizers
from pycnn.activations.operation import lower as lower_activation
from pycnn.core.arguments import checked_shape
from pycnn.core.layer import WeightSpec
from pycnn.initializers.scaling import VarianceScaling
from pycnn.layers.composed import Composed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint
    from pycnn.core.operations.value import Value
    from pycnn.core.variable import Variable


class _Plan(NamedTuple):
    """What an equation means for inputs of some number of axes: terms without '...', and sizes of letters."""

    input: str
    kernel: str
    output: str
    sizes: dict[str, int]

    def shape_of(self, letters: str) -> tuple[int, ...]:
        """The sizes of these letters."""
        return tuple(self.sizes[letter] for letter in letters)


class EinsumDense(Composed):
    """activation(einsum(equation, x, kernel) + bias).

    Args:
        equation: such as 'abc,cd->abd', 'ab...,bc->ac...' or '...b,bc->...c': letters for the axes of x, of
            the kernel and of the output. The batch axis comes first in x and in the output, and not in the
            kernel.
        output_shape: the sizes of the output's axes but the batch's and those that '...' stands for; None for
            a size that x has, too.
        activation: name, function, layer or None.
        bias_axes: letters of the output, along which the bias has values of its own; None for no bias.
        kernel_initializer: name or object.
        bias_initializer: name or object.
        kernel_regularizer: name, object or function, or None, as all regularizers and constraints.
        lora_rank: only None, as all lora and quantization arguments.
        kwargs: name, trainable, input_shape, activity_regularizer.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or does not fit the input.

    Example:
        >>> import pycnn as keras
        >>> layer = keras.layers.EinsumDense("ab,bc->ac", 1, kernel_initializer="ones")
        >>> layer([[1, 2, 3]])
        array([[6.]], dtype=float32)
    """

    kernel: Variable
    bias: Variable | None

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes: Any = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        checked_shape("EinsumDense: output_shape", [size for size in sizes if size is not None])
        self.equation = equation
        self.partial_output_shape: tuple[int | None, ...] = sizes
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._reject(
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        self._terms = _parsed(equation, bias_axes)
        if bias_axes is None:
            self.bias = None

    def _plan(self, input_shape: tuple[int, ...]) -> _Plan:
        """What the equation means for samples of this shape."""
        given, kernel, output = self._terms
        hidden = len(input_shape) + 1 - len(given.replace(".", ""))
        spare = [chr(code) for code in range(ord("A"), ord("z") + 1) if chr(code).isalpha()]
        spare = [letter for letter in spare if letter not in given + kernel + output]
        dots = "".join(spare[:hidden]) if "..." in given else ""
        if hidden < 0 or (hidden and not dots):
            raise ValueError(
                f"Layer {self.name!r}: equation {self.equation!r} does not fit an input of shape "
                f"{(None, *input_shape)}"
            )
        x, y = given.replace("...", dots), output.replace("...", dots)
        wanted: list[int | None] = list(self.partial_output_shape)
        if dots:  # sizes are given for the named axes only, but for the batch axis, which comes first
            named = [letter for letter in y if letter not in dots][0 if y[0] in dots else 1 :]
        else:
            named = list(y[1:])
        sizes = dict(zip(x[1:], input_shape, strict=True))
        if x[0] != y[0] or x[0] in kernel or len(named) != len(wanted):
            raise ValueError(
                f"Layer {self.name!r}: equation {self.equation!r} and output_shape "
                f"{self.partial_output_shape} do not fit an input of shape {(None, *input_shape)}; the batch "
                f"axis comes first in the input and the output, and not in the kernel, and every other axis "
                f"of the output that is named has a size"
            )
        for letter, size in zip(named, wanted, strict=True):
            if size is not None and sizes.setdefault(letter, size) != size:
                raise ValueError(
                    f"Layer {self.name!r}: axis {letter!r} of {self.equation!r} has size {sizes[letter]} in "
                    f"the input of shape {(None, *input_shape)} and {size} in output_shape"
                )
        missing = (set(kernel) | set(y[1:])) - set(sizes)
        if missing:
            raise ValueError(
                f"Layer {self.name!r}: the size of {', '.join(sorted(missing))} in {self.equation!r} follows "
                f"neither from the input nor from output_shape {self.partial_output_shape}"
            )
        return _Plan(x, kernel, y, sizes)

    def weight_specs(self, input_shape: tuple[int, ...]) -> list[WeightSpec]:
        plan = self._plan(input_shape)
        kernel = WeightSpec(
            "kernel", plan.shape_of(plan.kernel), self._initializer(plan), True, self.kernel_regularizer,
            self.kernel_constraint,
        )  # fmt: skip
        if self.bias_axes is None:
            return [kernel]
        first = min(plan.output.index(letter) for letter in self.bias_axes)
        shape = [plan.sizes[c] if c in self.bias_axes else 1 for c in plan.output[first:]]
        bias = WeightSpec(
            "bias", tuple(shape), self.bias_initializer, True, self.bias_regularizer, self.bias_constraint
        )
        return [kernel, bias]

    def _initializer(self, plan: _Plan) -> Any:
        """Where the variance depends on the numbers of inputs and outputs, these are the equation's."""
        if not isinstance(self.kernel_initializer, VarianceScaling):
            return self.kernel_initializer
        outputs = "".join(c for c in plan.kernel if c in plan.output)
        inputs = "".join(c for c in plan.kernel if c not in plan.output)

        def initialize(shape: tuple[int, ...]) -> NDArray[np.float32]:
            matrix = (math.prod(plan.shape_of(inputs)), math.prod(plan.shape_of(outputs)))
            values = self.kernel_initializer(matrix).reshape(plan.shape_of(inputs + outputs))
            return np.ascontiguousarray(values.transpose([(inputs + outputs).index(c) for c in plan.kernel]))

        return initialize

    def compute(self, ops: Any, x: Value) -> Value:
        plan = self._plan(x.sample)
        y: Value = ops.einsum(f"{plan.input},{plan.kernel}->{plan.output}", x, self.value_of(self.kernel, x))
        return y if self.bias is None else ops.add(y, self.value_of(self.bias, x))

    def lower(self, graph: Blueprint, *nodes: int) -> int:
        return lower_activation(self.activation, graph, super().lower(graph, *nodes), self.name)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }


def _parsed(equation: Any, bias_axes: Any) -> tuple[str, str, str]:
    """The three terms of an equation."""
    text = equation.replace(" ", "") if isinstance(equation, str) else ""
    for form in (r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]+)", r"(\.{3}[A-Za-z]+),([A-Za-z]+)->(\.{3}[A-Za-z]+)",
                 r"([A-Za-z]{2,}\.{3}),([A-Za-z]+)->([A-Za-z]+\.{3})"):  # fmt: skip
        found = re.fullmatch(form, text)
        if found:
            break
    else:
        raise ValueError(
            f"EinsumDense: equation is {equation!r}; expected '[X],[Y]->[Z]', '...[X],[Y]->...[Z]' or "
            f"'[X]...,[Y]->[Z]...' with letters"
        )
    given, kernel, output = found.groups()
    if any(letter not in given + kernel for letter in output) or any(
        letter not in given + output for letter in kernel
    ):
        raise ValueError(f"EinsumDense: equation is {equation!r}; a letter stands in one term only")
    if bias_axes is not None and (
        not isinstance(bias_axes, str) or not bias_axes or any(c not in output.strip(".") for c in bias_axes)
    ):
        raise ValueError(
            f"EinsumDense: bias_axes is {bias_axes!r}; expected letters of the output {output!r}"
        )
    return given, kernel, output
