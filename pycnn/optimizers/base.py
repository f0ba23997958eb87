"""The base of the optimizers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from pycnn import _core
from pycnn.core.arguments import as_number
from pycnn.core.arrays import as_float32
from pycnn.core.names import auto_name
from pycnn.core.tensor import before_change
from pycnn.core.variable import Variable

# Keras' common arguments, with the one value each can have here.
_UNSUPPORTED: dict[str, Any] = {
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class Optimizer:
    """Base of the optimizers.

    Args:
        learning_rate: positive or zero; can be set during training.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: Keras' further arguments, with their default values only; `lr` and `decay` of old programs.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.
    """

    kind: ClassVar[str] = "none"  # the core's name of the formula

    def __init__(
        self, learning_rate: Any, weight_decay: float | None, name: str | None, **kwargs: Any
    ) -> None:
        if "lr" in kwargs:
            learning_rate = kwargs.pop("lr")
            warnings.warn("`lr` is now called `learning_rate`", DeprecationWarning, stacklevel=3)
        self.decay = 0.0
        if "decay" in kwargs:
            warnings.warn(
                "`decay` is outdated; pycnn still does it: learning_rate / (1 + decay * iterations)",
                DeprecationWarning,
                stacklevel=3,
            )
            self.decay = self._number("decay", kwargs.pop("decay"), 0.0, math.inf)
        for argument, value in kwargs.items():
            if argument not in _UNSUPPORTED:
                raise TypeError(f"{type(self).__name__} has no argument {argument!r}")
            if value != _UNSUPPORTED[argument]:
                raise ValueError(
                    f"{type(self).__name__}: `{argument}` is not supported; "
                    f"expected {_UNSUPPORTED[argument]!r}, not {value!r}"
                )
        self.name = name or auto_name(type(self).__name__)
        self._core: _core.Optimizer | None = None
        self._settings: dict[str, float] = {}  # that the core has
        self._variables: list[Variable] = []  # of `build`
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        if weight_decay is not None:
            self.weight_decay = self._number("weight_decay", weight_decay, 0.0, math.inf)

    @property
    def learning_rate(self) -> float:
        """The step size; setting it takes effect at the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._learning_rate = self._number("learning_rate", value, 0.0, math.inf)

    @property
    def iterations(self) -> int:
        """Number of steps done since `compile`."""
        return 0 if self._core is None else self._core.iterations

    def options(self) -> dict[str, float]:
        """The settings that the core's `compile` takes."""
        return {} if not self.weight_decay else {"weight_decay": self.weight_decay}

    @property
    def has_begun(self) -> bool:
        """Whether it trains a model already."""
        return self._core is not None

    def core(self) -> _core.Optimizer:
        """What does the steps, with the settings as they are now; its state is this optimizer's alone."""
        settings = self.options()
        if self._core is None:
            self._core = _core.Optimizer(self.kind, settings)
        elif settings != self._settings:
            self._core.configure(self.kind, settings)
        self._settings = settings
        return self._core

    def current_rate(self) -> float:
        """The learning rate of the next step, to which all settings are brought up to date."""
        self.core()
        if self.decay:
            return self._learning_rate / (1.0 + self.decay * self.iterations)
        return self._learning_rate

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """One step by gradients that the caller brings, of all variables at once.

        Args:
            grads_and_vars: pairs (gradient, variable); pairs whose gradient is None are left out.

        Raises:
            TypeError, ValueError: if there is no gradient, a shape is wrong, or a variable comes twice.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="zeros")
            >>> dense.build((None, 2))
            >>> keras.optimizers.SGD(0.5).apply_gradients([(np.ones((2, 1)), dense.kernel)])
            >>> dense.kernel.numpy().tolist()
            [[-0.5], [-0.5]]
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        for pair in pairs:
            if len(pair) != 2 or not isinstance(pair[1], Variable):
                raise TypeError(f"apply_gradients: {pair!r:.200} is no pair of a gradient and a variable")
        self._apply([pair[0] for pair in pairs], [pair[1] for pair in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """The same with gradients and variables in two lists.

        Args:
            grads: gradients, None for those that there are not.
            trainable_variables: one for each gradient; None for those of `build`.

        Raises:
            TypeError, ValueError: as in `apply_gradients`, or if the lists have different lengths.
        """
        variables = self._variables if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"apply: there are {len(grads)} gradients for {len(variables)} variables")
        self._apply(list(grads), variables)

    def build(self, variables: Sequence[Variable]) -> None:
        """Sets the variables for `apply` without any.

        Args:
            variables: to train.
        """
        self._variables = list(variables)

    def _apply(self, gradients: list[Any], variables: list[Variable]) -> None:
        given = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        if not given:
            raise ValueError("No gradients provided for any variable.")
        if len(given) < len(variables):
            missing = [v.path for g, v in zip(gradients, variables, strict=True) if g is None]
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss.", stacklevel=3
            )
        arrays = [as_float32(f"The gradient by {v.path}", g) for g, v in given]
        for array, (_, variable) in zip(arrays, given, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"The gradient by {variable.path} has shape {array.shape}; expected {variable.shape}"
                )
        before_change()
        rate = self.current_rate()
        self.core().apply([variable.initialized() for _, variable in given], arrays, rate)
        for _, variable in given:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        config = {"name": self.name, "learning_rate": self._learning_rate, "weight_decay": self.weight_decay}
        config |= _UNSUPPORTED
        return config | ({"decay": self.decay} if self.decay else {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new optimizer from the dict that `get_config` returned."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return cls(**config)

    def _number(self, name: str, value: object, low: float, high: float) -> float:
        number = as_number(f"{type(self).__name__}: {name}", value)
        if not low <= number <= high:
            limits = f"at least {low:g}" if high == math.inf else f"a number from {low:g} to {high:g}"
            raise ValueError(f"{type(self).__name__}: {name} is {number}; expected {limits}")
        return number

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self._learning_rate}>"


def clipping(clipnorm: Any, clipvalue: Any, global_clipnorm: Any) -> dict[str, Any]:
    """Keras' arguments that limit the gradient, by name."""
    return {
        "clipnorm": clipnorm,
        "clipvalue": clipvalue,
        "global_clipnorm": global_clipnorm,
    }
