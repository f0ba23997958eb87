"""What `compile` was told, and what that means for a model's outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn import losses, metrics, optimizers
from pycnn.core.arrays import as_labels, as_samples, as_targets
from pycnn.core.function import Function, tracing
from pycnn.core.symbolic import KerasTensor, as_symbol
from pycnn.losses.base import smoothed
from pycnn.models.structure import by_output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.core.blueprint import Blueprint
    from pycnn.core.layer import Layer

_SPARSE = "sparse_categorical_crossentropy"


class OutputGoal:
    """Loss, its weight, and metrics of one output.

    Args:
        name: of the output.
        loss: name, function, object or None.
        weight: of the loss in the sum that is minimized.
        entries: names, functions or objects of metrics.
    """

    def __init__(self, name: str, loss: Any, weight: float, entries: Sequence[Any]) -> None:
        self.name = name
        self.loss = _checked_loss(loss)
        self.weight = float(weight)
        self.entries = list(entries)
        # Names of the automatic kind wait for the output's shape; all others are checked now.
        self._fixed = [None if _is_automatic(entry) else metrics.get(entry) for entry in self.entries]
        self.metrics: list[metrics.Metric] = []
        self.names = [_key(entry, metric) for entry, metric in zip(self.entries, self._fixed, strict=True)]

    @property
    def is_traced(self) -> bool:
        """Whether the loss is a function of one's own, for which the network reads the targets."""
        return self.loss is not None and self.loss.kind is None

    @property
    def reads_targets(self) -> bool:
        """Whether the network needs the targets as an input: for functions of one's own."""
        return self.is_traced or any(metric.is_traced for metric in self.metrics)

    def resolve(self, shape: tuple[int, ...]) -> None:
        """Fixes the metrics for an output of this shape; ValueError if the loss or a metric does not fit."""
        kind = None if self.loss is None else self.loss.kind
        if shape[-1:] == (1,) and kind in (_SPARSE, "categorical_crossentropy"):
            raise ValueError(
                f"The loss {kind} needs at least two classes, but the output has shape {(None, *shape)}; use "
                f"'binary_crossentropy', or Dense(classes)"
            )
        self.metrics = [
            self._automatic(entry, shape) if metric is None else metric
            for entry, metric in zip(self.entries, self._fixed, strict=True)
        ]
        for metric in self.metrics:
            self._check(metric)

    def _automatic(self, name: str, shape: tuple[int, ...]) -> metrics.Metric:
        """The accuracy that 'accuracy' or 'acc' means."""
        if shape[-1:] == (1,):
            return metrics.BinaryAccuracy(name)
        if self.loss is not None and self.loss.kind == _SPARSE:
            return metrics.SparseCategoricalAccuracy(name)
        return metrics.CategoricalAccuracy(name)

    def _check(self, metric: metrics.Metric) -> None:
        """ValueError where a metric does not fit the loss."""
        if not metric.is_counted and not metric.is_traced:
            raise ValueError(
                f"Metric {metric.name!r} cannot be computed in training; expected an accuracy, or a function "
                f"of y_true and y_pred"
            )
        if self.loss is None or self.is_traced or metric.is_traced:
            return
        if metric.kind == "binary_accuracy" and self.loss.label_smoothing:
            raise ValueError(
                f"Metric {metric.name!r} counts equal labels, of which label_smoothing leaves none; "
                "use the metric on `predict`'s output"
            )
        if (metric.kind == "sparse_categorical_accuracy") != (self.loss.kind == _SPARSE):
            raise ValueError(f"Metric {metric.name!r} ({metric.kind}) does not fit the loss {self.loss.kind}")

    def targets(self, name: str, y: Any, shape: tuple[int, ...]) -> NDArray[Any] | None:
        """y as the core's steps take it: int32 class numbers, or float32 targets."""
        if self.loss is None and not self.metrics:
            return None
        if y is None:
            raise ValueError(f"`{name}` is missing; expected the targets of the samples")
        kind = None if self.loss is None else self.loss.kind
        if kind == _SPARSE or (
            kind is None and any(m.kind == "sparse_categorical_accuracy" for m in self.metrics)
        ):
            return as_labels(name, y, shape, shape[-1])
        if kind is None:
            return (
                as_samples(name, np.asarray(y)[..., None])[..., 0] if np.ndim(y) == 1 else as_samples(name, y)
            )
        targets = as_targets(name, y, shape)
        if kind != "mean_squared_error" and targets.size and (targets.min() < 0 or targets.max() > 1):
            raise ValueError(
                f"`{name}` has values from {targets.min():g} to {targets.max():g}, "
                f"but {kind} expects targets from 0 to 1"
            )
        assert self.loss is not None
        return smoothed(kind, targets, self.loss.label_smoothing)


