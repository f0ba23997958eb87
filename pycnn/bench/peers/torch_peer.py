"""PyTorch: channels_last, fused Adam, inference_mode."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from common import (  # type: ignore
    CHECKED,
    IMAGES,
    THREADS,
    Prepared,
    Unsupported,
    channels_first_weights,
    data,
    kernel_arrays,
    serve,
)


def version() -> str:
    torch = import_module("torch")
    torch.set_num_threads(THREADS)
    return str(torch.__version__)


def deck() -> Any:
    torch: Any = import_module("torch")
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), channels_first_weights(), strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return net.to(memory_format=torch.channels_last)


def images(x: Any) -> Any:
    """NHWC to torch's shape, in the same order in memory."""
    torch: Any = import_module("torch")
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def prepare_deck(job: dict[str, Any]) -> Prepared:
    torch: Any = import_module("torch")
    x, y = data()
    x, y, batch = images(x), torch.from_numpy(y), int(job["batch"])
    net = deck()
    with torch.inference_mode():
        outputs = [torch.softmax(net(x[:CHECKED]), 1).numpy()]
    if job["kind"] == "infer":

        def run(calls: int) -> None:
            with torch.inference_mode():
                for _ in range(calls):
                    net(x[:batch])

    else:
        optimizer = torch.optim.Adam(net.parameters(), eps=1e-7, fused=True)
        loss_of = torch.nn.CrossEntropyLoss()

        def run(calls: int) -> None:
            for i in range(calls):
                start = i * batch % (IMAGES - batch + 1)
                optimizer.zero_grad(set_to_none=True)
                loss_of(net(x[start : start + batch]), y[start : start + batch]).backward()
                optimizer.step()

    return Prepared(run, outputs)


# --- single operations --------------------------------------------------------------------------------------


def tensors(job: dict[str, Any]) -> dict[str, Any]:
    """The operation's arrays in torch's shapes."""
    torch: Any = import_module("torch")
    made = {}
    for name, array in kernel_arrays(job).items():
        if array.ndim == 4 and name == "w":
            order = (2, 3, 0, 1) if job["operation"] == "depthwise_conv2d" else (3, 2, 0, 1)
            made[name] = torch.from_numpy(array.transpose(order).copy())
            made[name] = made[name].contiguous(memory_format=torch.channels_last)
        elif array.ndim == 2 and name == "w":
            made[name] = torch.from_numpy(array.T.copy())
        else:
            made[name] = images(array) if array.ndim == 4 else torch.from_numpy(array)
    return made


def function_of(job: dict[str, Any]) -> Callable[..., Any]:
    """The operation as a function of its arrays, in the order of job["arrays"]."""
    torch: Any = import_module("torch")
    f: Any = torch.nn.functional
    name, options = job["operation"], job["options"]
    strides, padding = options.get("strides", 1), options.get("padding", "valid")
    functions: dict[str, Callable[..., Any]] = {
        "conv2d": lambda x, w, b: f.conv2d(x, w, b, strides, padding),
        "depthwise_conv2d": lambda x, w, b: f.conv2d(x, w, b, strides, padding, groups=x.shape[1]),
        "max_pool2d": lambda x: f.max_pool2d(x, options["pool_size"], strides),
        "average_pool2d": lambda x: f.avg_pool2d(x, options["pool_size"], strides),
        "dense": f.linear,
        "global_average_pool2d": lambda x: x.mean((2, 3)),
        "global_max_pool2d": lambda x: f.adaptive_max_pool2d(x, 1).flatten(1),
        "softmax": lambda x: f.softmax(x, -1),
        "log_softmax": lambda x: f.log_softmax(x, -1),
        "softmax_cross_entropy": lambda x, labels: f.cross_entropy(x, labels.long(), reduction="none"),
        "batch_normalization": lambda x, gamma, beta: f.batch_norm(
            x, None, None, gamma, beta, training=True, eps=options["epsilon"]
        ),
        "relu": f.relu, "leaky_relu": lambda x: f.leaky_relu(x, 0.2), "elu": f.elu, "sigmoid": torch.sigmoid,
        "tanh": torch.tanh, "silu": f.silu, "softplus": f.softplus, "exponential": torch.exp, "selu": f.selu,
        "gelu": lambda x: f.gelu(x, approximate="tanh"), "softsign": f.softsign, "mish": f.mish,
        "hard_sigmoid": f.hardsigmoid, "hard_silu": f.hardswish,
    }  # fmt: skip
    if name not in functions:
        raise Unsupported(name)
    return functions[name]


def like_ours(array: Any, name: str, operation: str) -> Any:
    """A result in the shape that pycnn has, for comparison."""
    array = array.detach()
    if name == "w":
        if array.ndim == 2:
            return array.T
        return array.permute(2, 3, 0, 1) if operation == "depthwise_conv2d" else array.permute(2, 3, 1, 0)
    return array.permute(0, 2, 3, 1) if array.ndim == 4 else array


def prepare_kernel(job: dict[str, Any]) -> Prepared:
    torch: Any = import_module("torch")
    function, made, names = function_of(job), tensors(job), list(job["arrays"])
    inputs = [made[name] for name in names]
    if job["direction"] == "forward":

        def run(calls: int) -> None:
            with torch.inference_mode():
                for _ in range(calls):
                    function(*inputs)

        return Prepared(run, [like_ours(function(*inputs), "y", job["operation"])])

    names = [name for name in names if name != "labels"]
    wanted = [made[name].requires_grad_(True) for name in names]
    y = function(*inputs)

    def gradients() -> Any:
        return torch.autograd.grad(y, wanted, made["dy"], retain_graph=True)

    def run_backward(calls: int) -> None:
        for _ in range(calls):
            gradients()

    results = [like_ours(g, n, job["operation"]) for g, n in zip(gradients(), names, strict=True)]
    return Prepared(run_backward, results)


def prepare(job: dict[str, Any]) -> Prepared:
    return prepare_kernel(job) if job["kind"] == "kernel" else prepare_deck(job)


if __name__ == "__main__":
    serve("torch", version, prepare)
