"""What a model offers to a `train_step` of one's own: its losses and metrics, inside a GradientTape too."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import tree
from pycnn.core.tape import GradientTape
from pycnn.metrics import Mean, Metric
from pycnn.models.structure import by_output, in_order

if TYPE_CHECKING:
    from pycnn.models.compiled import Compiled
    from pycnn.models.objective import Objective


class CompiledLoss:
    """The losses of `compile`, on targets and predictions.

    Args:
        objective: what `compile` was told.
        penalties: gives those of regularized weights.
    """

    def __init__(self, objective: Objective, penalties: Callable[[], list[Any]]) -> None:
        self._objective = objective
        self._penalties = penalties

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> Any:
        """The weighted sum of the losses.

        Args:
            y_true: targets; for several outputs a list, or a dict by name.
            y_pred: predictions in the same structure.
            sample_weight: (n,) weights in the loss.
            regularization_losses: to add; None for the `losses` of the model.

        Raises:
            ValueError: if there is no loss.
        """
        goals = self._objective.goals
        penalties = self._penalties() if regularization_losses is None else regularization_losses
        if all(goal.loss is None for goal in goals) and not penalties:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        names = [goal.name for goal in goals]
        predictions = tree.flatten(y_pred)
        targets = [y_true] if len(goals) == 1 else in_order("y", y_true, names, "output")
        weights = [sample_weight] if len(goals) == 1 else by_output("sample_weight", sample_weight, names)
        total: Any = None
        for goal, true, predicted, weight in zip(goals, targets, predictions, weights, strict=True):
            if goal.loss is None:
                continue
            value = goal.loss(true, predicted, weight)
            value = value if goal.weight == 1 else goal.weight * value
            total = value if total is None else total + value
        for penalty in penalties:
            number = penalty.sum() if getattr(penalty, "ndim", 0) else penalty
            total = number if total is None else total + number
        return total


class CompiledMetrics:
    """The metrics of `compile`, all at once.

    Args:
        objective: what `compile` was told.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds targets and predictions, in the structure of the outputs."""
        goals = self._objective.goals
        predictions = [np.asarray(x) for x in tree.flatten(y_pred)]
        if any(goal.entries and not goal.metrics for goal in goals):
            self._objective.resolve([x.shape[1:] for x in predictions])
        names = [goal.name for goal in goals]
        targets = [y_true] if len(goals) == 1 else in_order("y", y_true, names, "output")
        weights = [sample_weight] if len(goals) == 1 else by_output("sample_weight", sample_weight, names)
        for goal, true, predicted, weight in zip(goals, targets, predictions, weights, strict=True):
            for metric in goal.metrics:
                if goal.is_weighted(metric):
                    metric.update_state(np.asarray(true), predicted, sample_weight=weight)
                else:
                    metric.update_state(np.asarray(true), predicted)


def metrics_in(values: Any) -> list[Metric]:
    """The metrics among attributes, alone or in lists and dicts."""
    found = [x for x in tree.flatten(list(values)) if isinstance(x, Metric)]
    return list(dict.fromkeys(found))


def loss_tracker() -> Mean:
    """The mean of the losses of an epoch."""
    return Mean(name="loss")


def train_step(model: Compiled, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """The step of a model whose `compute_loss` or `compute_metrics` is its own."""
    if model.on_gradients is not None:
        raise ValueError("`on_gradients` is not supported together with a `compute_loss` of one's own")
    with GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = _loss(model, True, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
    variables = model.trainable_variables
    model.optimizer.apply(tape.gradient(loss, variables), variables)
    return _measured(model, x, y, y_pred, sample_weight, loss)


def test_step(model: Compiled, x: Any, y: Any, sample_weight: Any) -> dict[str, float]:
    """The same without gradients."""
    y_pred = model(x, training=False)
    loss = _loss(model, False, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
    return _measured(model, x, y, y_pred, sample_weight, loss)


def _loss(model: Compiled, training: bool, **given: Any) -> Any:
    """The model's `compute_loss`, which is told whether it is a training where it asks for that."""
    parameters = inspect.signature(model.compute_loss).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    asked = {"training": training} if takes_all or "training" in parameters else {}
    return model.compute_loss(**given, **asked)


def _measured(model: Compiled, x: Any, y: Any, y_pred: Any, weight: Any, loss: Any) -> dict[str, float]:
    """Metrics of a batch, and the mean of the losses as `loss`."""
    model.track_loss(loss, len(tree.flatten(y_pred)[0]))
    return model.compute_metrics(x, y, y_pred, sample_weight=weight)