class Objective:
    """Optimizer, losses and metrics of a model; what a `Program` is trained for.

    Args:
        optimizer: name or object.
        loss, loss_weights, metrics_: one for all outputs, lists or dicts by the outputs' names.
        outputs: names of the outputs.
        layers: of the model, whose `trainable` counts as it is now.
    """

    def __init__(
        self,
        optimizer: Any,
        loss: Any,
        loss_weights: Any,
        metrics_: Any,
        outputs: Sequence[str],
        layers: Sequence[Layer],
    ) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.frozen = frozenset(id(layer) for layer in layers if not layer.trainable)
        self._given = {"loss": loss, "loss_weights": loss_weights, "metrics": metrics_}
        several = len(outputs) > 1
        if not several and isinstance(loss, (list, tuple)) and len(loss) == 1:
            loss = loss[0]
        weights = [1.0 if w is None else w for w in by_output("loss_weights", loss_weights, outputs, 1.0)]
        self.goals = [
            OutputGoal(name, *settings)
            for name, *settings in zip(
                outputs,
                by_output("loss", loss, outputs),
                weights,
                _metrics_by_output(metrics_, outputs),
                strict=True,
            )
        ]
        self.names = ["loss"]
        if several:
            self.names += [f"{goal.name}_loss" for goal in self.goals if goal.loss is not None]
        for goal in self.goals:
            self.names += [f"{goal.name}_{name}" if several else name for name in goal.names]
        self._penalties = 0
        self._target_shapes: dict[int, tuple[int, ...]] = {}

    @property
    def loss(self) -> Any:
        """The loss, or a list of them."""
        found = [goal.loss for goal in self.goals]
        return found[0] if len(found) == 1 else found

    @property
    def has_loss(self) -> bool:
        """Whether there is something to make small."""
        return any(goal.loss is not None for goal in self.goals)

    @property
    def metrics(self) -> list[metrics.Metric]:
        """All metrics, once the outputs' shapes are known."""
        return [metric for goal in self.goals for metric in goal.metrics]

    def resolve(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Fixes the metrics for outputs of these shapes.

        Raises:
            ValueError: if a loss or a metric does not fit.
        """
        for goal, shape in zip(self.goals, shapes, strict=True):
            goal.resolve(shape)

    # --- the core's side ------------------------------------------------------------------------------------
    def expect(self, targets: Sequence[NDArray[Any] | None]) -> bool:
        """Tells the shapes of targets that functions of one's own will get; whether they are new."""
        shapes = {
            i: y.shape[1:]
            for i, (goal, y) in enumerate(zip(self.goals, targets, strict=True))
            if y is not None and goal.reads_targets
        }
        fresh = shapes != self._target_shapes
        self._target_shapes = shapes
        return fresh

    def read_targets(self) -> list[int]:
        """Numbers of the outputs whose targets are inputs of the network."""
        return sorted(self._target_shapes)

    def bind(self, graph: Blueprint, outputs: Sequence[int]) -> dict[str, Any]:
        """Adds losses and metrics of one's own to a graph; returns the arguments of `Network.compile`."""
        if all(goal.loss is None for goal in self.goals):
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        self.resolve([graph.shape(node) for node in outputs])
        given = {
            i: graph.input(self._target_shapes[i], name=f"y_{self.goals[i].name}")
            for i in self.read_targets()
        }
        loss_terms, metric_terms = [], []
        for i, (goal, node) in enumerate(zip(self.goals, outputs, strict=True)):
            if goal.loss is not None:
                if goal.loss.kind is None:
                    value = _traced(goal.loss.call, graph, given[i], node, f"The loss {goal.loss.name!r}")
                    loss_terms.append((value, "value", False, goal.weight, i))
                else:
                    loss_terms.append((node, goal.loss.kind, goal.loss.from_logits, goal.weight, i))
            for metric in goal.metrics:
                if metric.is_traced:
                    value = _traced(metric.function, graph, given[i], node, f"The metric {metric.name!r}")
                    metric_terms.append((value, "value", 0.5, i))
                elif metric.kind is not None:
                    metric_terms.append((node, metric.kind, getattr(metric, "threshold", 0.5), i))
        penalties = _penalties(graph)
        self._penalties = len(penalties)
        return {
            "losses": loss_terms + penalties,
            "metrics": metric_terms,
            "optimizer": self.optimizer.core(),
        }

    def logs(self, losses_: Sequence[float], total: float, counted: Sequence[float]) -> dict[str, float]:
        """Values by name, sorted as Keras does, from those of the core's terms."""
        values = [total]
        if len(self.goals) > 1:
            values += losses_[: len(losses_) - self._penalties]
        return dict(sorted(zip(self.names, [*values, *counted], strict=True)))

    def mean(self) -> RunningMean:
        """Starts the mean over the batches of an epoch."""
        return RunningMean(self)

    def get_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data."""
        several = len(self.goals) > 1
        loss = [None if goal.loss is None else losses.serialize(goal.loss) for goal in self.goals]
        entries = [
            [
                entry if isinstance(entry, str) else metrics.serialize(metrics.get(entry))
                for entry in goal.entries
            ]
            or None
            for goal in self.goals
        ]
        config = {
            "optimizer": optimizers.serialize(self.optimizer),
            "loss": loss if several else loss[0],
            "metrics": entries if several else entries[0],
        }
        return config | ({"loss_weights": [goal.weight for goal in self.goals]} if several else {})


def _traced(function: Callable[..., Any], graph: Blueprint, y_true: int, y_pred: int, what: str) -> int:
    """The node of a function of targets and predictions, called as Keras does."""
    true = KerasTensor((None, *graph.shape(y_true)), name="y_true")
    predicted = KerasTensor((None, *graph.shape(y_pred)), name="y_pred")
    with tracing():
        value = function(true, predicted)
    if not isinstance(value, KerasTensor):
        raise TypeError(
            f"{what} returned {value!r:.200}; expected a symbol, as keras.ops give them: what NumPy computes "
            f"cannot be traced"
        )
    return Function([true, predicted], [value]).lower(graph, [y_true, y_pred])[0]


def _penalties(graph: Blueprint) -> list[tuple[int, str, bool, float, int]]:
    """Loss terms of regularized weights that train, and of regularized outputs."""
    terms = []
    for regularizer, node, layer in list(graph.penalties):
        symbol = KerasTensor((None, *graph.shape(node)), name=layer)
        with tracing():
            value = _one_number(f"The activity_regularizer of layer {layer!r}", regularizer(symbol))
            value = value / _samples(symbol)
        terms.append((Function([symbol], [value]).lower(graph, [node])[0], "value", False, 1.0, -1))
    for node, variable in list(graph.variables_of.items()):
        if variable.regularizer is None or not graph.trainable[node]:
            continue
        symbol = as_symbol(variable)
        with tracing():
            value = _one_number(f"The regularizer of {variable.path}", variable.regularizer(symbol))
        terms.append((Function([], [value]).lower(graph, [])[0], "value", False, 1.0, -1))
    return terms


def _one_number(what: str, value: Any) -> KerasTensor:
    """What a regularizer returned, where it is a symbol of one number."""
    if not isinstance(value, KerasTensor) or value.shape != ():
        raise TypeError(
            f"{what} returned {value!r:.200}; expected one number, as keras.ops compute it from a symbol"
        )
    return value


def _samples(x: KerasTensor) -> Any:
    """The number of samples in a batch, as a symbol."""
    from pycnn.core.operations import creation, gradients, reductions, shapes

    first = shapes.reshape(gradients.stop_gradient(x), (-1, math.prod(x.sample_shape)))[:, 0]
    return reductions.sum(creation.ones_like(first))


def _metrics_by_output(given: Any, outputs: Sequence[str]) -> list[list[Any]]:
    """The metrics of each output: for one output a list of them, for several one list or entry each."""
    if given is None:
        return [[] for _ in outputs]
    if len(outputs) == 1 and not (isinstance(given, dict) and "class_name" not in given):
        entries = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(entries) == 1 and isinstance(entries[0], (list, tuple)):
            entries = list(entries[0])
        return [entries]
    if (
        isinstance(given, (list, tuple))
        and len(given) != len(outputs)
        and not any(isinstance(entry, (list, tuple, dict)) for entry in given)
    ):
        return [list(given) for _ in outputs]
    found = by_output("metrics", given, outputs)
    return [[] if e is None else list(e) if isinstance(e, (list, tuple)) else [e] for e in found]


def _checked_loss(loss: Any) -> losses.Loss | None:
    checked = losses.get(loss)
    if checked is not None and checked.reduction != "sum_over_batch_size":
        raise ValueError(
            f"The loss {checked.name!r} has reduction {checked.reduction!r}; expected 'sum_over_batch_size'"
        )
    return checked


def _is_automatic(entry: Any) -> bool:
    return isinstance(entry, str) and entry.lower() in ("accuracy", "acc")


def _key(entry: Any, metric: metrics.Metric | None) -> str:
    return entry if isinstance(entry, str) else metric.name if metric is not None else str(entry)


class RunningMean:
    """Losses and metrics of the batches so far, weighted by their sizes."""

    __slots__ = ("_counted", "_losses", "_objective", "_samples", "_total")

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._samples = 0
        self._total = 0.0
        self._losses: list[float] = []
        self._counted: list[float] = []

    def add(self, result: tuple[float, list[float], list[float]], size: int) -> None:
        """Adds what the core returned for a batch."""
        total, losses_, counted = result
        if not self._samples:
            self._losses, self._counted = [0.0] * len(losses_), [0.0] * len(counted)
        self._samples += size
        self._total += total * size
        for i, value in enumerate(losses_):
            self._losses[i] += value * size
        for i, value in enumerate(counted):
            self._counted[i] += value * size

    def state(self) -> list[Any]:
        """The sums, as plain data."""
        return [self._samples, self._total, self._losses, self._counted]

    def restore(self, state: list[Any]) -> None:
        """Goes on from where `state` was called."""
        self._samples, self._total, self._losses, self._counted = state

    def logs(self) -> dict[str, float]:
        """Means by name, sorted as Keras does."""
        n = self._samples or 1
        counted = self._counted if self._samples else [0.0] * len(self._objective.metrics)
        losses_ = self._losses if self._samples else [0.0] * (len(self._objective.names) - 1 - len(counted))
        return self._objective.logs([x / n for x in losses_], self._total / n, [x / n for x in counted])

    def finished(self) -> dict[str, float]:
        """The same, and the objective's metrics are set to it."""
        for metric, value in zip(self._objective.metrics, self._counted, strict=False):
            metric.reset_state()
            metric.add(value, self._samples)
        return self.logs()
