"""What a model is trained for: optimizer, loss and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycnn import optimizers
from pycnn.core.arrays import as_samples
from pycnn.core.program import Program
from pycnn.models.feeding import first_samples
from pycnn.models.objective import Objective
from pycnn.models.predictor import Predictor

if TYPE_CHECKING:
    from pycnn.callbacks import History


class Compiled(Predictor):
    """What `compile` sets up."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._objective: Objective | None = None
        self._bound: Program | None = None
        self.stop_training = False
        self.history: History | None = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: None = None,
        metrics: Any = None,
        weighted_metrics: None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how to train. A new optimizer starts without a past.

        Args:
            optimizer: name or object.
            loss: name, function of `keras.losses` or object.
            loss_weights: only None.
            metrics: names or objects, all of one kind of accuracy.
            weighted_metrics: only None.
            run_eagerly: has no effect, as the three that follow.

        Raises:
            ValueError: if a name is unknown, an argument is not supported, or the loss or a metric does not
                fit the output's shape.

        Example:
            >>> import pycnn as keras
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
            >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        """
        for name, value in (("loss_weights", loss_weights), ("weighted_metrics", weighted_metrics)):
            if value is not None:
                raise ValueError(f"compile: `{name}` is not supported; expected None, not {value!r}")
        objective = Objective(optimizer, loss, metrics)
        shape = self._known_output_shape()
        if shape is not None:
            objective.resolve(shape)
        same = self._objective is not None and self._objective.optimizer is objective.optimizer
        if not same or self._program is None or not self._program.is_current():
            self._program = None  # made anew for the next data, with the weights as they are
        self._objective = objective
        self._bound = None

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._objective is not None

    @property
    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer given to `compile`; AttributeError before."""
        if self._objective is None:
            raise AttributeError(f"Model {self.name!r} has no optimizer before `compile`")
        return self._objective.optimizer

    @property
    def loss(self) -> Any:
        """The loss given to `compile`, as an object."""
        return None if self._objective is None else self._objective.loss

    @property
    def metrics(self) -> list[Any]:
        """The metrics given to `compile`, as objects, once the output's shape is known."""
        return [] if self._objective is None else list(self._objective.metrics)

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns."""
        return [] if self._objective is None else list(self._objective.names)

    def _start(self, x: Any) -> tuple[Any, Program, Objective]:
        """x, and the program for its samples, compiled and in possession of the weights."""
        objective = self._objective
        if objective is None:
            raise ValueError("You must call `compile()` before using the model.")
        if x is None:
            raise ValueError("`x` is missing; expected samples")
        samples = None
        if not self._is_ready():
            samples, x = first_samples(x)
            if samples is None:
                raise ValueError("`x` has no batches; expected at least one")
            samples = as_samples("x", samples)
        program = self._ready(samples)
        if self._bound is not program:
            objective.bind(program.network)
            self._bound = program
        program.claim()
        return x, program, objective

    def optimizer_program(self, create: bool = False) -> Program | None:
        """The program that has the optimizer's state; None before the first step, unless `create`."""
        if create and self._objective is not None and self._bound is None:
            self._bound = self._ready(None)
            self._objective.bind(self._bound.network)
        return self._bound

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain data, None before it."""
        return None if self._objective is None else self._objective.get_config()

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what `get_compile_config` returned."""
        self.compile(config.get("optimizer"), config.get("loss"), metrics=config.get("metrics"))
