"""What an optimizer keeps: the core's arrays, averages, sums of gradients, and variables of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core import user_variable
from pycnn.core.variable import Variable
from pycnn.optimizers.live import LiveInteger, StateArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn import _core

    F32: TypeAlias = NDArray[np.float32]


class OptimizerState:
    """The arrays of an optimizer, of each variable that it trains.

    `variables` lists them in Keras' order: the number of steps, the learning rate where it is a number,
    averages, sums of gradients, the arrays of the formula.
    """

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    _learning_rate: Any

    def __init__(self) -> None:
        self.built = False
        self.accumulated = 0  # batches whose gradients wait for the next step
        self._core: _core.Optimizer | None = None
        self._settings: dict[str, float] = {}  # that the core has
        self._trained: list[Variable] = []  # of `build`
        self._indices: dict[int, int] = {}  # in it, by the ids of variables
        self._kept: dict[str, dict[Variable, F32]] = {}
        self._own: list[tuple[user_variable.Variable, str, Variable | None]] = []  # with the slot, and whose
        self._without_decay: tuple[frozenset[int], Any] = frozenset(), None

    def core(self) -> _core.Optimizer:
        """What does the steps."""
        raise NotImplementedError

    @property
    def _steps(self) -> int:
        return 0 if self._core is None else self._core.iterations

    @property
    def iterations(self) -> LiveInteger:
        """Number of steps done."""
        raise NotImplementedError

    @property
    def has_begun(self) -> bool:
        """Whether it trains a model already."""
        return self._core is not None

    # --- the variables that it trains -----------------------------------------------------------------------
    def build(self, variables: Sequence[Variable]) -> None:
        """Sets the variables to train: those of `apply` without any.

        Args:
            variables: to train.
        """
        self._trained = list(variables)
        self._indices = {id(variable): i for i, variable in enumerate(self._trained)}
        self._leave_without_decay(self._trained)
        self.built = True

    def prepare(self, variables: Sequence[Variable]) -> None:
        """Before a step of these variables: the first time `build`."""
        if not self.built:
            self.build(list(variables))
            self.built = True
        elif new := [variable for variable in variables if id(variable) not in self._indices]:
            if self._own:
                self._get_variable_index(new[0])
            OptimizerState.build(self, [*self._trained, *new])

    def _get_variable_index(self, variable: Variable) -> int:
        """The number of a variable among those of `build`."""
        if id(variable) not in self._indices:
            raise ValueError(
                f"Unknown variable: {variable.path}. This optimizer can only be called for the variables it "
                f"was built with; make a new one for others."
            )
        return self._indices[id(variable)]

    # --- weight decay ---------------------------------------------------------------------------------------
    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Leaves variables out of the weight decay; before the first step.

        Args:
            var_list: variables.
            var_names: regular expressions: variables in whose name one is found.

        Raises:
            ValueError: if the optimizer has variables already.

        Example:
            >>> import pycnn as keras
            >>> optimizer = keras.optimizers.AdamW()
            >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is built."
            )
        pattern = re.compile("|".join(sorted(set(var_names)))) if var_names else None
        self._without_decay = frozenset(map(id, var_list or ())), pattern

    def _use_weight_decay(self, variable: Variable) -> bool:
        excluded, pattern = self._without_decay
        return id(variable) not in excluded and not (pattern and pattern.search(variable.name))

    def _leave_without_decay(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            if not self._use_weight_decay(variable):
                self.core().set_decays(variable.core, False)

    # --- arrays for each variable ---------------------------------------------------------------------------
    def kept_names(self) -> list[str]:
        """Names of the arrays that it keeps for each weight, beside those of the formula."""
        names = ["average"] if self.use_ema else []
        return names + (["accumulator"] if self.gradient_accumulation_steps else [])

    def kept(self, name: str, variable: Variable) -> F32:
        """A weight's 'average', or the 'accumulator' of its gradients: of its shape, zeros at first."""
        arrays = self._kept.setdefault(name, {})
        if variable not in arrays:
            arrays[variable] = np.zeros(variable.shape, np.float32)
        return arrays[variable]

    def arrays(self, variables: Mapping[str, Variable]) -> dict[str, F32]:
        """Writable views of all that is kept for these variables, by 'what/whose name'."""
        core = self.core()
        found = {
            f"{slot}/{name}": core.state(variable.core, slot)
            for slot in core.slot_names
            for name, variable in variables.items()
        }
        trainable = {name: variable for name, variable in variables.items() if variable.trainable}
        found |= {
            f"{kept}/{name}": self.kept(kept, variable)
            for kept in self.kept_names()
            for name, variable in trainable.items()
        }
        if type(self).build is not OptimizerState.build:
            self.prepare(list(trainable.values()))
        names = {id(variable): name for name, variable in variables.items()}
        for i, (own, slot, of) in enumerate(self._own):
            name = f"{slot}/{names[id(of)]}" if id(of) in names else f"variable/{i}"
            found[name] = own.initialized().value
        return found

    @property
    def variables(self) -> list[Any]:
        """Its numbers and arrays, with `numpy` and `assign`, in Keras' order."""
        found: list[Any] = [self.iterations]
        if not callable(self._learning_rate):
            found.append(self.learning_rate)  # type: ignore[attr-defined]
        found += [StateArray(f"{self.name}/{path}", array) for path, array in self._arrays_of(self._trained)]
        return found + [own for own, _, _ in self._own]

    def saved_state(self, variables: Sequence[Variable]) -> list[tuple[str, F32]]:
        """What Keras' files hold after the count of steps and the learning rate: names and views, in order.

        Args:
            variables: that it trains, in the model's order.
        """
        self.prepare(variables)
        own = [(v.name, v.initialized().value) for v, _, _ in self._own]
        return self._arrays_of(variables) + own

    def _arrays_of(self, variables: Sequence[Variable]) -> list[tuple[str, F32]]:
        """Names and views of averages, sums of gradients and the core's arrays, in Keras' order."""
        core = self.core()
        kept = [
            (f"{_path_of(v)}_{_KERAS_NAMES.get(name, name)}", self.kept(name, v))
            for name in self.kept_names()
            for v in variables
        ]
        return kept + [
            (f"{_path_of(v)}_{slot}", core.state(v.core, slot))
            for group in core.slot_groups
            for v in variables
            for slot in group
        ]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets `variables`.

        Args:
            weights: one for each.

        Raises:
            ValueError: if the optimizer is not built, or the number or a shape is wrong.
        """
        if not self.built:
            raise ValueError("set_weights: the optimizer has no variables yet; call its `build` before")
        variables = self.variables
        if len(variables) != len(weights):
            raise ValueError(f"set_weights: there are {len(weights)} weights for {len(variables)} variables")
        for variable, weight in zip(variables, weights, strict=True):
            if variable.shape != np.shape(weight):
                raise ValueError(
                    f"set_weights: {variable.name} has shape {variable.shape}, its weight {np.shape(weight)}"
                )
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)

    # --- for optimizers of one's own ------------------------------------------------------------------------
    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: Any = None,
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the optimizer.

        Args:
            shape: of the array.
            initializer: its name, or a function of the shape.
            dtype: None or 'float32'.
            aggregation: has no effect, as `layout`.
            name: None for an automatic one.
        """
        return self._add(tuple(shape), initializer, dtype, name or "variable", None)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new variable of the optimizer, of another variable's shape.

        Args:
            reference_variable: a variable that is trained.
            name: what it is, such as 'momentum'.
            initializer: its name, or a function of the shape.
        """
        return self._add(reference_variable.shape, initializer, None, name or "var", reference_variable)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """New variables of the optimizer, one for each that is trained.

        Args:
            trainable_variables: that are trained.
            name: what they are, or a list of such names.
            initializer: its name or a function of the shape, or a list, one for each name.

        Returns:
            A list of variables; a tuple of such lists, where `name` is a list.

        Raises:
            ValueError: if there is another number of initializers than of names.
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        initializers = list(initializer) if several else [initializer] * len(names)
        if len(initializers) != len(names):
            raise ValueError(
                f"add_optimizer_variables: {len(initializers)} initializers for {len(names)} names"
            )
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for found, slot, make in zip(made, names, initializers, strict=True):
                found.append(self.add_variable_from_reference(variable, slot, make))
        return made[0] if isinstance(name, str) else made

    def _add(
        self, shape: tuple[int, ...], initializer: Any, dtype: Any, slot: str, of: Variable | None
    ) -> user_variable.Variable:
        path = slot if of is None else f"{_path_of(of)}_{slot}"
        added = user_variable.Variable(initializer, shape, dtype, trainable=False, name=f"{self.name}/{path}")
        self._own.append((added, slot, of))
        return added

    def assign(self, variable: Any, value: Any) -> None:
        """variable = value."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """variable += value."""
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """variable -= value."""
        variable.assign_sub(value)


_KERAS_NAMES = {"accumulator": "gradient_accumulator"}


def _path_of(variable: Variable) -> str:
    return variable.path.replace("/", "_")
