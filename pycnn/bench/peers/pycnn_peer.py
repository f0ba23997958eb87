"""pycnn itself, through its public interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from common import CHECKED, IMAGES, Prepared, data, deck_weights, kernel_arrays, serve  # type: ignore

import pycnn as keras
from pycnn import _core, ops
from pycnn._version import __version__

# What a gradient needs besides dy and x.
_NEEDED = {
    "conv2d": ("w",),
    "depthwise_conv2d": ("w",),
    "dense": ("w",),
    "softmax_cross_entropy": ("labels",),
}


def version() -> str:
    return __version__


def deck() -> Any:
    layers = keras.layers
    net = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    net.set_weights(deck_weights())
    return net


def prepare_deck(job: dict[str, Any]) -> Prepared:
    """Training with `fit`; inference by "through": predict_on_batch (the default), predict, or network, which
    is the C++ object that the other two call."""
    net, batch = deck(), int(job["batch"])
    x, y = data()
    outputs = [net.predict_on_batch(x[:CHECKED])]
    if job["kind"] == "train":
        net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        used = IMAGES if batch >= 32 else 512

        def fit(calls: int) -> int:
            net.fit(x[:used], y[:used], batch_size=batch, epochs=1, verbose=0)
            return -(-used // batch)

        return Prepared(fit, outputs)

    part = x[:batch] if batch <= IMAGES else np.concatenate([x] * -(-batch // IMAGES))[:batch]
    through = job.get("through", "predict_on_batch")
    if through == "network":
        network, result = net._ready(None).network, np.empty((batch, 10), np.float32)

        def run(calls: int) -> None:
            for _ in range(calls):
                network.predict(part, result)

    elif through == "predict":

        def run(calls: int) -> None:
            for _ in range(calls):
                net.predict(part, verbose=0)

    else:

        def run(calls: int) -> None:
            for _ in range(calls):
                net.predict_on_batch(part)

    return Prepared(run, outputs)


def prepare_kernel(job: dict[str, Any]) -> Prepared:
    name, options, arrays = job["operation"], job["options"], kernel_arrays(job)
    function: Any = getattr(ops, name)
    inputs = [arrays[each] for each in job["arrays"]]
    result = function(*inputs, **options)
    if job["direction"] == "backward":
        inputs = [arrays["dy"], arrays["x"], *(arrays[each] for each in _NEEDED.get(name, ()))]
        if name == "batch_normalization":
            inputs += [*result[1:], arrays["gamma"]]
        function = getattr(ops, f"{name}_backward")
        result = function(*inputs, **options)
    elif name == "batch_normalization":
        result = result[0]

    def run(calls: int) -> None:
        for _ in range(calls):
            function(*inputs, **options)

    return Prepared(run, result if isinstance(result, tuple) else [result])


def prepare_peak(job: dict[str, Any]) -> Prepared:
    """Multiply-adds in registers; the output is GFLOP/s."""
    return Prepared(lambda calls: None, [np.array(_core.measure_fma_peak(job["seconds"]))])


def prepare(job: dict[str, Any]) -> Prepared:
    kinds = {"kernel": prepare_kernel, "peak": prepare_peak}
    return kinds.get(job["kind"], prepare_deck)(job)


if __name__ == "__main__":
    serve("pycnn", version, prepare)
