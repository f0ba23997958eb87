"""Training steps that the core does in one piece, from the samples to the changed weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pycnn import _core
    from pycnn.models.data import Batch
    from pycnn.models.objective import Objective

    # What is minimized, the losses and the metrics of a batch.
    Result: TypeAlias = tuple[float, list[float], list[float]]


class FusedStep:
    """A step on a batch, or several ones where nobody has to look in between.

    Args:
        network: that trains.
        objective: its losses, metrics and optimizer.
    """

    def __init__(self, network: _core.Network, objective: Objective) -> None:
        self._network = network
        self._objective = objective

    @property
    def takes_several(self) -> bool:
        """Whether the next steps need nothing from here but samples."""
        return self._objective.optimizer.has_one_rate and not self._objective.reads_outputs

    def __call__(self, batch: Batch) -> Result:
        """One step."""
        goal = self._objective
        outputs, rate = goal.outputs(self._network, batch.size), goal.optimizer.current_rate()
        result = self._network.train_step(batch.x, batch.y, batch.rows, batch.weight, rate, outputs)
        goal.observe(batch, outputs)
        return result

    def several(self, batch: Batch) -> list[Result]:
        """A batch for several steps: the result of each."""
        assert batch.rows is not None
        rate = self._objective.optimizer.current_rate()
        return self._network.train_steps(batch.x, batch.y, batch.rows, batch.weight, rate, batch.each)
