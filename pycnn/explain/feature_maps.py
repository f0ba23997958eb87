"""What the convolutions of a trained network make of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.explain import network, samples, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pycnn.models import Model

_COLUMNS, _MAX_LAYERS = 8, 8
_MAX_MAPS = 2 * _COLUMNS


def feature_maps(picture: Any = None, model: Model | None = None) -> Figure:
    """Draws the output of each convolution of a network for one picture.

    Args:
        picture: a path, uint8 (h, w) or (h, w, 3), or None for one of Fashion-MNIST. It is resized to the
            network's input and goes in as values from 0 to 1.
        model: built, with one input of images of 1 or 3 channels; None for a small one, which is trained on
            Fashion-MNIST's sample first. Convolutions inside nested models are not shown.

    Returns:
        The figure: the picture, and for the first 8 convolutions up to 16 maps each, every map from its least
        value (dark) to its largest.

    Raises:
        ValueError: a model with another input or without convolutions, no picture.
        ImportError: matplotlib is missing.

    Example:
        >>> import pycnn as keras
        >>> from pycnn import explain
        >>> layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]
        >>> len(explain.feature_maps(model=keras.Sequential(layers)).subfigs)
        2
    """
    import pycnn as keras
    from pycnn import layers

    if model is None:
        style.new_figure(1, 1, "")  # an error before anything is trained
        model = network.trained()
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (1, 3):
        raise ValueError(f"model has the input {shape}; expected one of images with 1 or 3 channels")
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    found = [layer for layer in model.layers if isinstance(layer, kinds)][:_MAX_LAYERS]
    if not found:
        raise ValueError(f"model {model.name!r} has no two-dimensional convolution among its layers")
    pixels = _resized(samples.picture_of(picture, "grayscale" if shape[3] == 1 else "rgb"), shape[1:3])
    x = pixels.reshape(1, *shape[1:]) / np.float32(255)
    outputs = [layer.output for layer in found]
    maps = keras.Model(model.inputs, outputs).predict(x, verbose=0)
    maps = maps if isinstance(maps, list) else [maps]

    rows = [min(-(-y.shape[3] // _COLUMNS), _MAX_MAPS // _COLUMNS) for y in maps]
    figure = style.new_figure(10, 2.6 + sum(1.35 * r + 0.45 for r in rows), "Feature maps of convolutions")
    parts: Any = figure.subfigures(len(maps) + 1, 1, height_ratios=[1.9, *(1.35 * r + 0.45 for r in rows)])
    style.show_picture(parts[0].subplots(), pixels, f"input, {shape[1]} x {shape[2]} pixels")
    for part, layer, y, count in zip(parts[1:], found, maps, rows, strict=True):
        shown = min(y.shape[3], _MAX_MAPS)
        what = f"{shown} of {y.shape[3]} maps" if shown < y.shape[3] else f"{shown} maps"
        part.suptitle(f"{layer.name}: {what}, {y.shape[1]} x {y.shape[2]}", fontsize=11)
        for i, axes in enumerate(part.subplots(count, _COLUMNS, squeeze=False).flat):
            if i < shown:
                axes.imshow(y[0, :, :, i], cmap="cividis", interpolation="nearest")
                axes.set_title(str(i), fontsize=9, pad=2)
                style.without_ticks(axes)
            else:
                axes.set_axis_off()
    return figure


def _resized(pixels: Any, size: tuple[int, int]) -> Any:
    from PIL import Image

    return np.array(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS))
