"""The network of an estimator that was given none."""

from __future__ import annotations

from typing import Any

from pycnn import layers
from pycnn.models import Sequential

_FILTERS, _UNITS = (16, 32), 64


def network(input_shape: tuple[int, ...], outputs: int, activation: str | None) -> Any:
    """Two convolutions with pooling for images, one hidden layer for features.

    Args:
        input_shape: (features,), or (h, w, c).
        outputs: number of values of the output.
        activation: of the output.

    Returns:
        A model that is not compiled.
    """
    steps: list[Any] = []
    height, width = input_shape[:2] if len(input_shape) == 3 else (1, 1)
    for filters in _FILTERS:
        if len(input_shape) == 3:
            steps.append(layers.Conv2D(filters, 3, padding="same", activation="relu"))
            if min(height, width) >= 2:
                steps.append(layers.MaxPooling2D())
                height, width = height // 2, width // 2
    if len(input_shape) > 1:
        steps.append(layers.Flatten())
    steps += [layers.Dense(_UNITS, activation="relu"), layers.Dense(outputs, activation=activation)]
    return Sequential([layers.Input(input_shape), *steps])
