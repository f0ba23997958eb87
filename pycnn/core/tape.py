"""Gradients of what a program computes with arrays, as TensorFlow's programs write them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Token
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pycnn.core import recording, taped, tree
from pycnn.core.taped_structure import Recording
from pycnn.core.tensor import Recorder, Tensor, recorders, unknown, when_computed
from pycnn.core.variable import Variable

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray


class GradientTape:
    """Records what is computed inside its `with` block, for gradients.

    Layers, models, losses, functions of `keras.ops` and Python's arithmetic on their results are recorded;
    they return Tensors. What NumPy computes is not. A model is called as `model(x, training=True)`; without
    `training` it works as in inference. Each structure of recorded calls becomes one program of the core: a
    loop whose steps are alike makes it once, and a step is one call into the core, forward and backward.

    What mixes the samples of a batch (products of all pairs, `transpose`, sorting along it) is recorded, too,
    at a cost that grows with the square of their number. Gradients by Tensors that are taken while a tape
    records are recorded themselves: an outer tape differentiates twice, for gradient penalties.

    Asking for values inside the block (`print`, `float`, a metric) computes them at once, in a forward pass
    of its own, with a dropout of its own and one more update of moving statistics; after `gradient` they are
    there. What a layer's `call` assigns to variables counts once, in any case.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched that are read.

    Example:
        >>> import numpy as np
        >>> import pycnn as keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> optimizer = keras.optimizers.SGD(0.25)
        >>> with keras.GradientTape() as tape:
        ...     loss = keras.losses.MeanSquaredError()(np.ones((4, 1)), model(np.ones((4, 2)), training=True))
        >>> gradients = tape.gradient(loss, model.trainable_variables)
        >>> step = optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        >>> float(loss), model.get_weights()[0].tolist()
        (1.0, [[0.5], [0.5]])
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = bool(persistent)
        self._watches_accessed = bool(watch_accessed_variables)
        self._token: Token[tuple[Recorder, ...]] | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._used = False
        self.assigned: dict[Variable, NDArray[np.float32]] = {}
        self._recorded: list[weakref.ref[Tensor]] = []
        self._tensors: dict[int, tuple[Any, Tensor]] = {}  # by the identity of what is watched, which is kept
        self._variables: dict[Variable, None] = {}
        self._samples: dict[Variable, list[Tensor]] = {}  # as which layers took a variable's values

    def __enter__(self) -> GradientTape:
        if self._token is not None:
            raise ValueError("This GradientTape records already; make another one")
        self._token = recorders.set((*recorders.get(), self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._token is not None:
            recorders.set(tuple(tape for tape in recorders.get() if tape is not self))
            self._token = None

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Inside, nothing is recorded."""
        if self._token is None:
            raise ValueError("This GradientTape does not record")
        self._stop()
        try:
            yield
        finally:
            self.__enter__()

    # --- what is watched ------------------------------------------------------------------------------------
    def watch(self, tensor: Any) -> None:
        """Lets gradients be taken by arrays, Tensors or variables; before they are used.

        Args:
            tensor: one, or several in a list or dict. An array is recorded where layers and functions take
                it; for Python's arithmetic make it a Tensor: `keras.constant`.

        Raises:
            TypeError: if it is something else.
        """
        for x in tree.flatten(tensor):
            if isinstance(x, Variable):
                self._variables[x] = None
            elif isinstance(x, Tensor):
                self._tensors[id(x)] = (x, x)
            elif isinstance(x, np.ndarray):
                _, tensor = self._tensors.setdefault(id(x), (x, Tensor(x)))
                self._tensors[id(tensor)] = (tensor, tensor)
            else:
                raise TypeError(f"watch: {x!r:.200} is neither a Tensor nor a variable nor an array")

    def find(self, array: Any) -> Tensor | None:
        """The Tensor of an array that the tape watches."""
        found = self._tensors.get(id(array))
        return None if found is None else found[1]

    def accessed(self, variables: Any) -> None:
        """Notes variables that what is recorded reads."""
        if self._watches_accessed:
            self._variables |= {variable: None for variable in variables if variable.trainable}

    def called_on(self, variable: Variable, samples: Tensor) -> None:
        """Notes that a layer takes a variable's values as samples: they are watched where the variable is."""
        self.accessed([variable])
        if variable in self._variables:
            self._tensors[id(samples)] = (samples, samples)
            self._samples.setdefault(variable, []).append(samples)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables that are watched, in the order in which they were read."""
        return tuple(self._variables)

    # --- gradients ------------------------------------------------------------------------------------------
    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = "none",
    ) -> Any:
        """The gradient of the sum of a target by sources.

        Args:
            target: a Tensor that was computed inside the block, or several, whose sum is meant.
            sources: variables, watched arrays or Tensors: one, or several in a list or dict.
            output_gradients: factors of the target's values, of its shape; a list for several targets.
            unconnected_gradients: what stands for the gradient by a source that is not watched or on which
                the target does not depend: 'none' for None, or 'zero'.

        Returns:
            Tensors of the sources' shapes, in the structure of the sources.

        Raises:
            RuntimeError: if it is called a second time and the tape is not persistent.
            TypeError, ValueError: if an argument is wrong.
            NotImplementedError: for the gradient of a gradient by weights of layers, and where an operation
                on the way to the first one has no second derivative here.
        """
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients; "
                "use GradientTape(persistent=True)"
            )
        unconnected = str(getattr(unconnected_gradients, "value", unconnected_gradients)).lower()
        if unconnected not in ("none", "zero"):
            raise ValueError(
                f"`unconnected_gradients` is {unconnected_gradients!r}; expected 'none' or 'zero'"
            )
        given = [self._source(x) for x in tree.flatten(sources)]
        total = self._total(tree.flatten(target), output_gradients)
        watched = [x for x in given if self._is_watched(x)]
        if (recorded := self._recorded_gradients(total, given)) is not None:
            return tree.packed(sources, recorded)
        forms = {id(x): [x, *(self._samples.get(x, ()) if isinstance(x, Variable) else ())] for x in watched}
        parts = iter(self._gradients(total, [form for group in forms.values() for form in group]))
        found = {key: _added([next(parts) for _ in group]) for key, group in forms.items()}
        self._used = True
        passed = frozenset(recorders.get())
        results: list[Any] = []
        for x in given:
            value = found.get(id(x))
            if value is None and unconnected == "zero":
                value = np.zeros(x.shape, np.float32)
            results.append(None if value is None else Tensor(value, passed=passed))
        return tree.packed(sources, results)

    def _recorded_gradients(self, target: Tensor, given: Sequence[Variable | Tensor]) -> list[Any] | None:
        """Gradients by watched sources, as something that is recorded; None where no tape records them."""
        from pycnn.core.operations.gradients import gradient

        again = {tape for tape in recorders.get() if tape is not self or self._persistent}
        if target.symbol is None or target.tapes.isdisjoint(again):
            return None
        if not all(map(self._is_watched, given)):
            return None
        recording = Recording([target.symbol])
        forms = [recording.forms_of(x) for x in given]
        if recording.has_gradients or any(len(found) != 1 for found in forms):
            return None
        self._used = True
        batch = recording.samples()
        return [
            Tensor(
                symbol=gradient(target.symbol, form), samples=batch if form.is_batched else None, batch=batch
            )
            for (form,) in forms
        ]

    def _source(self, x: Any) -> Variable | Tensor:
        if isinstance(x, (Variable, Tensor)):
            return x
        found = self.find(x) if isinstance(x, np.ndarray) else None
        if found is None:
            raise TypeError(
                f"gradient: the source {x!r:.200} is neither a variable nor a Tensor nor an array that the "
                f"tape watches"
            )
        return found

    def _is_watched(self, x: Variable | Tensor) -> bool:
        if isinstance(x, Variable):
            return x in self._variables
        return self in x.tapes or self.find(x) is not None

    def _total(self, targets: Sequence[Any], output_gradients: Any) -> Tensor:
        """One Tensor whose sum is what the gradient is of."""
        for x in targets:
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"gradient: the target {x!r:.200} is no Tensor; it must be computed inside the tape, by "
                    f"layers, losses, keras.ops or arithmetic on what they return: what NumPy computes is "
                    f"not recorded"
                )
            if self in x.passed:
                raise _second_order()
        factors = [None] if output_gradients is None else output_gradients
        factors = list(factors) if isinstance(factors, (list, tuple)) and len(targets) > 1 else [factors]
        if output_gradients is None:
            factors = [None] * len(targets)
        if len(factors) != len(targets):
            raise ValueError(f"{len(factors)} output_gradients for {len(targets)} targets")
        if len(targets) == 1 and factors == [None]:
            return targets[0]  # type: ignore[no-any-return]
        from pycnn.core.operations.arithmetic import add, multiply

        token = recorders.set((*recorders.get(), self))  # goes on recording
        try:
            parts = [
                recording.total(x if factor is None else multiply(x, factor))
                for x, factor in zip(targets, factors, strict=True)
            ]
            whole = parts[0]
            for part in parts[1:]:
                whole = add(whole, part)
            return whole  # type: ignore[no-any-return]
        finally:
            recorders.reset(token)

    def _gradients(self, target: Tensor, sources: Sequence[Variable | Tensor]) -> list[Any]:
        if target.symbol is None or self not in target.tapes or not sources:
            return [
                np.ones(target.shape, np.float32) if x is target and self._is_watched(x) else None
                for x in sources
            ]
        if np.dtype(target.dtype).kind in "biu":
            return [None] * len(sources)
        found, recorded = taped.gradients(target, sources, unknown())
        if any(self in placeholder.passed for placeholder in recorded.placeholders):
            raise _second_order()
        if not self._persistent:
            when_computed()
        return list(found)

    def jacobian(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not there: take the gradient of each value of the target, with a persistent tape."""
        raise NotImplementedError(
            "GradientTape.jacobian is not available; with GradientTape(persistent=True), take "
            "tape.gradient(y[:, i], x) for each i: a row of the Jacobian of every sample"
        )

    batch_jacobian = jacobian


def _added(parts: list[Any]) -> Any:
    """The sum of the gradients by all forms of a source; None where there is none."""
    known = [part for part in parts if part is not None]
    return sum(known[1:], known[0]) if known else None


def _second_order() -> NotImplementedError:
    return NotImplementedError(
        "The gradient of a gradient is not available where the first one is by the weights of layers, or of "
        "a gradient itself; use a difference of gradients at two points instead: "
        "(g(x + h v) - g(x - h v)) / 2h is the product of the second derivative with v"
    )
