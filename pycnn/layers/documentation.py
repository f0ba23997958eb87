"""Arguments that many layers have, described once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pycnn.core.operations.documentation import documented

_Class = TypeVar("_Class", bound=type)

_RAISES = """
Raises:
    TypeError, ValueError: if an argument has the wrong type or value, or the input another number of axes.
"""

# Those that are not here go without saying.
_ARGUMENTS = {
    "filters": "number of output channels.",
    "kernel_size": "size of the window in pixels: an integer, or one for each axis.",
    "pool_size": "size of the window in pixels: an integer, or one for each axis.",
    "strides": "step of the window in pixels: an integer, or one for each axis.",
    "padding": "'valid' (none) or 'same' (ceil(size / stride) outputs, the odd pixel at the end).",
    "data_format": """'channels_last', 'channels_first', (n, c, h, w) or (n, c, w), or None for
        `keras.config.image_data_format()`.""",
    "dilation_rate": "distance of the window's taps in pixels: an integer, or one for each axis.",
    "depth_multiplier": "outputs of the convolution of single channels for each input channel.",
    "groups": "input and output channels are divided into so many independent groups.",
    "activation": "name, function, layer or None.",
    "use_bias": "whether there is a bias, added last.",
    "kernel_initializer": "name or object, as all initializers.",
    "depthwise_initializer": "name or object, as all initializers.",
    "kernel_regularizer": "name, object or function, or None, as all regularizers and constraints.",
    "depthwise_regularizer": "name, object or function, or None, as all regularizers and constraints.",
    "padding_value": "beyond Keras, the value of the pixels outside the image.",
    "kwargs": "name, trainable, dtype, input_shape.",
}


def described(**own: str) -> Callable[[_Class], _Class]:
    """Adds the constructor's arguments and errors to the docstring of a layer, before its example.

    Args:
        own: descriptions of arguments that no other layer has, or has otherwise.
    """

    def decorate(cls: _Class) -> _Class:
        code = cls.__init__.__code__  # type: ignore[misc]
        names = [*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount], "kwargs"]
        found = [(name, own.get(name) or _ARGUMENTS.get(name)) for name in names]
        lines = [f"    {name}: {text}" for name, text in found if text]
        return documented("\n".join(["Args:", *lines, _RAISES]), "Example:")(cls)

    return decorate
