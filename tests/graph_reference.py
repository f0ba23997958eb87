"""A graph that is built twice, as one of the core and as a list of nodes that NumPy runs in float64."""

import math
from typing import NamedTuple

import numpy as np
import reference
from core_graph import Graph, Network, started


class Node(NamedTuple):
    operation: str
    inputs: tuple[int, ...]
    arguments: tuple
    options: dict


def _convolution(node):
    o = node.options
    return (
        o.get("strides", (1, 1)),
        o.get("padding", (0, 0, 0, 0)),
        o.get("pad_value", 0.0),
        o.get("dilation", (1, 1)),
        o.get("groups", 1),
    )


def _pool(node):
    o = node.options
    return o["pool_size"], o["strides"], o.get("padding", (0, 0, 0, 0))


def _counts(node):
    return node.options.get("count_padding", False)


def _pad(node):
    return node.options["padding"], node.options.get("mode", "constant")


def _statistics(node, x, p, training):
    if training and not node.options.get("frozen", False):
        rows = x.reshape(-1, x.shape[-1])
        return rows.mean(axis=0), rows.var(axis=0)
    return p["moving_mean"], p["moving_variance"]


def _epsilon(node):
    return node.options.get("epsilon", 1e-3)


_BINARY = {
    "add": (np.add, lambda a, b: (1.0, 1.0)),
    "subtract": (np.subtract, lambda a, b: (1.0, -1.0)),
    "multiply": (np.multiply, lambda a, b: (b, a)),
    "maximum": (np.maximum, lambda a, b: (_share(a, b), _share(b, a))),
    "minimum": (np.minimum, lambda a, b: (_share(b, a), _share(a, b))),
}


def _share(a, b):
    """What a of the larger of both gets of a gradient: half of it where they are equal."""
    return (a > b) + 0.5 * (a == b)


def expression(code, x):
    """The registers of an expression: its operands, then the result of each instruction."""
    registers = list(x)
    for operation, *operands in code:
        if operation == "constant":
            registers.append(np.float64(operands[0]))
        else:
            registers.append(_BINARY[operation][0](*(registers[i] for i in operands)))
    return registers


def expression_backward(code, x, dy):
    """The gradients of the operands, all of which have the result's shape."""
    registers = expression(code, x)
    flowing = [0.0] * (len(registers) - 1) + [dy]
    for number in range(len(code) - 1, -1, -1):
        operation, *operands = code[number]
        if operation == "constant":
            continue
        slopes = _BINARY[operation][1](*(registers[i] for i in operands))
        for i, slope in zip(operands, slopes, strict=True):
            flowing[i] = flowing[i] + flowing[len(x) + number] * slope
    return flowing[: len(x)]


def forward(node, x, p, training):
    """The value of a node from those of its inputs and its parameters by name."""
    match node.operation:
        case "conv2d":
            return reference.conv2d(x[0], p["kernel"], p.get("bias"), *_convolution(node))
        case "dense":
            return reference.dense(x[0], p["kernel"], p.get("bias"))
        case "activation":
            return reference.activation(node.arguments[0], x[0], **node.options)
        case "softmax":
            return reference.softmax(x[0])
        case "log_softmax":
            return reference.log_softmax(x[0])
        case "maxout":
            return reference.maxout(x[0], node.options["pieces"])
        case "max_pool2d":
            return reference.max_pool2d(x[0], *_pool(node))
        case "average_pool2d":
            return reference.average_pool2d(x[0], *_pool(node), _counts(node))
        case "reshape":
            return x[0].reshape(len(x[0]), *node.arguments[0])
        case "batch_norm":
            mean, variance = _statistics(node, x[0], p, training)
            return reference.batch_norm_inference(
                x[0], p.get("gamma"), p.get("beta"), mean, variance, _epsilon(node)
            )
        case "pad2d":
            return reference.pad2d(x[0], *_pad(node), node.options.get("value", 0.0))
        case "map":
            return expression(node.arguments[0], x)[-1]
        case "scale_shift":
            return x[0] * node.options["scale"] + node.options["shift"]
        case "add":
            return sum(x)
        case "multiply":
            return math.prod(x)
        case "concat":
            return np.concatenate(x, axis=-1)
        case "dropout" if not training:
            return x[0]
    raise NotImplementedError(node.operation)


