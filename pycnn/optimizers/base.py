"""The base of the optimizers."""

from __future__ import annotations

import inspect
import math
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pycnn import _core
from pycnn.core.arguments import as_int, as_number
from pycnn.core.arrays import as_float32
from pycnn.core.names import auto_name
from pycnn.core.tensor import before_change
from pycnn.core.variable import Variable
from pycnn.optimizers import copies, schedules
from pycnn.optimizers.gradients import GradientStep
from pycnn.optimizers.live import LiveInteger, LiveNumber
from pycnn.optimizers.state import OptimizerState


class Optimizer(OptimizerState):
    """Base of the optimizers.

    Of clipnorm, clipvalue and global_clipnorm only one can be given; they limit gradients before the step,
    after accumulation. `model.on_gradients` sees the gradients before that.

    An optimizer of one's own overrides `build`, which makes its variables, and `update_step`, as in Keras;
    `update_step` computes with arrays.

    Args:
        learning_rate: positive or zero, or a schedule of `keras.optimizers.schedules`, or a function of the
            number of steps done. A number can be set during training.
        weight_decay: at least 0; None for 0.
        clipnorm: each weight's gradient is scaled down to this norm at most; None or 0 for no limit.
        clipvalue: each value of a gradient is cut to [-clipvalue, clipvalue]; None or 0 for no limit.
        global_clipnorm: all gradients together are scaled down to this norm at most; None or 0 for no limit.
        use_ema: whether a moving average of the weights is kept: m * average + (1 - m) * weights after each
            step, where m is `ema_momentum`. At the end of `fit` the weights become it.
        ema_momentum: in [0, 1].
        ema_overwrite_frequency: the weights become their average every so many steps, too; None for never.
        loss_scale_factor: has no effect in `fit`, whose gradients are float32 and are not scaled. `apply`
            divides gradients by it: those of a loss that `scale_loss` made larger.
        gradient_accumulation_steps: at least 2: so many batches' gradients are averaged for one step; None
            for a step for each batch.
        name: None for an automatic one.
        kwargs: `lr` and `decay` of old programs.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or value.

    Example:
        >>> import pycnn as keras
        >>> class Signs(keras.optimizers.Optimizer):
        ...     def update_step(self, gradient, variable, learning_rate):
        ...         self.assign_sub(variable, learning_rate * keras.ops.sign(gradient))
        >>> dense = keras.layers.Dense(1, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((2,)), dense])
        >>> model.compile(Signs(0.5), "mse")
        >>> _ = model.fit([[1.0, -1.0]], [1.0], verbose=0)
        >>> dense.kernel.numpy().tolist()
        [[0.5], [-0.5]]
    """

    kind: ClassVar[str] = "none"  # the core's name of the formula
    settings: ClassVar[tuple[str, ...]] = ()  # attributes that are the formula's, and in the configuration

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        super().__init__()
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
        self._followed: weakref.WeakSet[Variable] = weakref.WeakSet()
        self._learning_rate: Any = None
        self.learning_rate = learning_rate
        self.weight_decay = self._number_or_none("weight_decay", weight_decay, 0.0)

    # --- the learning rate ----------------------------------------------------------------------------------
    @property
    def learning_rate(self) -> Any:
        """The size of the next step, when setting it takes effect; what follows a schedule cannot be set.

        A number has `assign` and `numpy`, as a variable of Keras; it is always the present one.
        """
        return self._rate() if callable(self._learning_rate) else self._live_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):
            self._takes_step = _takes_argument(value)
            self._learning_rate = value
            return
        number = self._number("learning_rate", _item(value), 0.0, math.inf)
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

    # --- copies ---------------------------------------------------------------------------------------------
    def follow(self, variables: Iterable[Variable]) -> None:
        """Notes weights that its steps change, so that copies have the state that it keeps for them."""
        self._followed.update(variables)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes for `copy.deepcopy` and `pickle`, with the core's state as arrays."""
        return copies.state_of(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        copies.restore(self, state)

    def __copy__(self) -> Any:
        import copy

        return copy.deepcopy(self)

    @property
    def lr(self) -> Any:
        """The name of `learning_rate` in old programs."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def _live_rate(self) -> LiveNumber:
        def write(value: Any) -> None:
            self.learning_rate = value

        return LiveNumber("learning_rate", self._rate, write)

    def _rate(self) -> float:
        if not callable(self._learning_rate):
            return self._learning_rate  # type: ignore[no-any-return]
        step = self._steps * (self.gradient_accumulation_steps or 1) + self.accumulated
        rate = self._learning_rate(step) if self._takes_step else self._learning_rate()
        return self._number("learning_rate", float(rate), 0.0, math.inf)

    # --- what is done beside the formula --------------------------------------------------------------------
    @property
    def changes_gradients(self) -> bool:
        """Whether it does more than the core's steps from the gradients as they are."""
        return bool(
            self.clipnorm
            or self.clipvalue
            or self.global_clipnorm
            or self.use_ema
            or self.gradient_accumulation_steps
            or self.has_own_formula
            or self.has_own_apply
        )

    @property
    def has_own_formula(self) -> bool:
        """Whether `update_step` makes its steps, and not the core."""
        return type(self).update_step is not Optimizer.update_step

    @property
    def has_own_apply(self) -> bool:
        """Whether a subclass overrides `apply`, through which all its steps then go."""
        return type(self).apply is not Optimizer.apply

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

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`, whose gradients `apply` divides by it again."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # --- steps ----------------------------------------------------------------------------------------------
    @property
    def iterations(self) -> LiveInteger:
        """Number of steps done; has `assign` and `numpy`, as a variable of Keras."""

        def write(value: Any) -> None:
            self.iterations = value

        return LiveInteger("iteration", lambda: self._steps, write, "int32")

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self.core().iterations = as_int(f"{type(self).__name__}: iterations", _item(value), 0)

    def options(self) -> dict[str, float]:
        """The settings that the core takes."""
        found = {name: float(getattr(self, name)) for name in self.settings} if self.kind != "none" else {}
        decays = self.weight_decay and not self.has_own_formula
        return found | ({"weight_decay": float(self.weight_decay or 0)} if decays else {})

    def core(self) -> _core.Optimizer:
        """What does the steps, with the settings as they are now; its state is this optimizer's alone."""
        settings = self.options()
        if self.kind == "none" and not self.has_own_formula:
            raise NotImplementedError(f"{type(self).__name__} has no `update_step`")
        if self._core is None:
            self._core = _core.Optimizer(self.kind, settings)
        elif settings != self._settings:
            self._core.configure(self.kind, settings)
        self._settings = settings
        return self._core

    def current_rate(self) -> float:
        """The learning rate of the next step, to which all settings are brought up to date."""
        self.core()
        rate = self._rate()
        return rate / (1.0 + self.decay * self._steps) if self.decay else rate

    @property
    def has_one_rate(self) -> bool:
        """Whether the next steps have the same learning rate, as long as nobody sets another."""
        return not callable(self._learning_rate) and not self.decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable: the formula, which optimizers of one's own override.

        Args:
            gradient: an array of the variable's shape.
            variable: to change.
            learning_rate: a number.
        """
        if self.kind == "none":
            raise NotImplementedError(f"{type(self).__name__} has no `update_step`")
        core, done = self.core(), self._steps
        gradient = as_float32(f"The gradient by {variable.path}", gradient)
        core.apply([variable.initialized()], [gradient], float(learning_rate))
        core.iterations = done  # it is counted once for all variables

    def make_steps(
        self, gradients: Sequence[Any], variables: Sequence[Variable], learning_rate: float
    ) -> None:
        """One step by `update_step`, of all variables."""
        for variable in variables:
            self._get_variable_index(variable)
        self._apply_weight_decay(variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            self.update_step(np.array(gradient), variable, learning_rate)
        self.core().iterations = self._steps + 1

    def _apply_weight_decay(self, variables: Sequence[Variable]) -> None:
        """Makes weights smaller before a step by `update_step`."""
        if self.weight_decay:
            share = np.float32(self.current_rate() * self.weight_decay)
            for variable in variables:
                if self._use_weight_decay(variable):
                    variable.assign(variable.value - share * variable.value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> LiveInteger:
        """One step by gradients that the caller brings, of all variables at once.

        Args:
            grads_and_vars: pairs (gradient, variable); pairs whose gradient is None are left out.

        Returns:
            `iterations`.

        Raises:
            TypeError, ValueError: if there is no gradient, a shape is wrong, or a variable comes twice.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1, kernel_initializer="zeros")
            >>> dense.build((None, 2))
            >>> keras.optimizers.SGD(0.5).apply_gradients([(np.ones((2, 1)), dense.kernel)])
            1
            >>> dense.kernel.numpy().tolist()
            [[-0.5], [-0.5]]
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        for pair in pairs:
            if len(pair) != 2 or not isinstance(pair[1], Variable):
                raise TypeError(f"apply_gradients: {pair!r:.200} is no pair of a gradient and a variable")
        self.apply([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        return self.iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """The same with gradients and variables in two lists.

        Args:
            grads: gradients, None for those that there are not.
            trainable_variables: one for each gradient; None for those of `build`.

        Raises:
            TypeError, ValueError: as in `apply_gradients`, or if the lists have different lengths.
        """
        variables = self._trained if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"apply: there are {len(grads)} gradients for {len(variables)} variables")
        gradients = list(grads)
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
        self.prepare(variables)
        if self.loss_scale_factor is not None:
            arrays = [array / np.float32(self.loss_scale_factor) for array in arrays]
        elif self.changes_gradients:
            arrays = [np.array(array) for array in arrays]  # which the step overwrites
        core, changed = self.core(), [variable for _, variable in given]
        self.follow(changed)
        GradientStep(
            self,
            changed,
            arrays,
            lambda rate: core.apply([variable.initialized() for variable in changed], arrays, rate),
        ).apply()

    # --- as plain data --------------------------------------------------------------------------------------
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
        } | {name: getattr(self, name) for name in self.settings}
        return config | ({"decay": self.decay} if self.decay else {})

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """A new optimizer from the dict that `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, Mapping):
            config = config | {"learning_rate": schedules.deserialize(rate, custom_objects)}
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

    def _below_one(self, name: str, value: object) -> float:
        return self._number(name, value, 0.0, math.nextafter(1.0, 0.0))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self._learning_rate}>"


def _item(value: Any) -> Any:
    """The number in an array without axes, or in a variable."""
    return np.asarray(value).item() if hasattr(value, "__array__") and np.shape(value) == () else value


def _takes_argument(function: Callable[..., Any]) -> bool:
    """Whether a learning rate is a function of the step; Keras' functions have no argument."""
    try:
        inspect.signature(function).bind(0)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        pass
    return True
