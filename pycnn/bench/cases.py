"""What is timed: single operations at the shapes that small networks have, and whole networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pycnn.bench.peers.networks import NETWORKS
from pycnn.bench.peers.networks import flops as flops_of

__all__ = ["ACTIVATIONS", "DIRECTIONS", "Kernel", "NetworkCase", "case_name", "kernels", "network_cases"]

DIRECTIONS = ("forward", "backward")


class Kernel(NamedTuple):
    """One operation at one shape."""

    name: str
    operation: str  # of pycnn.ops
    arrays: dict[str, tuple[int, ...]]  # its array arguments in order, with their shapes
    output: tuple[int, ...]
    options: dict[str, Any]
    flops: float = 0.0  # of forward; 0 where memory is what counts
    backward_flops: float = 0.0

    def job(self, direction: str) -> dict[str, Any]:
        """What peers are asked for."""
        return {
            "kind": "kernel",
            "direction": direction,
            "operation": self.operation,
            "arrays": self.arrays,
            "output": self.output,
            "options": self.options,
        }


def _convolution(
    n: int, size: int, c: int, k: int, kernel: int, *, strides: int = 1, padding: str = "valid"
) -> Kernel:
    out = -(-size // strides) if padding == "same" else (size - kernel) // strides + 1
    flops = 2.0 * n * out * out * kernel * kernel * c * k
    stride = f"/{strides}" if strides > 1 else ""
    return Kernel(
        f"conv2d {kernel}x{kernel}{stride} {c}->{k} on {size}x{size}, {n} images",
        "conv2d",
        {"x": (n, size, size, c), "w": (kernel, kernel, c, k), "b": (k,)},
        (n, out, out, k),
        {"strides": strides, "padding": padding},
        flops,
        2 * flops,
    )


def _depthwise(n: int, size: int, c: int, kernel: int) -> Kernel:
    flops = 2.0 * n * size * size * kernel * kernel * c
    return Kernel(
        f"depthwise_conv2d {kernel}x{kernel} of {c} on {size}x{size}, {n} images",
        "depthwise_conv2d",
        {"x": (n, size, size, c), "w": (kernel, kernel, c, 1), "b": (c,)},
        (n, size, size, c),
        {"padding": "same"},
        flops,
        2 * flops,
    )


def _pool(operation: str, n: int, size: int, c: int, window: int, strides: int) -> Kernel:
    out = (size - window) // strides + 1
    return Kernel(
        f"{operation} {window}x{window}/{strides} of {c} on {size}x{size}, {n} images",
        operation,
        {"x": (n, size, size, c)},
        (n, out, out, c),
        {"pool_size": window, "strides": strides},
    )


def _global_pool(operation: str, n: int, size: int, c: int) -> Kernel:
    return Kernel(
        f"{operation} of {c} on {size}x{size}, {n} images", operation, {"x": (n, size, size, c)}, (n, c), {}
    )


def _dense(n: int, inputs: int, units: int) -> Kernel:
    flops = 2.0 * n * inputs * units
    return Kernel(
        f"dense {inputs}->{units}, {n} samples",
        "dense",
        {"x": (n, inputs), "w": (inputs, units), "b": (units,)},
        (n, units),
        {},
        flops,
        2 * flops,
    )


def _rows(operation: str, n: int, classes: int) -> Kernel:
    return Kernel(f"{operation} {n}x{classes}", operation, {"x": (n, classes)}, (n, classes), {})


def _activation(name: str, n: int, size: int) -> Kernel:
    options = {"approximate": True} if name == "gelu" else {}  # NumPy has no erf
    return Kernel(f"{name} {n}x{size}", name, {"x": (n, size)}, (n, size), options)


def _cross_entropy(n: int, classes: int) -> Kernel:
    name = "softmax_cross_entropy"
    return Kernel(f"{name} {n}x{classes}", name, {"x": (n, classes), "labels": (n,)}, (n,), {})


def _batch_normalization(n: int, size: int, c: int) -> Kernel:
    return Kernel(
        f"batch_normalization of {c} on {size}x{size}, {n} images",
        "batch_normalization",
        {"x": (n, size, size, c), "gamma": (c,), "beta": (c,)},
        (n, size, size, c),
        {"epsilon": 1e-3},
    )


ACTIVATIONS = (
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "softplus", "softsign",
    "hard_sigmoid", "hard_silu", "exponential",
)  # fmt: skip


def kernels(divisor: int = 1) -> list[Kernel]:
    """All of them, on a `divisor`-th of the images for a quick look.

    Example:
        >>> kernels()[0].name
        'conv2d 3x3 64->64 on 13x13, 128 images'
    """
    n, half, rows = 128 // divisor, 64 // divisor, 4096 // divisor
    return [
        _convolution(n, 13, 64, 64, 3),
        _convolution(n, 28, 1, 64, 3),
        _convolution(n, 14, 64, 128, 1),
        _convolution(half, 14, 32, 64, 5, padding="same"),
        _convolution(half, 27, 32, 64, 3, strides=2),
        _depthwise(half, 28, 64, 3),
        _pool("max_pool2d", n, 26, 64, 2, 2),
        _pool("max_pool2d", half, 27, 64, 3, 2),
        _pool("average_pool2d", n, 26, 64, 2, 2),
        _global_pool("global_average_pool2d", n, 14, 64),
        _global_pool("global_max_pool2d", n, 14, 64),
        _dense(n, 1600, 128),
        _dense(n, 128, 10),
        *(_activation(name, n, 8192) for name in ACTIVATIONS),
        _rows("softmax", rows, 10),
        _rows("log_softmax", rows, 10),
        _cross_entropy(rows, 10),
        _batch_normalization(n, 13, 64),
    ]


class NetworkCase(NamedTuple):
    """A network that is trained or used with batches of one size."""

    network: str  # of peers/networks.py
    kind: str  # train or infer
    batch: int
    flops: float  # of a batch
    calls: int | None  # in a timed pass; None for as many as fill its time

    @property
    def name(self) -> str:
        """Such as 'train deck, batch 128'."""
        return case_name(self.kind, self.network, self.batch)

    def job(self) -> dict[str, Any]:
        """What peers are asked for."""
        return {"kind": self.kind, "network": self.network, "batch": self.batch}


def case_name(kind: str, network: str, batch: int) -> str:
    """How a job with a whole network is called."""
    return f"{kind} {network}, batch {batch}"


def network_cases(
    names: Sequence[str], batches: Sequence[int] = (), *, quick: bool = False
) -> list[NetworkCase]:
    """Training and inference of these networks, at their own batch sizes where none are given.

    Example:
        >>> [case.name for case in network_cases(["vgg"])][:2]
        ['train vgg, batch 32', 'train vgg, batch 128']
    """
    cases = []
    for name in names:
        network = NETWORKS[name]
        for kind, own in (("train", network.train), ("infer", network.infer)):
            for batch in batches or own:
                calls: int | None = 200 if batch == 1 and name == "deck" else None
                if kind == "train":  # an epoch over the network's images; fewer steps where they are small
                    calls = max(1, min(network.images // batch, 128))
                flops = float(flops_of(network)[kind]) * batch
                cases.append(NetworkCase(name, kind, batch, flops, min(calls or 4, 4) if quick else calls))
    return cases
