"""NumPy, with BLAS for what is a matrix product: see numpy_ops and numpy_activations."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy_ops as ops  # type: ignore
from common import (  # type: ignore
    CHECKED,
    Prepared,
    Unsupported,
    batch_starts,
    data,
    kernel_arrays,
    network_of,
    serve,
    weights_of,
)
from numpy.typing import NDArray
from numpy_activations import ACTIVATIONS  # type: ignore

F32 = NDArray[np.float32]

# What a gradient needs besides dy and x.
_NEEDED = {
    "conv2d": ("w",), "depthwise_conv2d": ("w",), "dense": ("w",), "batch_normalization": ("gamma",),
    "softmax_cross_entropy": ("labels",),
}  # fmt: skip


def kernel(job: dict[str, Any]) -> Callable[[], Any]:
    """A function without arguments that runs the operation once and returns its output or gradients."""
    name, options, arrays = job["operation"], job["options"], kernel_arrays(job)
    forward = job["direction"] == "forward"
    dy, x = arrays["dy"], arrays["x"]
    if name in ACTIVATIONS:
        function, slope = ACTIVATIONS[name]
        return (lambda: function(x)) if forward else (lambda: dy * slope(x))
    function = getattr(ops, name if forward else f"{name}_backward", None)
    if function is None:
        raise Unsupported(name)
    if forward:
        inputs = [arrays[each] for each in job["arrays"]]
        return lambda: function(*inputs, **options)
    needed = [arrays[each] for each in _NEEDED.get(name, ())]
    return lambda: function(dy, x, *needed, **options)


class Deck:
    """The network with its Adam optimizer."""

    def __init__(self) -> None:
        self.weights: list[F32] = weights_of(network_of({}))
        self.m = [np.zeros_like(w) for w in self.weights]
        self.v = [np.zeros_like(w) for w in self.weights]
        self.steps = 0

    def forward(self, x: F32) -> list[F32]:
        """Inputs of the layers, and the logits."""
        w1, b1, w2, b2, w3, b3, w4, b4 = self.weights
        a1 = ops.conv2d(x, w1, b1)
        np.maximum(a1, 0, out=a1)
        p1 = ops.max_pool2d(a1, 2, 2)
        a2 = ops.conv2d(p1, w2, b2)
        np.maximum(a2, 0, out=a2)
        p2 = ops.max_pool2d(a2, 2, 2).reshape(len(x), -1)
        a3 = ops.dense(p2, w3, b3)
        np.maximum(a3, 0, out=a3)
        return [x, a1, p1, a2, p2, a3, ops.dense(a3, w4, b4)]

    def predict(self, x: F32) -> F32:
        return ops.softmax(self.forward(x)[-1])

    def train(self, x: F32, y: NDArray[np.int32]) -> None:
        """One step."""
        w2, w3, w4 = self.weights[2], self.weights[4], self.weights[6]
        x, a1, p1, a2, p2, a3, logits = self.forward(x)
        dy = ops.softmax(logits)
        dy[np.arange(len(y)), y] -= 1
        dy /= np.float32(len(y))
        d3, dw4, db4 = ops.dense_backward(dy, a3, w4)
        d3 *= a3 > 0
        d2, dw3, db3 = ops.dense_backward(d3, p2, w3)
        g2 = ops.max_pool2d_backward(d2.reshape(len(x), 5, 5, 64), a2, 2, 2)
        g2 *= a2 > 0
        d1, dw2, db2 = ops.conv2d_backward(g2, p1, w2)
        g1 = ops.max_pool2d_backward(d1, a1, 2, 2)
        g1 *= a1 > 0
        _, dw1, db1 = ops.conv2d_backward(g1, x, self.weights[0], need_input=False)
        self._adam([dw1, db1, dw2, db2, dw3, db3, dw4, db4])

    def _adam(self, gradients: list[F32]) -> None:
        self.steps += 1
        rate = np.float32(1e-3 * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps))
        for w, g, m, v in zip(self.weights, gradients, self.m, self.v, strict=True):
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
            w -= rate * m / (np.sqrt(v) + np.float32(1e-7))


def prepare(job: dict[str, Any]) -> Prepared:
    if job["kind"] == "kernel":
        once = kernel(job)
        result = once()

        def run(calls: int) -> None:
            for _ in range(calls):
                once()

        return Prepared(run, result if isinstance(result, tuple) else [result])
    if job.get("network", "deck") != "deck":
        raise Unsupported("the network deck only")
    x, y = data(job)
    deck, batch = Deck(), int(job["batch"])
    outputs = [deck.predict(x[:CHECKED])]
    if job["kind"] == "infer":

        def run(calls: int) -> None:
            for _ in range(calls):
                deck.predict(x[:batch])

    else:

        def run(calls: int) -> None:
            for start in batch_starts(job, calls, len(x)):
                deck.train(x[start : start + batch], y[start : start + batch])

    return Prepared(run, outputs)


if __name__ == "__main__":
    serve("numpy", lambda: np.__version__, prepare)