def backward(node, x, p, dy):
    """In training: gradients of the inputs, and of the parameters by name."""
    match node.operation:
        case "conv2d":
            dx, dw, db = reference.conv2d_backward(x[0], p["kernel"], dy, *_convolution(node))
            return [dx], {"kernel": dw, "bias": db}
        case "dense":
            dx, dw, db = reference.dense_backward(x[0], p["kernel"], dy)
            return [dx], {"kernel": dw, "bias": db}
        case "activation":
            return [reference.activation_backward(node.arguments[0], x[0], dy, **node.options)], {}
        case "softmax":
            return [reference.softmax_backward(x[0], dy)], {}
        case "log_softmax":
            return [reference.log_softmax_backward(x[0], dy)], {}
        case "maxout":
            return [reference.maxout_backward(x[0], dy, node.options["pieces"])], {}
        case "max_pool2d":
            return [reference.max_pool2d_backward(x[0], dy, *_pool(node))], {}
        case "average_pool2d":
            return [reference.average_pool2d_backward(dy, x[0].shape, *_pool(node), _counts(node))], {}
        case "reshape":
            return [dy.reshape(x[0].shape)], {}
        case "batch_norm":
            mean, variance = _statistics(node, x[0], p, training=True)
            arguments = x[0], dy, p.get("gamma"), mean, variance, _epsilon(node)
            dx, dgamma, dbeta = reference.batch_norm_backward(*arguments)
            if node.options.get("frozen", False):
                dx = dy * p.get("gamma", 1.0) / np.sqrt(variance + _epsilon(node))
            return [dx], {"gamma": dgamma, "beta": dbeta}
        case "pad2d":
            return [reference.pad2d_backward(dy, *_pad(node))], {}
        case "map":
            return expression_backward(node.arguments[0], x, dy), {}
        case "scale_shift":
            return [dy * node.options["scale"]], {}
        case "add":
            return [dy] * len(x), {}
        case "multiply":
            return [dy * math.prod([*x[:i], *x[i + 1 :]]) for i in range(len(x))], {}
        case "concat":
            return np.split(dy, np.cumsum([part.shape[-1] for part in x])[:-1], axis=-1), {}
    raise NotImplementedError(node.operation)


def _smallest(gaps):
    """Without gaps of exactly 0, which come from a ReLU or a padding before and are 0 in float32 too."""
    return gaps[gaps > 0].min(initial=np.inf)


def _margin(node, x):
    """How far the values are from a place where the derivative jumps: a kink, or another maximum."""
    if node.operation == "activation" and node.arguments[0] in ("relu", "leaky_relu", "elu", "selu"):
        kinks = [0.0, node.options.get("threshold", 0.0), node.options.get("max_value", 0.0)]
        return min(_smallest(np.abs(x - kink)) for kink in kinks)
    if node.operation == "activation" and node.arguments[0] in ("hard_sigmoid", "hard_silu"):
        return min(_smallest(np.abs(x - kink)) for kink in (-3.0, 3.0))
    if node.operation == "max_pool2d":
        windows = reference._windows(x, *_pool(node), -1e30)
    elif node.operation == "maxout":
        windows = np.moveaxis(x.reshape(*x.shape[:-1], -1, node.options["pieces"]), -1, 0)
    else:
        return np.inf
    if len(windows) == 1:
        return np.inf
    best = np.sort(windows, axis=0)[-2:]
    return _smallest(best[1] - best[0])


