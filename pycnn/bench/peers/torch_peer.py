"""PyTorch: channels_last, fused Adam, inference_mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from application import is_torchvision, pictures, state_dict  # type: ignore
from common import (  # type: ignore
    CHECKED,
    FORM,
    MEMORY,
    THREADS,
    Prepared,
    Unsupported,
    batch_starts,
    channels_first_weights,
    classes,
    data,
    kernel_arrays,
    network_of,
    serve,
)
from networks import (  # type: ignore
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAverage,
    MaxPool,
    Network,
    Relu,
    Residual,
    top_steps,
)


def version() -> str:
    torch = import_module("torch")
    torch.set_num_threads(THREADS)
    return str(torch.__version__)


def torch_layers(layers: Sequence[Any], shape: Any) -> Any:
    """The layers for images of that (height, width, channels), as one module."""
    nn: Any = import_module("torch").nn
    return nn.Sequential(*(part for step in top_steps(layers, shape) for part in torch_layer(*step)))


def torch_layer(layer: Any, before: Any, after: Any) -> list[Any]:
    """One layer as modules."""
    nn: Any = import_module("torch").nn
    if isinstance(layer, Residual):
        return [residual(torch_layers(layer.body, before), torch_layers(layer.shortcut, before))]
    if isinstance(layer, Conv):
        total = layer.size - layer.strides if layer.padding == "same" else 0  # Keras' rule, for even sides
        uneven = [nn.ZeroPad2d((0, 1, 0, 1))] if total % 2 == 1 and total > 0 else []
        padding = max(total // 2, 0)
        return [
            *uneven,
            nn.Conv2d(before[-1], layer.filters, layer.size, layer.strides, padding, bias=layer.bias),
        ]
    if isinstance(layer, Dense):
        return [nn.Linear(before[-1], layer.units)]
    if isinstance(layer, BatchNorm):
        return [nn.BatchNorm2d(before[-1], eps=1e-3, momentum=0.01)]
    if isinstance(layer, GlobalAverage):
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return [{Relu: nn.ReLU, MaxPool: lambda: nn.MaxPool2d(2), Flatten: nn.Flatten}[type(layer)]()]


def residual(body: Any, shortcut: Any) -> Any:
    """A module that adds the two."""
    torch: Any = import_module("torch")

    class Sum(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body, self.shortcut = body, shortcut

        def forward(self, x: Any) -> Any:
            return self.body(x) + self.shortcut(x)

    return Sum()


def model(network: Network) -> Any:
    torch: Any = import_module("torch")
    net, weights = torch_layers(network.layers, network.input), iter(channels_first_weights(network))
    with torch.no_grad():
        for module in net.modules():
            for name in ("weight", "bias", "running_mean", "running_var"):
                if (place := getattr(module, name, None)) is not None:
                    place.copy_(torch.from_numpy(next(weights)))
    return net


def images(x: Any) -> Any:
    """NHWC to torch's shape, in the same order in memory."""
    torch: Any = import_module("torch")
    return torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def prepare_network(job: dict[str, Any]) -> Prepared:
    """Forms: eager, compile (torch.compile), bf16 (autocast)."""
    version()
    torch: Any = import_module("torch")
    network, batch = network_of(job), int(job["batch"])
    binary = classes(network) == 1
    numbers, labels = data(job)
    x = images(numbers)
    y = torch.from_numpy(labels)[:, None].float() if binary else torch.from_numpy(labels).long()
    net = model(network).to(memory_format=torch.channels_last).eval()
    cast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=FORM == "bf16")
    with torch.inference_mode(), cast:
        logits = net(x[:CHECKED]).float()
        outputs = [(torch.sigmoid(logits) if binary else torch.softmax(logits, 1)).numpy()]
    net.train(job["kind"] == "train")
    forward = torch.compile(net) if FORM == "compile" else net
    if job["kind"] == "infer":

        def run(calls: int) -> None:
            with torch.inference_mode(), cast:
                for _ in range(calls):
                    forward(x[:batch])

    else:
        optimizer = torch.optim.Adam(net.parameters(), eps=1e-7, fused=True)
        loss_of = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()

        def run(calls: int) -> None:
            for start in batch_starts(job, calls, len(x)):
                optimizer.zero_grad(set_to_none=True)
                with cast:
                    loss = loss_of(forward(x[start : start + batch]), y[start : start + batch])
                loss.backward()
                optimizer.step()

    return Prepared(run, outputs)


def prepare_application(job: dict[str, Any]) -> Prepared:
    """A network of torchvision, in the forms of `prepare_network`."""
    version()
    torch: Any = import_module("torch")
    if not is_torchvision(job):
        raise Unsupported("torchvision has this network in another form, or not at all")
    models: Any = import_module("torchvision").models
    MEMORY.begin()
    numbers, labels = pictures(job)
    batch, x, y = int(job["batch"]), images(numbers), torch.from_numpy(labels).long()
    options = {"aux_logits": False, "init_weights": False} if job["network"] == "inception_v3" else {}
    net = getattr(models, job["network"])(**options)
    tensors = {name: each for name, each in net.state_dict().items() if not name.endswith("_tracked")}
    for name, array in state_dict(job):
        tensors.pop(name).copy_(torch.from_numpy(array))
    assert not tensors, f"no weights for {', '.join(tensors)}"
    if job["network"] == "inception_v3":
        net.transform_input = True
    net = net.to(memory_format=torch.channels_last).eval()
    cast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=FORM == "bf16")
    with torch.inference_mode(), cast:
        outputs = [torch.softmax(net(x[:batch]).float(), 1).numpy()]
    net.train(job["kind"] == "train")
    forward = torch.compile(net) if FORM == "compile" else net
    if job["kind"] == "infer":

        def run(calls: int) -> None:
            with torch.inference_mode(), cast:
                for _ in range(calls):
                    forward(x)

        return Prepared(run, outputs)
    return Prepared(training(forward, net, x, y, batch, cast), outputs)


def training(forward: Any, net: Any, x: Any, y: Any, batch: int, cast: Any) -> Callable[[int], int]:
    """Passes over all pictures by Adam."""
    torch: Any = import_module("torch")
    optimizer = torch.optim.Adam(net.parameters(), eps=1e-7, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def run(calls: int) -> int:
        for start in range(0, len(x), batch):
            optimizer.zero_grad(set_to_none=True)
            with cast:
                loss = loss_of(forward(x[start : start + batch]), y[start : start + batch])
            loss.backward()
            optimizer.step()
        return len(x) // batch

    return run


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
    if "files" in job:
        return prepare_application(job)
    return prepare_kernel(job) if job["kind"] == "kernel" else prepare_network(job)


if __name__ == "__main__":
    serve("torch", version, prepare)
