"""What happens between gradients and step: accumulation and clipping; and after it: averages, constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn import _core
    from pycnn.core.variable import Variable
    from pycnn.optimizers.base import Optimizer

    F32: TypeAlias = NDArray[np.float32]
    Hook: TypeAlias = Callable[[F32], Any]


class GradientStep:
    """The second half of a training step, where the gradients are there.

    Args:
        optimizer: whose step it is.
        variables: that it changes.
        gradients: one for each variable; it writes into them.
        step: makes the core's step with these gradients and a learning rate.
        on_gradients: called before each step; None for nothing.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        variables: Sequence[Variable],
        gradients: Sequence[F32],
        step: Callable[[float], Any],
        on_gradients: Callable[[], Any] | None = None,
    ) -> None:
        self._optimizer = optimizer
        self._variables = variables
        self._gradients = gradients
        self._step = step
        self._on_gradients = on_gradients

    @classmethod
    def of_network(
        cls,
        optimizer: Optimizer,
        network: _core.Network,
        variables: Sequence[Variable],
        on_gradients: Hook | None,
    ) -> GradientStep:
        """The step of a network's trainable parameters, whose gradients are in its buffer.

        Args:
            optimizer: whose step it is.
            network: that computes the gradients.
            variables: the network's parameters.
            on_gradients: called with the flat buffer of all gradients before each step; None for nothing.
        """
        trained = [i for i in range(len(variables)) if network.is_trainable(i)]
        hook = None if on_gradients is None else lambda: on_gradients(network.gradients)
        changed = [variables[i] for i in trained]
        optimizer.prepare(changed)
        gradients = [network.gradient(i) for i in trained]
        return cls(optimizer, changed, gradients, network.apply_gradients, hook)

    @property
    def is_needed(self) -> bool:
        """Whether anything but the step itself is to be done; else the core does both halves at once."""
        return (
            self._optimizer.changes_gradients
            or self._on_gradients is not None
            or any(variable.constraint is not None for variable in self._variables)
        )

    def run(self) -> None:
        """A network's step: by the optimizer's own `apply` where it has one."""
        if not self._optimizer.has_own_apply:
            return self.apply()
        if self._on_gradients is not None:
            self._on_gradients()
        scale = np.float32(self._optimizer.loss_scale_factor or 1)  # which `apply` divides by
        self._optimizer.apply([gradient * scale for gradient in self._gradients], list(self._variables))
        return None

    def apply(self) -> None:
        """Makes the step, or adds the gradients to those of a step to come."""
        optimizer = self._optimizer
        first, rate = int(optimizer.iterations) == 0, optimizer.current_rate()
        if self._accumulated():
            if self._on_gradients is not None:
                self._on_gradients()
            clip(self._gradients, optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm)
            if optimizer.has_own_formula:
                optimizer.make_steps(self._gradients, self._variables, rate)
            else:
                self._step(rate)
            optimizer.begin_accumulation()
        if optimizer.use_ema:
            self._average(first)
        for variable in self._variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))

    def _accumulated(self) -> bool:
        """Whether enough gradients have come for a step; then their mean takes the place of the last one."""
        steps = self._optimizer.gradient_accumulation_steps
        if not steps:
            return True
        sums = [self._optimizer.kept("accumulator", variable) for variable in self._variables]
        for gradient, total in zip(self._gradients, sums, strict=True):
            total += gradient
        if self._optimizer.note_accumulation() < steps:
            return False
        for gradient, total in zip(self._gradients, sums, strict=True):
            np.divide(total, np.float32(steps), out=gradient)
            total[...] = 0
        return True

    def _average(self, first: bool) -> None:
        optimizer = self._optimizer
        momentum = 0.0 if first else optimizer.ema_momentum
        for variable in self._variables:
            average = optimizer.kept("average", variable)
            average *= np.float32(momentum)
            average += np.float32(1 - momentum) * variable.value
        frequency, done = optimizer.ema_overwrite_frequency, int(optimizer.iterations)
        if frequency and not optimizer.accumulated and done % frequency == 0:
            for variable in self._variables:
                variable.assign(optimizer.kept("average", variable))


def clip(
    gradients: Sequence[F32], clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
) -> None:
    """Limits gradients in place: the norm of each, each value, or the norm of all; None or 0 for no limit.

    Example:
        >>> import numpy as np
        >>> from pycnn.optimizers.gradients import clip
        >>> gradients = [np.array([3.0, 0.0], np.float32), np.array([[4.0]], np.float32)]
        >>> clip(gradients, None, None, 2.5)
        >>> gradients
        [array([1.5, 0. ], dtype=float32), array([[2.]], dtype=float32)]
    """
    if clipnorm:
        for gradient in gradients:
            gradient *= np.float32(clipnorm / max(_norm([gradient]), clipnorm))
    elif global_clipnorm:
        norm = _norm(gradients)
        scale = global_clipnorm / max(norm, global_clipnorm) if np.isfinite(norm) else np.nan
        for gradient in gradients:
            gradient *= np.float32(scale)
    elif clipvalue:
        for gradient in gradients:
            np.clip(gradient, -clipvalue, clipvalue, out=gradient)


def _norm(arrays: Sequence[F32]) -> float:
    return float(np.sqrt(sum(float(np.dot(array.reshape(-1), array.reshape(-1))) for array in arrays)))
