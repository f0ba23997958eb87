"""pycnn itself, through its public interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from application import keras_weights, pictures, saved_model  # type: ignore
from common import (  # type: ignore
    CHECKED,
    FORM,
    MEMORY,
    Prepared,
    data,
    kernel_arrays,
    network_of,
    serve,
)
from keras_network import keras_model, loss_name, trained  # type: ignore

import pycnn as keras
from pycnn import _core, ops
from pycnn._version import __version__
from pycnn.bench.applications import model_of

# What a gradient needs besides dy and x.
_NEEDED = {
    "conv2d": ("w",),
    "depthwise_conv2d": ("w",),
    "dense": ("w",),
    "softmax_cross_entropy": ("labels",),
}


def version() -> str:
    return __version__


def prepare_network(job: dict[str, Any]) -> Prepared:
    """Training with `fit`; inference "through" compile_inference ("prepared", the default), predict_on_batch
    or predict."""
    network, batch = network_of(job), int(job["batch"])
    if FORM == "bf16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    net = keras_model(keras, network)
    x, y = data(job)
    outputs = [net.predict_on_batch(x[:CHECKED])]
    if job["kind"] == "train":
        net.compile("adam", loss_name(network), metrics=["accuracy"])

        def fit(calls: int) -> int:
            steps = min(calls, len(x) // batch)
            used = steps * batch
            net.fit(x[:used], y[:used], batch_size=batch, epochs=1, verbose=0)
            return steps

        return Prepared(fit, outputs)

    part = x[:batch]
    through = job.get("through", "prepared")
    call: Any = net.compile_inference(batch) if through == "prepared" else getattr(net, through)

    def run(calls: int) -> None:
        for _ in range(calls):
            call(part)

    return Prepared(run, outputs)


def import_all() -> None:
    """Imports what pycnn imports when it is first used, and other libraries at once."""
    for package in (keras.layers, keras.models, keras.optimizers, keras.saving):
        for name in package.__all__:
            getattr(package, name)


def prepare_application(job: dict[str, Any]) -> Prepared:
    """A network for ImageNet: training with `fit`, or inference by compile_inference."""
    import_all()
    MEMORY.begin()
    (x, y), batch = pictures(job), int(job["batch"])
    if FORM == "bf16":  # what was saved says float32
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
        net = model_of(job["network"], job["input"])
        net.set_weights(list(keras_weights(job)))
    else:
        net = keras.models.load_model(saved_model(job), compile=False, lazy=job["kind"] == "infer")
    if job["kind"] == "train":
        return trained(net, x, y, batch)
    call = net.compile_inference(batch)

    def run(calls: int) -> None:
        for _ in range(calls):
            call(x)

    return Prepared(run, [np.array(call(x))])


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
    if "files" in job:
        return prepare_application(job)
    kinds = {"kernel": prepare_kernel, "peak": prepare_peak}
    return kinds.get(job["kind"], prepare_network)(job)


if __name__ == "__main__":
    serve("pycnn", version, prepare)