class Model:
    """Has the methods of Graph; each adds its node to both graphs."""

    def __init__(self):
        self.graph = Graph()
        self.nodes = {}
        self._owners = {}  # of nodes that have other nodes' parameters

    def shape(self, node):
        return self.graph.shape(node)

    def like(self, first, x):
        """Another node like `first`, after x, with the same parameters."""
        first = self._owners.get(first, first)
        operation, _, arguments, options = self.nodes[first]
        number = getattr(self.graph, operation)(x, *arguments, **options, like=first)
        self.nodes[number] = Node(operation, (x,), arguments, options)
        self._owners[number] = first
        return number

    def __getattr__(self, operation):
        method = getattr(self.graph, operation)

        def add(x, *arguments, **options):
            number = method(x, *arguments, **options)
            name = options.pop("name", None)
            assert name is None or isinstance(name, str)
            inputs = () if operation == "input" else tuple(x) if isinstance(x, (list, tuple)) else (x,)
            self.nodes[number] = Node(operation, inputs, arguments, options)
            return number

        return add

    def network(self, output, rng):
        """The network up to a node, with random parameters of sizes that keep values near 1."""

        def values_of(name, shape):
            values = rng.standard_normal(shape)
            if name == "kernel":
                return values / math.sqrt(math.prod(shape[:-1]))
            if name == "moving_variance":
                return 0.5 + rng.random(shape)
            return 1 + 0.3 * values if name == "gamma" else 0.3 * values

        return started(Network(self.graph, output), values_of)

    def run(self, parameters, x, training):
        """Values of all nodes, parameters being {node: {name: array}}.

        Leaves in self.margin the distance from the nearest kink, in self.gain how normalization grows errors.
        """
        values, self.margin, self.gain = {}, np.inf, 1.0
        for number, node in self.nodes.items():
            if node.operation == "input":
                values[number] = x
                continue
            inputs = [values[i] for i in node.inputs]
            own = parameters.get(self._owners.get(number, number), {})
            values[number] = forward(node, inputs, own, training)
            if training:
                self.margin = min([self.margin, *(_margin(node, part) for part in inputs)])
            if node.operation == "batch_norm":
                _, variance = _statistics(node, inputs[0], own, training)
                self.gain *= max(1.0, 1.0 / math.sqrt(variance.min() + _epsilon(node)))
        return values

    def gradients(self, parameters, values, output, dy):
        """Gradients of the parameters, {node: {name: array}}, from that of the output, in training."""
        flowing = {output: dy}
        found = {i: {name: np.zeros_like(w) for name, w in named.items()} for i, named in parameters.items()}
        for number in sorted(self.nodes, reverse=True):
            node = self.nodes[number]
            if number not in flowing or node.operation == "input":
                continue
            inputs = [values[i] for i in node.inputs]
            owner = self._owners.get(number, number)
            dx, dw = backward(node, inputs, parameters.get(owner, {}), flowing[number])
            for name in found.get(owner, {}).keys() & dw.keys():
                found[owner][name] = found[owner][name] + dw[name]
            for i, part in zip(node.inputs, dx, strict=True):
                flowing[i] = flowing.get(i, 0.0) + part
        return found


def parameters_of(network):
    """{node: {name: float64 copy}}."""
    found = {}
    for i in range(network.parameter_count):
        values = network.parameter(i).astype(np.float64)
        found.setdefault(network.parameter_node(i), {})[network.parameter_name(i)] = values
    return found


def mean_loss(loss, from_logits, y, labels, weight=None):
    """The batch's mean loss and its gradient by y (n, ...): a sample's loss is the mean over its rows."""
    n, rows = len(y), y.reshape(-1, y.shape[-1])
    given = labels.reshape(-1) if loss.startswith("sparse") else labels.reshape(rows.shape)
    each, dx = reference.loss(loss, rows, given, from_logits)
    per_sample = len(rows) // n
    share = np.repeat(np.ones(n) if weight is None else weight, per_sample) / len(rows)
    return float((each * share).sum()), (dx * share[:, np.newaxis]).reshape(y.shape)
