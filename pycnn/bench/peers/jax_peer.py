"""JAX: one jitted function for a step, for inference and for each single operation. Training needs optax."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from common import (  # type: ignore
    CHECKED,
    IMAGES,
    THREADS,
    Prepared,
    Unsupported,
    data,
    deck_weights,
    kernel_arrays,
    serve,
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


def forward(weights: Any, x: Any) -> Any:
    """Logits."""
    relu = import_module("jax").nn.relu
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    x = pool(relu(conv2d(x, w1, b1)), -np.inf, "max", 2, 2)
    x = pool(relu(conv2d(x, w2, b2)), -np.inf, "max", 2, 2)
    x = relu(x.reshape(x.shape[0], -1) @ w3 + b3)
    return x @ w4 + b4


def prepare_deck(job: dict[str, Any]) -> Prepared:
    version()
    jax: Any = import_module("jax")
    jnp: Any = import_module("jax.numpy")
    batch = int(job["batch"])
    images, numbers = data()
    x, y = jnp.asarray(images), jnp.asarray(numbers.astype(np.int32))
    weights = [jnp.asarray(w) for w in deck_weights()]
    infer_one = jax.jit(forward)
    outputs = [jax.nn.softmax(infer_one(weights, x[:CHECKED]))]
    if job["kind"] == "infer":
        part = x[:batch]

        def run(calls: int) -> None:
            for _ in range(calls):
                out = infer_one(weights, part)
            out.block_until_ready()

        return Prepared(run, outputs)

    optax: Any = import_module("optax")
    optimizer = optax.adam(1e-3, eps=1e-7)

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(forward(weights, x), y).mean()

    @jax.jit  # type: ignore[untyped-decorator]
    def step(weights: Any, state: Any, x: Any, y: Any) -> Any:
        updates, state = optimizer.update(jax.grad(loss_of)(weights, x, y), state)
        return optax.apply_updates(weights, updates), state

    state = [weights, optimizer.init(weights)]

    def train(calls: int) -> None:
        for i in range(calls):
            start = i * batch % (IMAGES - batch + 1)
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
    return prepare_kernel(job) if job["kind"] == "kernel" else prepare_deck(job)


if __name__ == "__main__":
    serve("jax", version, prepare)
