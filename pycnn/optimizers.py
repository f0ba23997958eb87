"""Optimizers, with Keras' names, defaults and formulas. The C++ core does the steps; these say which.

g is the gradient, a the learning rate, t the number of the step, counted from 1. With `weight_decay` every
step begins with w -= a * weight_decay * w, for all weights (decoupled: Loshchilov & Hutter 2019).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pycnn.core import serialization
from pycnn.core.arguments import as_number
from pycnn.core.names import auto_name, unknown

if TYPE_CHECKING:
    from pycnn._core import Network

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "serialize"]

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
        self._network: Network | None = None
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
        return 0 if self._network is None else self._network.iterations

    def options(self) -> dict[str, float]:
        """The settings that the core's `compile` takes."""
        return {} if not self.weight_decay else {"weight_decay": self.weight_decay}

    def bind(self, network: Network) -> None:
        """Counts `iterations` by this network from now on."""
        self._network = network

    def current_rate(self) -> float:
        """The learning rate of the next step."""
        if self.decay:
            return self._learning_rate / (1.0 + self.decay * self.iterations)
        return self._learning_rate

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


class SGD(Optimizer):
    """Gradient descent, optionally with momentum.

    Without momentum w -= a g; with it m = momentum * m - a g, then w += m, or w += momentum * m - a g
    (Nesterov). Sutskever et al. 2013.

    Args:
        learning_rate: a.
        momentum: in [0, 1].
        nesterov: whether the momentum is Nesterov's.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.SGD(0.1, momentum=0.9)
        <SGD learning_rate=0.1>
    """

    kind = "sgd"

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: None = None,
        clipvalue: None = None,
        global_clipnorm: None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= _given(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    def options(self) -> dict[str, float]:
        return super().options() | {"momentum": self.momentum, "nesterov": float(self.nesterov)}

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient. Tieleman & Hinton 2012.

    v = rho * v + (1 - rho) g^2; w -= a g / sqrt(v + epsilon). Centered: sqrt(v - mean^2 + epsilon), mean the
    running mean of g. With momentum: m = momentum * m + that step; w -= m.

    Args:
        learning_rate: a.
        rho: in [0, 1].
        momentum: in [0, 1].
        epsilon: at least 0.
        centered: whether the gradient's mean is subtracted.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.RMSprop()
        <RMSprop learning_rate=0.001>
    """

    kind = "rmsprop"

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: None = None,
        clipvalue: None = None,
        global_clipnorm: None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= _given(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        self.rho = self._number("rho", rho, 0.0, 1.0)
        self.momentum = self._number("momentum", momentum, 0.0, 1.0)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.centered = bool(centered)

    def options(self) -> dict[str, float]:
        return super().options() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": float(self.centered),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }


class Adam(Optimizer):
    """Steps from running means of the gradient and of its square. Kingma & Ba 2015.

    m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;
    w -= a sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon). amsgrad: the largest v so far
    instead of v.

    Args:
        learning_rate: a.
        beta_1: in [0, 1).
        beta_2: in [0, 1).
        epsilon: at least 0.
        amsgrad: whether the largest v so far is used. Reddi et al. 2018.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        kwargs: see `Optimizer`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> optimizer = keras.optimizers.Adam()
        >>> optimizer.learning_rate = 0.01
        >>> optimizer
        <Adam learning_rate=0.01>
    """

    kind = "adam"

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: None = None,
        clipvalue: None = None,
        global_clipnorm: None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= _given(clipnorm, clipvalue, global_clipnorm)
        super().__init__(learning_rate, weight_decay, name, **kwargs)
        below_one = math.nextafter(1.0, 0.0)
        self.beta_1 = self._number("beta_1", beta_1, 0.0, below_one)
        self.beta_2 = self._number("beta_2", beta_2, 0.0, below_one)
        self.epsilon = self._number("epsilon", epsilon, 0.0, math.inf)
        self.amsgrad = bool(amsgrad)

    def options(self) -> dict[str, float]:
        return super().options() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": float(self.amsgrad),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with a weight decay of 0.004 unless told otherwise. Loshchilov & Hutter 2019.

    Args:
        learning_rate: a.
        weight_decay: at least 0; None for 0.
        kwargs: as for `Adam`.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value, or is not supported.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.AdamW().weight_decay
        0.004
    """

    def __init__(
        self, learning_rate: float = 0.001, weight_decay: float | None = 0.004, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)


def _given(clipnorm: Any, clipvalue: Any, global_clipnorm: Any) -> dict[str, Any]:
    return {
        "clipnorm": clipnorm,
        "clipvalue": clipvalue,
        "global_clipnorm": global_clipnorm,
    }


_CLASSES: dict[str, type[Optimizer]] = {"SGD": SGD, "RMSprop": RMSprop, "Adam": Adam, "AdamW": AdamW}


def get(identifier: Any) -> Optimizer:
    """The optimizer for a name, a class, an object or a description of one.

    Args:
        identifier: for instance 'adam', 'Adam', Adam, Adam(0.01) or `serialize`'s dict.

    Returns:
        An optimizer.

    Raises:
        ValueError: if there is no such optimizer.

    Example:
        >>> import pycnn as keras
        >>> keras.optimizers.get("sgd")
        <SGD learning_rate=0.01>
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]
    for name, cls in _CLASSES.items():
        if isinstance(identifier, str) and identifier.lower() == name.lower():
            return cls()  # type: ignore[call-arg]
    raise unknown("optimizer", identifier, [name.lower() for name in _CLASSES])


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """A description of an optimizer, without its state, as plain data."""
    return serialization.serialize(optimizer, "keras.optimizers")


def deserialize(config: Any) -> Optimizer:
    """The optimizer that `serialize` described."""
    return serialization.deserialize(config, _CLASSES, "optimizer")  # type: ignore[no-any-return]
