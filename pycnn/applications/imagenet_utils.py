"""What networks for ImageNet take and give: pixels as they were trained on, and names of classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pycnn.applications.published import File, fetched
from pycnn.core.arguments import as_int
from pycnn.core.data_format import image_data_format

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_CLASS_INDEX = File(
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
_CLASSES = 1000
_MEAN_BGR = (103.939, 116.779, 123.68)
_MEAN_RGB, _DEVIATION_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pixels from 0 to 255 as networks were trained on them.

    Args:
        x: array or symbol (..., height, width, 3), red first. An array of floats is overwritten, as in Keras.
        data_format: 'channels_last', or 'channels_first' for (..., 3, height, width); None for
            `keras.backend.image_data_format()`.
        mode: 'caffe': blue first, less the mean of ImageNet, without scaling; 'tf': from -1 to 1; 'torch':
            from 0 to 1, less the mean of ImageNet, divided by its standard deviation.

    Returns:
        An array or symbol of that shape; float32, or the float type that came.

    Raises:
        ValueError: if an argument has another value, or there are not three channels.

    Example:
        >>> import pycnn as keras
        >>> import numpy as np
        >>> keras.applications.imagenet_utils.preprocess_input(np.full((1, 1, 3), 255.0), mode="tf")
        array([[[1., 1., 1.]]])
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"Expected data_format to be one of `channels_first` or `channels_last`. Received: "
            f"data_format={data_format}"
        )
    if not hasattr(x, "shape"):
        x = np.asarray(x)
    data_format = data_format or image_data_format()
    axis = -3 if data_format == "channels_first" else -1
    if len(x.shape) < 3 or (mode != "tf" and x.shape[axis] != 3):
        raise ValueError(
            f"preprocess_input: x has shape {tuple(x.shape)}; expected pictures of 3 channels ({data_format})"
        )
    return (_of_array if isinstance(x, np.ndarray) else _of_symbol)(x, axis, mode)


def preprocessing(mode: str) -> Callable[..., Any]:
    """The `preprocess_input` of a family: that of `imagenet_utils` in one mode."""

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        return preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    preprocess.__doc__ = f"`imagenet_utils.preprocess_input` with mode={mode!r}."
    return preprocess


def unchanged_input(x: Any, data_format: str | None = None) -> Any:
    """The pixels as they are: the network scales them by itself."""
    return x


def decode_predictions(preds: ArrayLike, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The most probable classes of ImageNet.

    Args:
        preds: probabilities (n, 1000).
        top: how many classes.

    Returns:
        For each sample a list of (WordNet's number, name, probability), the most probable first.

    Raises:
        TypeError, ValueError: if an argument is wrong.
        FileNotFoundError: if the classes' names are not on this machine and could not be downloaded; the
            message says which file to put where.
    """
    probabilities = np.asarray(preds)
    if probabilities.ndim != 2 or probabilities.shape[1] != _CLASSES:
        raise ValueError(
            f"`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape "
            f"(samples, {_CLASSES})). Received array with shape: {probabilities.shape}"
        )
    top = as_int("decode_predictions: top", top, 1)
    names = class_index()
    found = []
    for row in probabilities:
        best = row.argsort()[-top:][::-1]
        found.append([(*names[i], row[i]) for i in sorted(best, key=lambda i: row[i], reverse=True)])
    return found


def class_index() -> tuple[tuple[str, str], ...]:
    """WordNet's number and name of each class.

    Raises:
        FileNotFoundError, ValueError: if the file is not there, or is another one.
    """
    return _read_class_index(fetched(_CLASS_INDEX, "Names of ImageNet's classes"))


@lru_cache(1)
def _read_class_index(path: Path) -> tuple[tuple[str, str], ...]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return tuple((str(number), str(name)) for number, name in (found[str(i)] for i in range(_CLASSES)))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not name the {_CLASSES} classes of ImageNet: {error!r}") from error


def _of_array(x: Any, axis: int, mode: str) -> Any:
    if x.dtype.kind != "f":
        x = x.astype(np.float32)
    elif not x.flags.writeable:
        x = x.copy()
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    if mode == "torch":
        x /= 255.0
        x -= _along(_MEAN_RGB, axis, x.dtype)
        x /= _along(_DEVIATION_RGB, axis, x.dtype)
        return x
    x = np.flip(x, axis)
    x -= _along(_MEAN_BGR, axis, x.dtype)
    return x


def _of_symbol(x: Any, axis: int, mode: str) -> Any:
    from pycnn import ops

    if mode == "tf":
        return x / 127.5 - 1.0
    if mode == "torch":
        return (x / 255.0 - _along(_MEAN_RGB, axis)) / _along(_DEVIATION_RGB, axis)
    return ops.flip(x, axis) - _along(_MEAN_BGR, axis)


def _along(values: tuple[float, ...], axis: int, dtype: Any = np.float32) -> Any:
    return np.array(values, dtype).reshape((3, 1, 1) if axis == -3 else (3,))
