"""Steps of models whose loss mixes the samples of a batch, such as one of all pairs of them.

The core computes sample by sample, in pieces of a batch. Such a loss is recorded by a GradientTape for each
batch, as a `train_step` of one's own would do; the program of a batch size is made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import tree
from pycnn.core.tape import GradientTape
from pycnn.core.taped import evaluate
from pycnn.core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycnn.models.compiled import Compiled
    from pycnn.models.data import Batch
    from pycnn.models.objective import Objective

    Result = tuple[float, list[float], list[float]]


def train_step(model: Compiled, objective: Objective) -> Callable[[Batch], Result]:
    """A step of the optimizer on one batch: the sum of all losses, the loss of each output, and nothing more.

    Raises:
        ValueError: if the model has `on_gradients`.
    """
    if model.on_gradients is not None:
        raise ValueError(
            f"`on_gradients` is not supported together with the {_named(objective)}, which mixes the samples "
            f"of a batch; look at the gradients in a `train_step` of your own"
        )

    def step(batch: Batch) -> Result:
        with GradientTape() as tape:
            predictions, losses, total = _computed(model, objective, batch, True)
        variables = model.trainable_variables
        if variables:
            objective.optimizer.apply(tape.gradient(total, variables), variables)
        return _result(objective, batch, predictions, losses, total)

    return step


def test_step(model: Compiled, objective: Objective) -> Callable[[Batch], Result]:
    """The same in inference mode, without gradients."""

    def step(batch: Batch) -> Result:
        with GradientTape(watch_accessed_variables=False):
            predictions, losses, total = _computed(model, objective, batch, False)
        return _result(objective, batch, predictions, losses, total)

    return step


def refused(objective: Objective, what: str) -> NotImplementedError:
    """The error for what only a program of the core has."""
    return NotImplementedError(
        f"`{what}` is not available with the {_named(objective)}, which mixes the samples of a batch; "
        f"use a GradientTape"
    )


def _named(objective: Objective) -> str:
    return f"loss {next(goal.loss.name for goal in objective.goals if goal.loss and goal.mixes_samples)!r}"


def _computed(model: Any, objective: Objective, batch: Batch, training: bool) -> tuple[list[Any], Any, Any]:
    """Predictions, the loss of each output that has one, and what is made small."""

    def taken(array: Any) -> Any:
        return array if array is None or batch.rows is None else array[batch.rows]

    samples = [taken(x) for x in batch.x[: len(batch.x) - _read(objective)]]
    predictions = tree.flatten(model(samples if len(samples) > 1 else samples[0], training=training))
    losses, total = [], None
    for i, goal in enumerate(objective.goals):
        if goal.loss is None:
            continue
        weight = taken(batch.weight[i]) if batch.weight else None
        loss = goal.loss(taken(batch.truth[i]), predictions[i], weight)
        losses.append(loss)
        weighted = loss if goal.weight == 1 else goal.weight * loss
        total = weighted if total is None else total + weighted
    for penalty in model.losses:
        total = total + (penalty.sum() if getattr(penalty, "ndim", 0) else penalty)
    return predictions, losses, total


def _read(objective: Objective) -> int:
    """How many arrays of a batch follow the samples."""
    return len(objective.read_targets()) + len(objective.read_weights())


def _result(objective: Objective, batch: Batch, predictions: Any, losses: Any, total: Any) -> Result:
    """What the core's steps return, once the metrics have got the batch."""
    waiting = [x for x in (*predictions, *losses, total) if isinstance(x, Tensor) and not x.is_known]
    if waiting:  # all of them in one run
        evaluate(waiting)
    objective.observe(batch, [np.asarray(y) for y in predictions])
    return float(total), [float(loss) for loss in losses], []
