"""Activation functions and their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.explain import style

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

_COLUMNS = 5
# Of several values at once, with arguments that have no usual value, or further names of others.
_LEFT_OUT = {
    "softmax",
    "log_softmax",
    "sparsemax",
    "glu",
    "threshold",
    "hard_swish",
    "swish",
}
_FIRST = ("sigmoid", "tanh", "relu", "leaky_relu", "maxout", "elu")
_MAXOUT = np.array([[-0.5, 1.5], [-0.5, 0.0]], np.float32)  # slopes and intercepts of two lines


def activations() -> Figure:
    """Draws all activation functions of one value from -4 to 4, with the derivatives that training uses.

    Returns:
        The figure, a panel for each function.

    Raises:
        ImportError: matplotlib is missing.

    Example:
        >>> from pycnn import explain
        >>> explain.activations().axes[2].get_title()
        'relu'
    """
    x = np.linspace(-4, 4, 400, dtype=np.float32)  # not 0, where some have no derivative
    functions = curves()
    rows = -(-len(functions) // _COLUMNS)
    figure = style.new_figure(12.5, 2.1 * rows + 0.8, "Activation functions")
    panels = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False)
    for axes, (name, function) in zip(panels.flat, functions.items(), strict=False):
        y, slope = with_derivative(function, x)
        axes.axhline(0, color="#BBBBBB", linewidth=0.8)
        axes.axvline(0, color="#BBBBBB", linewidth=0.8)
        axes.plot(x, y, color=style.BLUE, linewidth=2, label="f(x)")
        axes.plot(x, slope, color=style.ORANGE, linewidth=1.6, linestyle="--", label="derivative f'(x)")
        axes.set_title(name, fontsize=11)
        axes.set_ylim(max(-4, min(y.min(), slope.min()) - 0.2), min(4, max(y.max(), slope.max()) + 0.2))
        axes.tick_params(labelsize=9)
    for axes in panels.flat[len(functions) :]:
        axes.set_axis_off()
    for column in range(_COLUMNS):
        last = panels[(len(functions) - 1 - column) // _COLUMNS, column]
        last.set_xlabel("x", fontsize=10)
        last.tick_params(labelbottom=True)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=11)
    return figure


def curves() -> dict[str, Callable[[Any], Any]]:
    """The functions by name, the best known first."""
    from pycnn.activations.operation import functions

    found: dict[str, Callable[[Any], Any]] = {
        name: function for name, function in functions().items() if name not in _LEFT_OUT
    }
    found["maxout"] = _maxout
    names = [*_FIRST, *sorted(set(found) - set(_FIRST))]
    return {name: found[name] for name in names}


def with_derivative(function: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """f(x) and f'(x) for x (n,), by pycnn's automatic differentiation."""
    import pycnn as keras

    variable = keras.Variable(x)
    with keras.GradientTape() as tape:
        y = function(variable)
    gradient: Any = tape.gradient(y, variable)
    return np.asarray(y), np.asarray(gradient)


def _maxout(x: Any) -> Any:
    """The larger of two lines."""
    from pycnn import ops

    (a, b), (c, d) = _MAXOUT.tolist()
    return ops.maximum(a * x + c, b * x + d)
