"""What programs seldom ask of a layer: Keras' further attributes and methods, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.core import tree
from pycnn.core.arguments import checked_shape
from pycnn.core.function import tracing
from pycnn.core.refusal import refused
from pycnn.core.symbolic import KerasTensor

if TYPE_CHECKING:
    from pycnn.core.variable import Variable

_QUANTIZING = "weights are float32; `dtype='mixed_bfloat16'` makes products faster"


class Interface:
    """Base of `Layer`."""

    name: str
    built: bool
    _built_for: Any = None  # the shape that `build` was given
    # What inputs must be like: an InputSpec, several, or None; set it in `__init__` or `build`.
    input_spec: Any = None
    # There are no masks; programs may say that they would pass them on.
    supports_masking = False

    quantize = refused("quantize", _QUANTIZING)
    quantized_build = refused("quantized_build", _QUANTIZING)
    quantized_call = refused("quantized_call", _QUANTIZING)
    rematerialized_call = refused(
        "rematerialized_call", "the core computes again by itself what is cheaper than to keep"
    )
    add_metric = refused(
        "add_metric",
        "give metrics to `compile`, or make one in `__init__` and call its `update_state` in `train_step`",
    )

    @property
    def path(self) -> str:
        """The name."""
        return self.name

    @property
    def quantization_mode(self) -> None:
        """None: see `quantize`."""
        return

    @property
    def input_dtype(self) -> str:
        """What inputs are computed with: `compute_dtype`."""
        return self.compute_dtype  # type: ignore[attr-defined, no-any-return]

    @property
    def metrics(self) -> list[Any]:
        """The metrics that are attributes of it and of the layers inside."""
        own = [x for x in tree.flatten(list(self.__dict__.values())) if hasattr(x, "update_state")]
        inside = [x for layer in self.sublayers() for x in layer.metrics]  # type: ignore[attr-defined]
        return list(dict.fromkeys([*own, *inside]))

    @property
    def metrics_variables(self) -> list[Variable]:
        """None: metrics keep numbers, no variables."""
        return []

    def add_variable(self, shape: Any, initializer: Any, *args: Any, **kwargs: Any) -> Variable:
        """The same as `add_weight`."""
        return self.add_weight(shape, initializer, *args, **kwargs)  # type: ignore[attr-defined, no-any-return]

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape that its weights were made for, as plain data; None where it is not known."""
        try:
            return {"input_shape": self.input_shape}  # type: ignore[attr-defined]
        except AttributeError:
            return None if self._built_for is None else {"input_shape": self._built_for}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Creates the weights for what `get_build_config` returned."""
        if config and "input_shape" in config:
            self.build(config["input_shape"])  # type: ignore[attr-defined]
        elif config and "shapes_dict" in config:
            self.build(**config["shapes_dict"])  # type: ignore[attr-defined]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask as it came: there are none. Your own `compute_mask` must make none."""
        return previous_mask

    def check_mask(self, args: Any, kwargs: Any) -> None:
        """NotImplementedError where a `compute_mask` of one's own makes a mask: the next layers get none.

        Args:
            args: of a call on symbols.
            kwargs: of that call.
        """
        if getattr(self.compute_mask, "__func__", None) is Interface.compute_mask:
            return
        given = kwargs.get("mask")
        with tracing():
            mask = self.compute_mask(args[0] if args else None, given)
        if mask is not given and any(part is not None for part in tree.flatten(mask)):
            raise NotImplementedError(
                f"{type(self).__name__}.compute_mask is not supported: masks are not passed on. Give "
                f"the mask to the layers that need it, as an argument of their `call`"
            )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbols of the outputs' shapes.

        Args:
            args: symbols, or what has a `shape`.
            kwargs: further arguments of `call`.

        Returns:
            A symbol, or several in the structure of the output, which belong to no model.
        """
        found = self.recorded_call(*_symbols(args, kwargs))  # type: ignore[attr-defined]
        return tree.transformed(lambda symbol: KerasTensor(symbol.shape, symbol.dtype), found)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `compute_output_spec`."""
        return self.compute_output_spec(*args, **kwargs)

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """A call with given values for all weights, which stay as they are.

        Not for several threads at once.

        Args:
            trainable_variables: values, in the order of the attribute of this name.
            non_trainable_variables: values, in the order of the attribute of this name.
            args: as of a call on arrays.
            return_losses: whether the losses come back, too.
            kwargs: as of a call on arrays.

        Returns:
            The outputs, and the values of `non_trainable_variables` after the call; and `losses`.

        Raises:
            ValueError: if it has no weights yet, or values do not fit; nothing has changed then.

        Example:
            >>> import numpy as np
            >>> import pycnn as keras
            >>> dense = keras.layers.Dense(1)
            >>> dense.build((None, 2))
            >>> dense.stateless_call([np.ones((2, 1)), np.ones(1)], [], np.ones((1, 2)))
            (array([[3.]], dtype=float32), [])
        """
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet; call it, or `build(input_shape)`, first")
        groups = {
            "trainable_variables": (self.trainable_variables, trainable_variables),  # type: ignore[attr-defined]
            "non_trainable_variables": (self.non_trainable_variables, non_trainable_variables),  # type: ignore[attr-defined]
        }
        pairs: list[Any] = []
        for name, (variables, values) in groups.items():
            arrays = [np.asarray(value, np.float32) for value in values]
            if [v.shape for v in variables] != [a.shape for a in arrays]:
                raise ValueError(
                    f"stateless_call: {name} has shapes {[a.shape for a in arrays]}; "
                    f"expected {[v.shape for v in variables]}"
                )
            pairs += zip(variables, arrays, strict=True)
        kept = [(variable, variable.numpy()) for variable, _ in pairs]
        try:
            for variable, array in pairs:
                variable.assign(array)
            outputs = self(*args, **kwargs)  # type: ignore[operator]
            after = [variable.numpy() for variable in groups["non_trainable_variables"][0]]
            losses = [_known(loss) for loss in self.losses] if return_losses else []  # type: ignore[attr-defined]
        finally:
            for variable, array in kept:
                variable.assign(array)
        return (outputs, after, losses) if return_losses else (outputs, after)


def _known(loss: Any) -> Any:
    """A loss as a number, or as an array where it has several values."""
    return float(loss) if np.ndim(loss) == 0 else np.asarray(loss)


def _symbols(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Symbols of the shapes of arguments."""

    def symbol(x: Any) -> Any:
        if isinstance(x, KerasTensor) or not hasattr(x, "shape"):
            return x
        return KerasTensor((None, *checked_shape("compute_output_spec", x.shape[1:])))

    return tree.transformed(symbol, args), tree.transformed(symbol, kwargs)
