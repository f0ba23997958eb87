"""JAX: one jitted function for a step, for inference and for each single operation. Training needs optax."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from common import (  # type: ignore
    CHECKED,
    THREADS,
    Prepared,
    Unsupported,
    batch_starts,
    classes,
    data,
    kernel_arrays,
    network_of,
    serve,
    weights_of,
)
from networks import (  # type: ignore
    BatchNorm,
    Conv,
    Dense,
    GlobalAverage,
    MaxPool,
    Network,
    Relu,
    Residual,
    steps,
    weight_shapes,
)

_NHWC = ("NHWC", "HWIO", "NHWC")


def version() -> str:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):  # it has no setting for the number of threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    return str(import_module("jax").__version__)


def conv2d(x: Any, w: Any, b: Any, strides: int = 1, padding: str = "valid", groups: int = 1) -> Any:
    lax: Any = import_module("jax").lax
    y = lax.conv_general_dilated(
        x, w, (strides, strides), padding.upper(), dimension_numbers=_NHWC, feature_group_count=groups
    )
    return y + b


def pool(x: Any, start: float, combine: str, pool_size: int, strides: int) -> Any:
    lax: Any = import_module("jax").lax
    window, steps = (1, pool_size, pool_size, 1), (1, strides, strides, 1)
    return lax.reduce_window(x, start, getattr(lax, combine), window, steps, "VALID")


def forward(layers: Sequence[Any], weights: Any, x: Any, training: bool) -> tuple[Any, list[Any]]:
    """Logits, and the moving statistics as they are afterwards.

    weights: one tuple for each layer in the order of networks.steps; batch normalization's is (gamma, beta,
    (mean, variance)).
    """
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    own, statistics = iter(weights), []

    def normalized(x: Any, gamma: Any, beta: Any, moving: Any) -> Any:
        if training:
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            now = (mean, variance)
            statistics.append(tuple(0.99 * a + 0.01 * b for a, b in zip(moving, now, strict=True)))
        else:
            mean, variance = moving
        return (x - mean) * (gamma / jnp.sqrt(variance + 1e-3)) + beta

    def run(layers: Sequence[Any], x: Any) -> Any:
        for layer in layers:
            if isinstance(layer, Residual):
                body = run(layer.body, x)
                x = body + run(layer.shortcut, x)
                continue
            w = next(own)
            if isinstance(layer, Conv):
                x = conv2d(x, w[0], w[1] if layer.bias else 0.0, layer.strides, layer.padding)
            elif isinstance(layer, Dense):
                x = x @ w[0] + w[1]
            elif isinstance(layer, BatchNorm):
                x = normalized(x, *w)
            elif isinstance(layer, MaxPool):
                x = pool(x, -np.inf, "max", 2, 2)
            elif isinstance(layer, GlobalAverage):
                x = x.mean((1, 2))
            else:
                x = jax.nn.relu(x) if isinstance(layer, Relu) else x.reshape(x.shape[0], -1)
        return x

    return run(layers, x), statistics


def split_weights(network: Network) -> tuple[list[Any], list[Any]]:
    """What is trained and the moving statistics, each a list of tuples in the order of networks.steps."""
    jnp: Any = import_module("jax.numpy")
    arrays, trained, moving = iter(map(jnp.asarray, weights_of(network))), [], []
    for layer, before, _ in steps(network.layers, network.input):
        own = network._replace(layers=[layer], input=before)
        values = [next(arrays) for _ in weight_shapes(own)]
        trained.append(tuple(values[:2]))
        moving += [tuple(values[2:])] if values[2:] else []
    return trained, moving


def prepare_network(job: dict[str, Any]) -> Prepared:
    version()
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    network, batch = network_of(job), int(job["batch"])
    layers, binary = network.layers, classes(network) == 1
    norms = [isinstance(step.layer, BatchNorm) for step in steps(layers, network.input)]
    images, numbers = data(job)
    x, y = jnp.asarray(images), jnp.asarray(numbers)
    trained, moving = split_weights(network)

    def logits(trained: Any, moving: Any, x: Any, training: bool) -> tuple[Any, list[Any]]:
        rest = iter(moving)
        own = [(*w, next(rest)) if norm else w for w, norm in zip(trained, norms, strict=True)]
        return forward(layers, own, x, training)

    infer_one = jax.jit(lambda trained, moving, x: logits(trained, moving, x, False)[0])
    first = infer_one(trained, moving, x[:CHECKED])
    outputs = [jax.nn.sigmoid(first) if binary else jax.nn.softmax(first)]
    if job["kind"] == "infer":
        part = x[:batch]

        def run(calls: int) -> None:
            for _ in range(calls):
                out = infer_one(trained, moving, part)
            out.block_until_ready()

        return Prepared(run, outputs)

    optax: Any = import_module("optax")
    optimizer = optax.adam(1e-3, eps=1e-7)

    def loss_of(trained: Any, moving: Any, x: Any, y: Any) -> Any:
        out, moving = logits(trained, moving, x, True)
        if binary:
            return optax.sigmoid_binary_cross_entropy(out[:, 0], y).mean(), moving
        return optax.softmax_cross_entropy_with_integer_labels(out, y).mean(), moving

    @jax.jit  # type: ignore[untyped-decorator]
    def step(trained: Any, moving: Any, state: Any, x: Any, y: Any) -> Any:
        gradients, moving = jax.grad(loss_of, has_aux=True)(trained, moving, x, y)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(trained, updates), moving, state

    state = [trained, moving, optimizer.init(trained)]

    def train(calls: int) -> None:
        for start in batch_starts(job, calls, len(x)):
            state[:] = step(*state, x[start : start + batch], y[start : start + batch])
        jax.block_until_ready(state[0])

    return Prepared(train, outputs)


def function_of(job: dict[str, Any]) -> Callable[..., Any]:
    """The operation as a function of its arrays, in the order of job["arrays"]."""
    nn: Any = import_module("jax").nn
    jnp: Any = import_module("jax.numpy")
    name, options = job["operation"], job["options"]

    def depthwise_conv2d(x: Any, w: Any, b: Any) -> Any:
        kh, kw, c, _ = w.shape
        return conv2d(x, w.reshape(kh, kw, 1, c), b, groups=c, **options)

    def average_pool2d(x: Any) -> Any:
        return pool(x, 0.0, "add", **options) / options["pool_size"] ** 2

    def batch_normalization(x: Any, gamma: Any, beta: Any) -> Any:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) * (gamma / jnp.sqrt(variance + options["epsilon"])) + beta

    functions: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w, b: conv2d(x, w, b, **options), "depthwise_conv2d": depthwise_conv2d,
        "max_pool2d": lambda x: pool(x, -np.inf, "max", **options), "average_pool2d": average_pool2d,
        "dense": lambda x, w, b: x @ w + b, "softmax": nn.softmax, "batch_normalization": batch_normalization,
        "relu": nn.relu, "leaky_relu": lambda x: nn.leaky_relu(x, 0.2), "elu": nn.elu, "sigmoid": nn.sigmoid,
        "tanh": jnp.tanh, "silu": nn.silu, "softplus": nn.softplus, "exponential": jnp.exp, "selu": nn.selu,
        "gelu": nn.gelu, "softsign": nn.soft_sign, "mish": nn.mish, "hard_sigmoid": nn.hard_sigmoid,
        "hard_silu": nn.hard_silu, "log_softmax": nn.log_softmax,
        "global_average_pool2d": lambda x: x.mean((1, 2)), "global_max_pool2d": lambda x: x.max((1, 2)),
    }  # fmt: skip
    if name not in functions:
        raise Unsupported(name)
    return functions[name]


def prepare_kernel(job: dict[str, Any]) -> Prepared:
    version()
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    arrays = {name: jnp.asarray(array) for name, array in kernel_arrays(job).items()}
    function, inputs = function_of(job), [arrays[name] for name in job["arrays"]]

    def gradients(*inputs: Any) -> Any:
        return jax.vjp(function, *inputs)[1](arrays["dy"])

    compiled = jax.jit(function if job["direction"] == "forward" else gradients)
    result = compiled(*inputs)

    def run(calls: int) -> None:
        for _ in range(calls):
            out = compiled(*inputs)
        jax.block_until_ready(out)

    return Prepared(run, result if isinstance(result, (list, tuple)) else [result])


def prepare(job: dict[str, Any]) -> Prepared:
    return prepare_kernel(job) if job["kind"] == "kernel" else prepare_network(job)


if __name__ == "__main__":
    serve("jax", version, prepare)
