"""Colours in other coordinates: Smith, Color gamut transform pairs, 1978."""

from __future__ import annotations

from typing import Any

import numpy as np

# Weights of red, green and blue in gray: ITU-R BT.601, as Keras and TensorFlow round them.
GRAY = np.array((0.2989, 0.5870, 0.1140), np.float32)


def to_hsv(rgb: Any) -> Any:
    """Hue, saturation and value of red, green and blue (..., 3); hue is from 0 to 1."""
    red, green, blue = (rgb[..., i].astype(np.float64) for i in range(3))
    value, low = rgb.max(-1).astype(np.float64), rgb.min(-1)
    spread = value - low
    safe = np.where(spread == 0, 1, spread)
    hue = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    saturation = np.where(value > 0, spread / np.where(value == 0, 1, value), 0)
    return np.stack([np.where(spread == 0, 0, hue / 6 % 1), saturation, value], -1).astype(np.float32)


def to_rgb(hsv: Any) -> Any:
    """The other way round."""
    hue, saturation, value = (hsv[..., i].astype(np.float64) for i in range(3))
    # Each colour is a trapezium over the hue: 5, 3 and 1 sixths before its end.
    channels = []
    for offset in (5, 3, 1):
        k = (offset + hue * 6) % 6
        channels.append(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.stack(channels, -1).astype(np.float32)
