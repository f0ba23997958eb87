"""The base of the optimizers."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32
from pycnn.core.names import auto_name
from pycnn.core.tensor import before_change
from pycnn.core.variable import Variable
from pycnn.optimizers import schedules
from pycnn.optimizers.gradients import GradientStep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F32: TypeAlias = NDArray[np.float32]


class Optimizer:
    """Base of the optimizers.

    Of clipnorm, clipvalue and global_clipnorm only one can be given; they limit gradients before the step,
    after accumulation. `model.on_gradients` sees the gradients before that.

    Args:
        learning_rate: positive or zero, or a schedule of `keras.optimizers.schedules`, or a function of the
            number of steps done. A number can be set during training.
        weight_decay: at least 0; None for 0.
        name: None for an automatic one.
        clipnorm: each weight's gradient is scaled down to this norm at most; None or 0 for no limit.
        clipvalue: each value of a gradient is cut to [-clipvalue, clipvalue]; None or 0 for no limit.
        global_clipnorm: all gradients together are scaled down to this norm at most; None or 0 for no limit.
        use_ema: whether a moving average of the weights is kept: m * average + (1 - m) * weights after each
            step, where m is `ema_momentum`. At the end of `fit` the weights become it.
        ema_momentum: in [0, 1].
        ema_overwrite_frequency: the weights become their average every so many steps, too; None for never.
        loss_scale_factor: has no effect: gradients are float32 and would be divided by it again.
        gradient_accumulation_steps: at least 2: so many batches' gradients are averaged for one step; None
            for a step for each batch.
        kwargs: `lr` and `decay` of old programs.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.
    """

    kind: ClassVar[str] = "none"  # the core's name of the formula
    # The order of what is kept for weights in Keras' files: names of one tuple take turns, weight by weight,
    # and the next tuple begins when all weights have had theirs. What the settings leave out is not there.
    saved_slots: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None,
        name: str | None,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        **kwargs: Any,
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
        for argument in kwargs:
            raise TypeError(f"{type(self).__name__} has no argument {argument!r}")
        given = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in given.values()) > 1:
            raise ValueError(
                f"Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={clipnorm}, "
                f"clipvalue={clipvalue}, global_clipnorm={global_clipnorm}"
            )
        self.clipnorm = self._number_or_none("clipnorm", clipnorm, 0.0)
        self.clipvalue = self._number_or_none("clipvalue", clipvalue, 0.0)
        self.global_clipnorm = self._number_or_none("global_clipnorm", global_clipnorm, 0.0)
        self.use_ema = bool(use_ema)
        self.ema_momentum = self._number("ema_momentum", ema_momentum, 0.0, 1.0)
        self.ema_overwrite_frequency = self._count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.loss_scale_factor = self._number_or_none(
            "loss_scale_factor", loss_scale_factor, math.nextafter(0.0, 1.0)
        )
        self.gradient_accumulation_steps = self._count(
            "gradient_accumulation_steps", gradient_accumulation_steps, 2
        )
        self.name = name or auto_name(type(self).__name__)
        self._core: _core.Optimizer | None = None
        self._settings: dict[str, float] = {}  # that the core has
        self._variables: list[Variable] = []  # of `build`
        self._kept: dict[str, dict[Variable, F32]] = {}
        self.accumulated = 0  # batches whose gradients wait for the next step
        self._learning_rate: Any = None
        self.learning_rate = learning_rate
        self.weight_decay = self._number_or_none("weight_decay", weight_decay, 0.0)

    # --- the learning rate ----------------------------------------------------------------------------------
    @property
    def learning_rate(self) -> float:
        """The size of the next step, when setting it takes effect; what follows a schedule cannot be set."""
        if not callable(self._learning_rate):
            return self._learning_rate  # type: ignore[no-any-return]
        step = self.iterations * (self.gradient_accumulation_steps or 1) + self.accumulated
        rate = self._learning_rate(step) if self._takes_step else self._learning_rate()
        return self._number("learning_rate", float(rate), 0.0, math.inf)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):
            self._takes_step = _takes_argument(value)
            self._learning_rate = value
            return
        number = self._number("learning_rate", value, 0.0, math.inf)
        if callable(self._learning_rate):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` or a function as its "
                "`learning_rate`, hence "
                "its learning rate is not settable. If you need it to be settable, create the optimizer "
                "with a number."
            )
        self._learning_rate = number

    @property
    def follows_schedule(self) -> bool:
        """Whether the learning rate is a schedule or a function, and cannot be set."""
        return callable(self._learning_rate)

    # --- what is kept for weights ---------------------------------------------------------------------------
    @property
    def changes_gradients(self) -> bool:
        """Whether it does more than steps from the gradients as they are."""
        return bool(
            self.clipnorm
            or self.clipvalue
            or self.global_clipnorm
            or self.use_ema
            or self.gradient_accumulation_steps
        )

    def kept_names(self) -> list[str]:
        """Names of the arrays that it keeps for each weight, beside the core's."""
        names = ["average"] if self.use_ema else []
        return names + (["accumulator"] if self.gradient_accumulation_steps else [])

    def kept(self, name: str, variable: Variable) -> F32:
        """A weight's 'average', or the 'accumulator' of its gradients: of its shape, zeros at first."""
        arrays = self._kept.setdefault(name, {})
        if variable not in arrays:
            arrays[variable] = np.zeros(variable.shape, np.float32)
        return arrays[variable]

    def saved_state(self, variables: Sequence[Variable]) -> list[tuple[str, F32]]:
        """What Keras' files hold after the count of steps and the learning rate: names and views, in order.

        Args:
            variables: that it trains, in the model's order.
        """
        core = self.core()
        kept = [(name,) for name in self.kept_names()]
        slots = [tuple(name for name in names if name in core.slot_names) for names in self.saved_slots]
        return [
            (
                f"{variable.path.replace('/', '_')}_{_SAVED_NAMES.get(name, name)}",
                self.kept(name, variable) if names in kept else core.state(variable.core, name),
            )
            for names in [*kept, *slots]
            for variable in variables
            for name in names
        ]

    def note_accumulation(self) -> int:
        """Counts the gradients of one more batch; returns how many there are."""
        self.accumulated += 1
        return self.accumulated

    def begin_accumulation(self) -> None:
        """After a step."""
        self.accumulated = 0

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """With `use_ema`, sets weights to their moving averages, as `fit` does at its end.

        Args:
            var_list: weights; those without an average stay.
        """
        averages = self._kept.get("average", {}) if self.use_ema else {}
        for variable in var_list:
            if variable in averages:
                variable.assign(averages[variable])

    # --- steps ----------------------------------------------------------------------------------------------
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
        rate = self.learning_rate
        return rate / (1.0 + self.decay * self.iterations) if self.decay else rate

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
        if self.changes_gradients:
            arrays = [np.array(array) for array in arrays]  # which the step overwrites
        core, changed = self.core(), [variable for _, variable in given]
        GradientStep(
            self,
            changed,
            arrays,
            lambda rate: core.apply([variable.initialized() for variable in changed], arrays, rate),
        ).apply()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        rate = self._learning_rate
        config = {
            "name": self.name,
            "learning_rate": schedules.serialize(rate) if callable(rate) else rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }
        return config | ({"decay": self.decay} if self.decay else {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new optimizer from the dict that `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, Mapping):
            config = config | {"learning_rate": schedules.deserialize(rate)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return cls(**config)

    def _number(self, name: str, value: object, low: float, high: float) -> float:
        number = as_number(f"{type(self).__name__}: {name}", value)
        if not low <= number <= high:
            limits = f"at least {low:g}" if high == math.inf else f"a number from {low:g} to {high:g}"
            raise ValueError(f"{type(self).__name__}: {name} is {number}; expected {limits}")
        return number

    def _number_or_none(self, name: str, value: object, low: float) -> float | None:
        return None if value is None else self._number(name, value, low, math.inf)

    def _count(self, name: str, value: Any, minimum: int) -> int | None:
        return None if value is None else as_int(f"{type(self).__name__}: {name}", value, minimum)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self._learning_rate}>"


_SAVED_NAMES = {"accumulator": "gradient_accumulator"}


def _takes_argument(function: Any) -> bool:
    """Whether a learning rate is a function of the step; Keras' functions have no argument."""
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        pass
    return True


def clipping(clipnorm: Any, clipvalue: Any, global_clipnorm: Any) -> dict[str, Any]:
    """Keras' arguments that limit the gradient, by name."""
    return {
        "clipnorm": clipnorm,
        "clipvalue": clipvalue,
        "global_clipnorm": global_clipnorm,
    }
