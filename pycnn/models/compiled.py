"""What a model is trained for: optimizer, loss and metrics."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from pycnn import optimizers
from pycnn.callbacks import History
from pycnn.core import tree
from pycnn.core.arguments import as_int
from pycnn.core.program import Program
from pycnn.core.tensor import before_reading
from pycnn.models.feeding import Feeder, first_item
from pycnn.models.objective import Objective
from pycnn.models.own_steps import CompiledLoss, CompiledMetrics, loss_tracker, metrics_in
from pycnn.models.predictor import Predictor, default_step

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from pycnn.core.function import Function


class Compiled(Predictor):
    """What `compile` sets up."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._objective: Objective | None = None
        self._trained: Program | None = None
        self._loss_tracker = loss_tracker()
        self._last_loss: Any = None  # that `compute_loss` returned
        self.stop_training = False
        # Called with the gradients of all weights, one flat float32 array, before each step of the optimizer;
        # what it writes there is what the step takes. All-reduce them here to train with several processes.
        self.on_gradients: Callable[[NDArray[np.float32]], Any] | None = None
        self._record: Any = None
        self._returned: weakref.ref[History] | None = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how to train. A new optimizer starts without a past.

        Which layers are `trainable` is looked at now: a later change waits for the next `compile`.

        Args:
            optimizer: name or object.
            loss: name, function of `keras.losses`, object, or a function f(y_true, y_pred) written with
                `keras.ops`; for several outputs a list, or a dict by the outputs' names. One that mixes the
                samples of a batch (all pairs of them, say) is recorded by a GradientTape for each batch.
            loss_weights: factors of the outputs' losses, as a list or dict; None for 1.
            metrics: names, objects or functions f(y_true, y_pred); for several outputs a list of such lists,
                or a dict.
            weighted_metrics: likewise those that sample and class weights count for.
            run_eagerly: has no effect, as the three that follow.

        Raises:
            ValueError: if a name is unknown, an argument is not supported, or a loss or a metric does not
                fit the output's shape.

        Example:
            >>> import pycnn as keras
            >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
            >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        """
        steps = as_int("compile: steps_per_execution", steps_per_execution, 1)
        objective = Objective(
            optimizer, loss, loss_weights, metrics, weighted_metrics, self.output_names, self.leaves()
        )
        if self._is_ready():
            objective.resolve(list(self._ends().outputs.values()))
        self.run_eagerly, self.jit_compile = bool(run_eagerly), jit_compile
        self.steps_per_execution = steps
        self._objective = objective
        self._trained = None  # made for the next data

    @property
    def history(self) -> History | None:
        """What the last `fit` returned, None before."""
        found = None if self._returned is None else self._returned()
        if found is None and self._record is not None:
            found = self.history = History.resumed(self, self._record)
        return found

    @history.setter
    def history(self, history: History | None) -> None:
        # A History has the model, so that the model has no more than a weak reference to it.
        self._returned = None if history is None else weakref.ref(history)
        self._record = None if history is None else history.record

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

    def optimizer_in_use(self, begin: bool = False) -> optimizers.Optimizer | None:
        """The optimizer given to `compile`; None where it has not begun, unless it shall."""
        optimizer = None if self._objective is None else self._objective.optimizer
        return optimizer if optimizer is not None and (begin or optimizer.has_begun) else None

    @property
    def loss(self) -> Any:
        """The loss given to `compile`, as an object."""
        return None if self._objective is None else self._objective.loss

    @property
    def metrics(self) -> list[Any]:
        """The metrics that are attributes, and those given to `compile` once the output's shape is known.

        Where the model has a `train_step` of its own, the mean of its losses is the first one.
        """
        found = metrics_in(value for name, value in self.__dict__.items() if name != "_loss_tracker")
        if self._objective is None:
            return found
        own = self.has_own_loss or (self.has_own_steps and self._objective.has_loss)
        tracker = [self._loss_tracker] if own else []
        return [*tracker, *found, *self._objective.metrics]

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns."""
        return [] if self._objective is None else list(self._objective.names)

    # --- for steps of one's own -----------------------------------------------------------------------------
    @property
    def has_own_steps(self) -> bool:
        """Whether it trains or is tested with steps of its own."""
        return self.overrides("train_step") or self.overrides("test_step") or self.has_own_loss

    @property
    def has_own_loss(self) -> bool:
        """Whether `compute_loss` or `compute_metrics` is its own: then `train_step` calls them."""
        return self.overrides("compute_loss") or self.overrides("compute_metrics")

    def runs_own(self, step: str) -> bool:
        """Whether `train_step` or `test_step` is more than what the core does by itself."""
        return self.overrides(step) or self.has_own_loss

    @property
    def compiled_loss(self) -> CompiledLoss:
        """The losses given to `compile`: a function of y_true, y_pred and sample_weight."""
        return CompiledLoss(self._compiled(), lambda: self.losses)

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        """The metrics given to `compile`, with one `update_state` for all."""
        return CompiledMetrics(self._compiled())

    @default_step
    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """What a `train_step` makes small: the losses given to `compile`, and `losses` of the model.

        Args:
            x: samples, for subclasses that override it.
            y: targets.
            y_pred: predictions.
            sample_weight: (n,) weights in the loss.
            training: for subclasses that override it.

        Returns:
            One number: a Tensor inside a GradientTape.

        Raises:
            ValueError: if there is no loss.
        """
        loss = self.compiled_loss(y, y_pred, sample_weight)
        if self.has_own_steps:
            self._last_loss = loss
        return loss

    @default_step
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, float]:
        """Adds a batch to the metrics given to `compile`, and the last loss to its mean.

        Args:
            x: samples, for subclasses that override it.
            y: targets.
            y_pred: predictions.
            sample_weight: (n,) weights.

        Returns:
            The results of all metrics by name.
        """
        if self._last_loss is not None:
            self.track_loss(self._last_loss, len(tree.flatten(y_pred)[0]))
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def track_loss(self, loss: Any, samples: int) -> None:
        """Adds the loss of a batch to the mean of an epoch."""
        self._loss_tracker.update_state(loss, samples)
        self._last_loss = None

    def get_metrics_result(self) -> dict[str, float]:
        """The results of all metrics by name."""
        return {metric.name: metric.result() for metric in self.metrics}

    def reset_metrics(self) -> None:
        """Lets all metrics begin anew."""
        for metric in self.metrics:
            metric.reset_state()

    def _compiled(self) -> Objective:
        if self._objective is None:
            raise ValueError("You must call `compile()` before using the model.")
        return self._objective

    # --- what is trained ------------------------------------------------------------------------------------
    def _start(self, x: Any, y: Any) -> tuple[Any, Program | None, Feeder]:
        """x, the program that trains on such data, and what makes the data into batches.

        There is no program where a loss mixes the samples of a batch: `whole_batches` has the steps then.
        """
        objective = self._compiled()
        before_reading()
        if x is None:
            raise ValueError("`x` is missing; expected samples")
        needs_data = not self._is_ready() or any(goal.reads_targets for goal in objective.goals)
        if needs_data:
            samples, targets, x = first_item(x, y)
            if samples is None:
                raise ValueError("`x` has no batches; expected at least one")
            self._make_ready(samples)
        feeder = Feeder(self._ends(), objective)
        objective.resolve(list(self._ends().outputs.values()))
        if needs_data:
            found = feeder.targets(targets)
            shapes = list(self._ends().outputs.values())
            objective.look_at(found, shapes)
            if objective.expect(found, shapes):
                self._trained = None
        if objective.mixes_samples:
            objective.begin_whole()
            return x, None, feeder
        return x, self._program_to_train(), feeder

    def _program_to_train(self) -> Program:
        if self._trained is None:
            self._trained = Program(self._function(), self._objective)
        return self._trained

    def _function(self) -> Function:
        """What the model computes, once its inputs are known."""
        raise NotImplementedError

    def _make_ready(self, x: Any) -> None:
        """Finds out about shapes from data, where they are not known."""
        raise NotImplementedError

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: those of the layers that make them."""
        raise NotImplementedError

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` as plain data, None before it."""
        return None if self._objective is None else self._objective.get_config()

    def compile_like(self, other: Compiled) -> None:
        """Compiles as another model was; nothing where that is not, or one has a `compile` of its own."""
        if other._objective is not None and type(self).compile is type(other).compile is Compiled.compile:
            self.compile(**other._objective.copied())

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with what `get_compile_config` returned."""
        names = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
        given: dict[str, Any] = {name: config.get(name) for name in names}
        self.compile(**given)
