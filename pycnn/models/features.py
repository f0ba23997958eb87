"""Features of frozen layers: computed once for many epochs, and kept in a file if asked."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pycnn.core.blueprint import Blueprint
from pycnn.core.function import Function
from pycnn.core.program import lowered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pycnn.models.model import Model

    F32: TypeAlias = NDArray[np.float32]

_RANDOM = ("dropout", "uniform")  # nodes whose values are drawn anew in every step


def precomputed(model: Model, x: Any, cache_dir: str | os.PathLike[str] | None) -> F32:
    """See `Model.precompute_features`."""
    if not isinstance(x, np.ndarray):
        raise TypeError(
            f"precompute_features: x is {type(x).__name__}; expected an array. What yields batches may draw "
            f"other pictures in each epoch"
        )
    _check_frozen(model)
    graph = Blueprint(training=True)
    outputs = lowered(Function(model.inputs, model.outputs), graph)
    if len(outputs) != 1:
        raise ValueError(f"precompute_features: model {model.name!r} has {len(outputs)} outputs")
    for number in range(len(graph)):
        kind, name, *_ = graph.node(number)
        if kind in _RANDOM:
            raise ValueError(
                f"precompute_features: {name!r} ({kind}) in model {model.name!r} draws at random in "
                f"training, so that features differ from epoch to epoch. Cut the model before it"
            )
    if graph.assigned:
        raise ValueError(
            f"precompute_features: calls in model {model.name!r} assign to "
            f"{', '.join(variable.path for variable in graph.assigned)} in training, so that features differ "
            f"from epoch to epoch. Cut the model before it"
        )
    if cache_dir is None:
        return model.predict(x, verbose=0)  # type: ignore[no-any-return]
    return _kept(model, x, graph.text(outputs), os.fspath(cache_dir))


def _check_frozen(model: Model) -> None:
    trained = [layer.name for layer in model.leaves() if layer.trainable and layer.own_weights]
    if trained:
        raise ValueError(
            f"precompute_features: layers of model {model.name!r} are trained, so that features change: "
            f"{', '.join(trained)!s:.100}. Set `model.trainable = False` first"
        )


def _kept(model: Model, x: NDArray[Any], text: str, folder: str) -> F32:
    """The features from their file, or computed and written there."""
    path = os.path.join(folder, f"features-{_key(model, x, text)}.npy")
    shape = (len(x), *model.output_shape[1:])
    with contextlib.suppress(OSError, ValueError, EOFError):
        found: F32 = np.load(path, allow_pickle=False)
        if found.shape == shape and found.dtype == np.float32:
            return found
    features: F32 = model.predict(x, verbose=0)
    os.makedirs(folder, exist_ok=True)
    beside = f"{path}.{os.getpid()}.part"
    try:
        with open(beside, "wb") as file:
            np.save(file, features, allow_pickle=False)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    return features


def _key(model: Model, x: NDArray[Any], text: str) -> str:
    """What the features depend on: the graph, the weights' values, and the data."""
    digest = hashlib.sha256(text.encode())
    for array in (*(weight.value for weight in model.weights), x):
        contiguous = np.ascontiguousarray(array)
        digest.update(f"{contiguous.dtype.str}{contiguous.shape}".encode())
        digest.update(contiguous.data)
    return digest.hexdigest()[:32]
