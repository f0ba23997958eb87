"""Activations in NumPy: for each name the function, and its slope at x."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

_ONE, _ZERO = np.float32(1), np.float32(0)
_SELU_SCALE, _SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
_GELU_SCALE, _GELU_CUBE = np.float32(np.sqrt(2 / np.pi)), np.float32(0.044715)


def _sigmoid(x: F32) -> F32:
    return _ONE / (_ONE + np.exp(-x))


def _sigmoid_slope(x: F32) -> F32:
    y = _sigmoid(x)
    return y * (_ONE - y)


def _silu_slope(x: F32) -> F32:
    y = _sigmoid(x)
    return y * (_ONE + x * (_ONE - y))


def _gelu(x: F32) -> F32:
    return np.float32(0.5) * x * (_ONE + np.tanh(_GELU_SCALE * (x + _GELU_CUBE * x * x * x)))


def _gelu_slope(x: F32) -> F32:
    square = x * x
    tanh = np.tanh(_GELU_SCALE * x * (_ONE + _GELU_CUBE * square))
    inner = _GELU_SCALE * (_ONE + np.float32(3) * _GELU_CUBE * square)
    return np.float32(0.5) * (_ONE + tanh + x * (_ONE - tanh * tanh) * inner)


def _softplus(x: F32) -> F32:
    return np.maximum(x, _ZERO) + np.log1p(np.exp(-np.abs(x)))


def _mish_slope(x: F32) -> F32:
    tanh = np.tanh(_softplus(x))
    return tanh + x * (_ONE - tanh * tanh) * _sigmoid(x)


def _hard_sigmoid(x: F32) -> F32:
    return np.clip(x * np.float32(1 / 6) + np.float32(0.5), _ZERO, _ONE)


def _hard_silu_slope(x: F32) -> F32:
    return np.where(np.abs(x) < 3, x * np.float32(1 / 3) + np.float32(0.5), (x > 0).astype(np.float32))


ACTIVATIONS: dict[str, tuple[Callable[[F32], Any], Callable[[F32], Any]]] = {
    "relu": (lambda x: np.maximum(x, _ZERO), lambda x: x > 0),
    "leaky_relu": (
        lambda x: np.maximum(x, np.float32(0.2) * x),
        lambda x: np.where(x > 0, _ONE, np.float32(0.2)),
    ),
    "elu": (
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, _ZERO))),
        lambda x: np.exp(np.minimum(x, _ZERO)),
    ),
    "selu": (
        lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, _ZERO))),
        lambda x: _SELU_SCALE * np.where(x > 0, _ONE, _SELU_ALPHA * np.exp(np.minimum(x, _ZERO))),
    ),
    "gelu": (_gelu, _gelu_slope),
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "tanh": (np.tanh, lambda x: _ONE - np.square(np.tanh(x))),
    "silu": (lambda x: x * _sigmoid(x), _silu_slope),
    "mish": (lambda x: x * np.tanh(_softplus(x)), _mish_slope),
    "softplus": (_softplus, _sigmoid),
    "softsign": (lambda x: x / (_ONE + np.abs(x)), lambda x: np.square(_ONE / (_ONE + np.abs(x)))),
    "hard_sigmoid": (_hard_sigmoid, lambda x: np.where(np.abs(x) < 3, np.float32(1 / 6), _ZERO)),
    "hard_silu": (lambda x: x * _hard_sigmoid(x), _hard_silu_slope),
    "exponential": (np.exp, np.exp),
}
