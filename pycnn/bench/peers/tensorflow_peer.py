"""Keras on TensorFlow: `fit` for training, a tf.function for inference and for single operations."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from application import is_torchvision, keras_weights, pictures  # type: ignore
from common import (  # type: ignore
    CHECKED,
    MEMORY,
    THREADS,
    Prepared,
    Unsupported,
    data,
    kernel_arrays,
    network_of,
    serve,
)
from keras_network import keras_model, loss_name, trained  # type: ignore


def version() -> str:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf: Any = import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    return str(tf.__version__)


def prepare_network(job: dict[str, Any]) -> Prepared:
    version()
    tf: Any = import_module("tensorflow")
    network, batch = network_of(job), int(job["batch"])
    net = keras_model(tf.keras, network)
    x, y = data(job)
    outputs = [net(x[:CHECKED], training=False)]
    if job["kind"] == "infer":
        forward = tf.function(lambda a: net(a, training=False))
        images = tf.constant(x[:batch])

        def run(calls: int) -> None:
            for _ in range(calls):
                forward(images)

        return Prepared(run, outputs)

    net.compile("adam", loss_name(network), metrics=["accuracy"])

    def fit(calls: int) -> int:
        steps = min(calls, len(x) // batch)
        used = steps * batch
        net.fit(x[:used], y[:used], batch_size=batch, epochs=1, verbose=0)
        return steps

    return Prepared(fit, outputs)


def prepare_application(job: dict[str, Any]) -> Prepared:
    """A network of keras.applications: `fit`, or a tf.function."""
    version()
    tf: Any = import_module("tensorflow")
    if is_torchvision(job):
        raise Unsupported("keras.applications has this network in another form")
    make = getattr(tf.keras.applications, job["network"])
    MEMORY.begin()
    x, y = pictures(job)
    net = make(weights=None, input_shape=tuple(job["input"]))
    for variable, array in zip(net.weights, keras_weights(job), strict=True):
        variable.assign(array)
    if job["kind"] == "train":
        return trained(net, x, y, int(job["batch"]))
    forward = tf.function(lambda a: net(a, training=False))
    images = tf.constant(x)

    def run(calls: int) -> None:
        for _ in range(calls):
            forward(images)

    return Prepared(run, [forward(images)])


def function_of(job: dict[str, Any]) -> Callable[..., Any]:
    """The operation as a function of its arrays, in the order of job["arrays"]."""
    tf: Any = import_module("tensorflow")
    nn: Any = tf.nn
    name, options = job["operation"], job["options"]
    strides, padding = options.get("strides", 1), options.get("padding", "valid").upper()

    def batch_normalization(x: Any, gamma: Any, beta: Any) -> Any:
        return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=options["epsilon"])[0]

    functions: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w, b: nn.bias_add(nn.conv2d(x, w, strides, padding), b),
        "depthwise_conv2d": lambda x, w, b: nn.bias_add(
            nn.depthwise_conv2d(x, w, [1, strides, strides, 1], padding), b
        ),
        "max_pool2d": lambda x: nn.max_pool2d(x, options["pool_size"], strides, padding),
        "average_pool2d": lambda x: nn.avg_pool2d(x, options["pool_size"], strides, padding),
        "dense": lambda x, w, b: nn.bias_add(tf.matmul(x, w), b),
        "softmax": nn.softmax, "batch_normalization": batch_normalization, "relu": nn.relu,
        "leaky_relu": nn.leaky_relu, "elu": nn.elu, "sigmoid": nn.sigmoid, "tanh": nn.tanh, "silu": nn.silu,
        "softplus": nn.softplus, "exponential": tf.exp, "selu": nn.selu, "softsign": nn.softsign,
        "gelu": lambda x: nn.gelu(x, approximate=True), "log_softmax": nn.log_softmax,
        "softmax_cross_entropy": lambda x, t: nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x),
        "global_average_pool2d": lambda x: tf.reduce_mean(x, (1, 2)),
        "global_max_pool2d": lambda x: tf.reduce_max(x, (1, 2)),
    }  # fmt: skip
    if name not in functions:
        raise Unsupported(name)
    return functions[name]


def prepare_kernel(job: dict[str, Any]) -> Prepared:
    version()
    tf: Any = import_module("tensorflow")
    arrays = {name: tf.constant(array) for name, array in kernel_arrays(job).items()}
    function, inputs = function_of(job), [arrays[name] for name in job["arrays"]]

    def gradients(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            wanted = [each for each in inputs if each.dtype.is_floating]
            tape.watch(wanted)
            y = function(*inputs)
        return tape.gradient(y, wanted, arrays["dy"])

    compiled = tf.function(function if job["direction"] == "forward" else gradients)
    result = compiled(*inputs)

    def run(calls: int) -> None:
        for _ in range(calls):
            compiled(*inputs)

    return Prepared(run, result if isinstance(result, (list, tuple)) else [result])


def prepare(job: dict[str, Any]) -> Prepared:
    if "files" in job:
        return prepare_application(job)
    return prepare_kernel(job) if job["kind"] == "kernel" else prepare_network(job)


if __name__ == "__main__":
    serve("tensorflow", version, prepare)
